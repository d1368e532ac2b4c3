"""From predictions to scores with intervals: each corpus, the complementarity gap, the macro means."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.errors import RmsError
from rms.measure.bootstrap import FEWEST_CLUSTERS, interval, resamples
from rms.measure.metrics import Floats, Labels, classes_of, point_metrics
from rms.measure.results import METRICS, CorpusScores, Estimate, Evaluation, JudgeScores, MacroMean
from rms.measure.weighted import weighted_metrics
from rms.records import Prediction
from rms.seeds import numpy_stream

_DIGITS = 6


class Columns(NamedTuple):
    """The predictions on one corpus, side by side; all arrays have shape (rows,)."""

    sample_ids: list[str]
    labels: Labels
    clusters: NDArray[np.int64]
    """Index of each row's first image."""
    p_unsafe: dict[str, Floats]
    """By judge."""


class _Measured(NamedTuple):
    scores: CorpusScores
    draws: dict[str, Floats]
    """Metrics of the full judge in every resample."""


def by_corpus(predictions: Iterable[Prediction]) -> dict[str, Columns]:
    """Sort predictions into columns, in order of first appearance."""
    rows: dict[str, dict[str, list[Prediction]]] = {}
    for row in predictions:
        rows.setdefault(row.corpus, {}).setdefault(row.judge, []).append(row)
    return {corpus: _columns(corpus, judges) for corpus, judges in rows.items()}


def _columns(corpus: str, judges: Mapping[str, Sequence[Prediction]]) -> Columns:
    first = next(iter(judges.values()))
    ids = [row.sample_id for row in first]
    for judge, rows in judges.items():
        if [row.sample_id for row in rows] != ids:
            raise RmsError(f"{corpus}: judge {judge} has not scored the same samples; run `dvc repro evaluate` again")
    return Columns(
        sample_ids=ids,
        labels=np.array([row.label == "unsafe" for row in first], dtype=np.int64),
        clusters=np.unique([row.image_id for row in first], return_inverse=True)[1].astype(np.int64),
        p_unsafe={judge: np.array([row.p_unsafe for row in rows]) for judge, rows in judges.items()},
    )


def evaluate(
    train_set: str,
    corpora: Mapping[str, Columns],
    thresholds: Mapping[str, float],
    *,
    own_tests: Sequence[str],
    left_out: Mapping[str, str],
    count: int,
    confidence: float,
    seed: int,
) -> Evaluation:
    """Measure the judges of `train_set`; `own_tests` names the test splits of all training sets.

    Draws are named by the corpus alone, so all judges of all training sets see the same resamples.
    """
    measured = {
        name: _measure(columns, thresholds, count, confidence, numpy_stream(seed, "bootstrap", name))
        for name, columns in corpora.items()
    }
    return Evaluation(
        train_set=train_set,
        resamples=count,
        confidence=confidence,
        corpora={name: item.scores for name, item in measured.items()},
        left_out=dict(left_out),
        quality=_macro_mean({name: item for name, item in measured.items() if name != train_set}, confidence),
        common=_macro_mean({name: item for name, item in measured.items() if name not in own_tests}, confidence),
    )


def _measure(
    columns: Columns, thresholds: Mapping[str, float], count: int, confidence: float, generator: np.random.Generator
) -> _Measured:
    points = {
        judge: point_metrics(columns.labels, scores, thresholds[judge]) for judge, scores in columns.p_unsafe.items()
    }
    draws = _draws(columns, thresholds, count, generator)
    judges = {
        judge: JudgeScores(
            threshold=thresholds[judge],
            metrics={name: _estimate(values[name], draws[judge][name], confidence) for name in METRICS},
        )
        for judge, values in points.items()
    }
    scores = CorpusScores(
        n=len(columns.labels),
        n_unsafe=int(columns.labels.sum()),
        n_images=len(np.unique(columns.clusters)),
        classes=classes_of(columns.labels),
        judges=judges,
        gap=_estimate(
            _gap(points["full"]["auroc"], points["text_only"]["auroc"], points["image_only"]["auroc"]),
            draws["full"]["auroc"] - np.maximum(draws["text_only"]["auroc"], draws["image_only"]["auroc"]),
            confidence,
        ),
    )
    return _Measured(scores, draws["full"])


def _draws(
    columns: Columns, thresholds: Mapping[str, float], count: int, generator: np.random.Generator
) -> dict[str, dict[str, Floats]]:
    """Metrics of each judge in each resample, the same resamples for all judges, so that they can be paired."""
    if columns.clusters.max() + 1 < FEWEST_CLUSTERS:
        return {judge: {name: np.full(count, np.nan) for name in METRICS} for judge in columns.p_unsafe}
    blocks: dict[str, list[dict[str, Floats]]] = {judge: [] for judge in columns.p_unsafe}
    for weights in resamples(columns.labels, columns.clusters, count, generator):
        for judge, scores in columns.p_unsafe.items():
            blocks[judge].append(weighted_metrics(weights, columns.labels, scores, thresholds[judge]))
    return {
        judge: {name: np.concatenate([part[name] for part in parts]) for name in METRICS}
        for judge, parts in blocks.items()
    }


def _gap(full: float | None, text_only: float | None, image_only: float | None) -> float | None:
    if full is None or text_only is None or image_only is None:
        return None
    return full - max(text_only, image_only)


def _macro_mean(measured: Mapping[str, _Measured], confidence: float) -> MacroMean:
    """Mean over the two-class corpora among `measured`; one-class corpora have neither metric.

    The corpora were resampled independently: resample k of the mean is the mean of their resamples k.
    """
    two_class = {name: item for name, item in measured.items() if item.scores.classes == "both"}

    def mean(metric: str) -> Estimate:
        values = [item.scores.judges["full"].metrics[metric].value for item in two_class.values()]
        known = [value for value in values if value is not None]
        if not known:
            return Estimate(value=None, low=None, high=None)
        draws = np.mean([item.draws[metric] for item in two_class.values()], axis=0)
        return _estimate(sum(known) / len(known), draws, confidence)

    return MacroMean(over=list(two_class), auroc=mean("auroc"), balanced_accuracy=mean("balanced_accuracy"))


def _estimate(value: float | None, draws: Floats, confidence: float) -> Estimate:
    bounds = interval(draws, confidence) if value is not None else None
    low, high = (round(bounds[0], _DIGITS), round(bounds[1], _DIGITS)) if bounds else (None, None)
    return Estimate(value=None if value is None else round(value, _DIGITS), low=low, high=high)
