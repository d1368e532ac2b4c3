"""Typed parameters: the one way a stage learns how it was configured.

`conf/` is the source of truth. Hydra composes it to `params.yaml` (`rms params`, or `dvc exp run -S`), and
`load_params()` reads that file, checks every key, type and range, and explains the first fault in one line.
"""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from rms.errors import RmsError, one_line
from rms.params.assistant import Assistant, Batch, EmbeddedAssistant, Endpoint, OpenAIAssistant, Price, SentImage
from rms.params.data import OURS, Augment, Build, Corpora, Finetune, Generate, Patterns, RiskOriented, TrainCorpora
from rms.params.faults import first_fault, not_given
from rms.params.images import FolderSource, HubSource, Images, PackageSource, UrlSource
from rms.params.judge import ApiJudge, EmbeddedJudge, Evaluate, Judge, Lora, Report, VlmJudge
from rms.params.section import Section, Seed, Share

__all__ = [
    "OURS",
    "PARAMS_FILE",
    "ApiJudge",
    "Assistant",
    "Augment",
    "Batch",
    "Build",
    "Corpora",
    "EmbeddedAssistant",
    "EmbeddedJudge",
    "Endpoint",
    "Evaluate",
    "Finetune",
    "FolderSource",
    "Generate",
    "HubSource",
    "Images",
    "Judge",
    "Lora",
    "OpenAIAssistant",
    "PackageSource",
    "Params",
    "Patterns",
    "Price",
    "Report",
    "RiskOriented",
    "SentImage",
    "TrainCorpora",
    "UrlSource",
    "VlmJudge",
    "check_params",
    "load_params",
]

PARAMS_FILE = Path("params.yaml")


class Params(Section):
    """Everything in `params.yaml`."""

    experiment: str
    seed: Seed
    offline: bool
    max_failure_rate: Share
    """Share of questions without an answer above which a stage stops."""
    budget_usd: Annotated[float, Field(ge=0.0)] | None
    """What answers of paid endpoints may cost in all, over every stage and both assistants."""
    prices: dict[str, dict[str, Price]] = Field(default_factory=dict)
    """By endpoint and model: what `price` of assistant and checker was looked up in when `conf/` was composed."""
    images: Images
    assistant: Assistant
    checker: Assistant
    patterns: Patterns
    generate: Generate
    augment: Augment
    build: Build
    risk_oriented: RiskOriented
    corpora: Corpora
    train_corpora: TrainCorpora
    finetune: Finetune
    judge: Judge
    evaluate: Evaluate
    report: Report


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check `params.yaml`.

    Raises RmsError with one line that names the key, the value and what is allowed.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RmsError(f"{path}: not found; run `rms params` in the project folder to compose it from conf/") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RmsError(f"{path}: not valid YAML ({one_line(error)}); run `rms params` to compose it again") from None
    return check_params(values, str(path))


def check_params(values: Any, where: str) -> Params:
    """Validate a composed configuration; `where` names it in errors."""
    if not isinstance(values, dict):
        raise RmsError(f"{where}: holds no parameters; run `rms params` to compose it again")
    missing = next(not_given(values), None)
    if missing:
        raise RmsError(f"{where}: {missing} = ???: a value must be given: {missing}=VALUE")
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        raise RmsError(f"{where}: {first_fault(error, values, Params)}") from None
    _check_train_sets(params, where)
    _check_benign_pool(params, where)
    return params


def _check_benign_pool(params: Params, where: str) -> None:
    """Refuse, before anything is trained, to borrow rows from a corpus that no judge is tried on."""
    for name in params.evaluate.benign_pool:
        if name not in (*params.corpora.names, *params.finetune.own_tests):
            raise RmsError(f"{where}: evaluate.benign_pool: no judge is tried on {name!r}; add it to corpora.names")


def _check_train_sets(params: Params, where: str) -> None:
    """Refuse, before anything runs, a training set that nobody makes or that may not be trained on."""
    read = params.train_corpora.names
    pool = params.finetune.benign_pool
    public = [("train_corpora.names", name) for name in read]
    public += [("finetune.train_sets", name) for name in params.finetune.train_sets if name not in OURS]
    public += [("finetune.benign_pool", pool)] if pool and pool not in OURS else []
    for key, name in public:
        from rms.corpora import adapters, require_trainable  # noqa: PLC0415 - reads every adapter

        if name not in adapters():
            known = ", ".join([*OURS, *(corpus for corpus, kind in adapters().items() if kind.trainable)])
            raise RmsError(f"{where}: {key}: {name!r} is no training set; known are {known}")
        try:
            require_trainable(name)
        except RmsError as error:
            raise RmsError(f"{where}: {key}: {error}") from None
        if name not in read:
            raise RmsError(f"{where}: {key}: {name!r} is not read; add it to train_corpora.names")
