"""What `evaluate` writes to `metrics.json`: every score with its interval, typed and explained."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from rms.errors import RmsError, one_line
from rms.records import Record

JUDGES = ("full", "text_only", "image_only", "majority")
"""The judges of one training set; the two in the middle are the unimodal twins of the first."""

METRICS = (
    "auroc",
    "auprc",
    "balanced_accuracy",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "detection_rate",
    "false_alarm_rate",
)

Classes = Literal["both", "unsafe", "safe"]


class Estimate(Record):
    """A number with its bootstrap interval; null where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


class JudgeScores(Record):
    """One judge on one corpus."""

    threshold: float
    metrics: dict[str, Estimate]
    """By the names in `METRICS`, always all of them."""


class CorpusScores(Record):
    """All judges on one corpus."""

    n: int
    n_unsafe: int
    n_images: int
    """Clusters of the bootstrap: samples that share their first image are resampled together."""
    classes: Classes
    judges: dict[str, JudgeScores]
    gap: Estimate
    """Complementarity gap: AUROC of the full judge minus that of the better of its unimodal twins. A judge
    that gains nothing from seeing both modalities has a gap of 0 or less."""


class MacroMean(Record):
    """Unweighted mean over corpora, each counting alike whatever its size."""

    over: list[str]
    auroc: Estimate
    balanced_accuracy: Estimate


class Evaluation(Record):
    """All that was measured of the judges of one training set."""

    train_set: str
    resamples: int
    confidence: float
    corpora: dict[str, CorpusScores]
    left_out: dict[str, str]
    """Corpora without samples, and why."""
    quality: MacroMean
    """Quality of the training set: macro mean over every two-class corpus but its own test split."""
    common: MacroMean
    """As `quality`, but without the test split of any training set: the same corpora for all of them."""


def read_evaluation(path: Path) -> Evaluation:
    """Read a `metrics.json` of the stage `evaluate`."""
    try:
        return Evaluation.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RmsError(f"{path}: not found; run `dvc repro evaluate` to make it") from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise RmsError(f"{path}: {where}: {one_line(fault['msg'])}; run `dvc repro evaluate` again") from None
