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
from rms.params.data import Augment, Build, Corpora, Finetune, Generate, Patterns, RiskOriented
from rms.params.faults import first_fault, not_given
from rms.params.images import FolderSource, HubSource, Images, PackageSource, UrlSource
from rms.params.judge import ApiJudge, EmbeddedJudge, Evaluate, Judge, Lora, Report, VlmJudge
from rms.params.section import Section, Seed, Share

__all__ = [
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
        return Params.model_validate(values)
    except ValidationError as error:
        raise RmsError(f"{where}: {first_fault(error, values, Params)}") from None
