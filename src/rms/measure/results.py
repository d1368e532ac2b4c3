"""What `evaluate` writes to `metrics.json`: every score with its interval, typed and explained."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from rms.errors import RmsError, one_line
from rms.judge.identity import JudgeIdentity
from rms.records import Record
from rms.store import read_table

JUDGES = ("full", "text_only", "image_only", "majority")
"""The judges of one training set; the two in the middle are the unimodal twins of the first."""

METRICS = (
    "auroc",
    "auprc",
    "fpr_at_95_tpr",
    "ece",
    "balanced_accuracy",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "detection_rate",
    "false_alarm_rate",
)

CATEGORY_METRICS = ("auroc", "detection_rate", "false_alarm_rate")
"""Measured within each category as well."""

Classes = Literal["both", "unsafe", "safe"]


class Estimate(Record):
    """A number, the mean over the seeds, with its bootstrap interval; null where it is undefined."""

    value: float | None
    low: float | None
    high: float | None
    sd: float | None = None
    """Standard deviation over the seeds; null with one seed."""


class JudgeScores(Record):
    """One judge on one corpus."""

    thresholds: list[float]
    """By seed."""
    no_verdict: list[int]
    """By seed: rows the judge gave no verdict on. They count as judged wrongly, see `rms.measure.metrics`."""
    metrics: dict[str, Estimate]
    """By the names in `METRICS`, always all of them."""


class CategoryScores(Record):
    """The full judge on the rows of one category of a corpus."""

    n: int
    n_unsafe: int
    n_images: int
    metrics: dict[str, Estimate]
    """By the names in `CATEGORY_METRICS`, always all of them."""


class CorpusScores(Record):
    """All judges on one corpus."""

    n: int
    n_unsafe: int
    n_images: int
    """Clusters of the bootstrap: samples that share an image are resampled together."""
    classes: Classes
    pool: list[str]
    """Corpora whose safe rows were added to an all-unsafe one, so that it has both classes; else empty."""
    judges: dict[str, JudgeScores]
    gap: Estimate
    """Complementarity gap: AUROC of the full judge minus that of the better of its unimodal twins. A judge
    that gains nothing from seeing both modalities has a gap of 0 or less."""
    categories: dict[str, CategoryScores]
    """Empty where the corpus names fewer than two categories."""


class MacroMean(Record):
    """Unweighted mean over corpora, each counting alike whatever its size; of the full judge unless said otherwise."""

    over: list[str]
    auroc: Estimate
    balanced_accuracy: Estimate
    text_only: Estimate
    """AUROC of the text-only twin."""
    image_only: Estimate
    """AUROC of the image-only twin."""
    gap: Estimate


class Evaluation(Record):
    """All that was measured of the judges of one training set."""

    train_set: str
    """Its name in every table: that of the training set, and with a plus that of its benign pool."""
    sources: list[str]
    """Training sets that its rows come from: itself first, then the one whose safe rows complete it."""
    judges: list[JudgeIdentity]
    """The full judges, one for each seed; their twins differ in what they see and in nothing else."""
    resamples: int
    confidence: float
    corpora: dict[str, CorpusScores]
    left_out: dict[str, str]
    """Corpora without samples, and why."""
    quality: MacroMean
    """Quality of the training set: macro mean over every two-class corpus but its own test split."""
    common: MacroMean
    """As `quality`, but without the test split of any training set: the same corpora for all of them."""


class Resampled(Record):
    """The headline metric of the full judge on one corpus in every resample: what pairs training sets."""

    corpus: str
    metric: str
    values: list[float]
    """Means over the seeds; NaN where a resample lacks a class."""


def headline_metric(classes: Classes) -> str:
    """The one number a corpus can show.

    AUROC where it has both classes; else the rate at which a judge calls its rows unsafe, which is to be
    high for an all-unsafe corpus and low for an all-safe one.
    """
    return {"both": "auroc", "unsafe": "detection_rate", "safe": "false_alarm_rate"}[classes]


def read_resampled(folder: Path) -> dict[str, NDArray[np.float64]]:
    """What `evaluate` drew of each corpus, in the folder `resampled`."""
    return {row.corpus: np.array(row.values) for row in read_table(folder, Resampled)}


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
