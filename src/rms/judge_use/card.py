"""The card of a judge on the Hub: what it was trained on, how well it does, what it is not good for."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jinja2 import Environment, StrictUndefined

from rms.errors import RmsError
from rms.judge.identity import read_identity
from rms.judge.interface import CARD
from rms.measure.results import CorpusScores, Estimate, Evaluation, headline_metric, read_evaluation
from rms.params import OURS
from rms.store import read_json

TEMPLATE = Path(__file__).with_name("card.md")
EVALUATIONS = Path("reports/eval")

_POLICY = "policy.md"
_NO_POLICY = (
    "It was given no written policy: unsafe is what the labels of its training set call so. Pairs in which a harmless "
    "text becomes risky beside the image are unsafe; everyday plans beside images that make them no riskier are safe."
)


class _Row(NamedTuple):
    """One corpus in the table of results."""

    name: str
    own: bool
    n: int
    metric: str
    full: str
    text_only: str
    image_only: str
    no_verdict: int


def judge_card(folder: Path, name: str) -> str:
    """The card of the full judge that a run left in `models/judge/<train_set>/<seed>/full`, to be called `name`.

    RmsError where `evaluate` did not run on this very judge.
    """
    card: dict[str, Any] = read_json(folder / CARD)
    if card.get("kind") == "api" or card.get("modality") != "full":
        what = "names an endpoint and has no weights" if card.get("kind") == "api" else "is a twin or a baseline"
        raise RmsError(f"{folder}: {what}; push the folder `full` of an embedded or vlm judge")
    identity = read_identity(folder.parent)
    train_set = folder.resolve().parent.parent.name
    report = EVALUATIONS / train_set / "metrics.json"
    evaluation = read_evaluation(report)
    if identity not in evaluation.judges:
        raise RmsError(f"{report}: is of another judge than {folder}; run `dvc repro evaluate`")
    header = {
        "license": "other",
        "pipeline_tag": "image-text-to-text",
        "tags": ["safety", "multimodal", "rms-judge"],
        **({"base_model": identity.base} if identity.kind == "vlm" and not Path(identity.base).exists() else {}),
    }
    policy = folder / _POLICY
    environment = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["code"] = _code
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        header=yaml.safe_dump(header, sort_keys=False),
        title=f"{name.partition('/')[2] or name}: a judge trained on {train_set}",
        name=name,
        kind=identity.kind,
        identity=identity,
        threshold=card["threshold"],
        train_set=train_set,
        ours=train_set in OURS,
        confidence=evaluation.confidence,
        resamples=evaluation.resamples,
        seeds=len(evaluation.judges),
        rows=_rows(evaluation, train_set),
        quality=_interval(evaluation.quality.auroc),
        policy=policy.read_text(encoding="utf-8").strip() if policy.is_file() else _NO_POLICY,
    )


def _rows(evaluation: Evaluation, train_set: str) -> list[_Row]:
    return [_row(name, scores, own=name == train_set) for name, scores in evaluation.corpora.items()]


def _row(name: str, scores: CorpusScores, *, own: bool) -> _Row:
    metric = headline_metric(scores.classes)
    shown = {judge: _interval(scores.judges[judge].metrics[metric]) for judge in ("full", "text_only", "image_only")}
    missing = sum(scores.judges["full"].no_verdict)
    return _Row(name, own, scores.n, metric.replace("_", " "), no_verdict=missing, **shown)


def _interval(estimate: Estimate) -> str:
    if estimate.value is None:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _code(text: object) -> str:
    """`text` as inline code in one table cell."""
    return "`" + " ".join(str(text).split()).replace("`", "'").replace("|", "/") + "`"
