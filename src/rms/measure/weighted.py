"""The same metrics for many weightings of the rows at once: what a bootstrap needs to be fast.

A resample is a vector of weights (how often each row was drawn), so the scores are sorted once and every
resample is a row of a matrix; all metrics are read off running sums along it. Undefined values are NaN here.
Products with BLAS are avoided: its threads cost more than they help on matrices of this size.
"""

import numpy as np

from rms.measure.metrics import Floats, Labels, calibration_bins, counted, residuals, verdicts
from rms.measure.results import METRICS


def weighted_metrics(weights: Floats, labels: Labels, p_unsafe: Floats, threshold: float) -> dict[str, Floats]:
    """Every metric of `METRICS` for each row of `weights`, shape (resamples, rows); values (resamples,).

    Weights are whole numbers.
    """
    scores = counted(labels, p_unsafe)
    with np.errstate(divide="ignore", invalid="ignore"):
        if labels.all() or not labels.any():
            values = _one_class(weights, labels, scores, threshold)
        else:
            values = _two_classes(weights, labels, scores, threshold)
    return {name: values.get(name, np.full(len(weights), np.nan)) for name in METRICS}


def _one_class(weights: Floats, labels: Labels, scores: Floats, threshold: float) -> dict[str, Floats]:
    rate = weights[:, verdicts(scores, threshold)].sum(axis=1) / weights.sum(axis=1)
    return {"detection_rate" if labels.all() else "false_alarm_rate": rate}


def _two_classes(weights: Floats, labels: Labels, scores: Floats, threshold: float) -> dict[str, Floats]:
    """All metrics, from the highest score down; rows with equal scores are one step.

    AUROC is the Mann-Whitney statistic, the weight of (unsafe, safe) pairs in the right order, ties
    counting half. AUPRC is average precision: precision at each step, weighted by the recall it adds.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    drawn = weights[:, order]
    bins = np.flatnonzero(np.diff(calibration_bins(ranked), prepend=-1))
    errors = np.abs(np.add.reduceat(drawn * residuals(labels, scores)[order], bins, axis=1)).sum(axis=1)
    unsafe = drawn * labels[order]
    safe = drawn - unsafe
    steps = np.flatnonzero(np.diff(ranked, prepend=np.inf))
    if len(steps) < len(ranked):
        unsafe = np.add.reduceat(unsafe, steps, axis=1)
        safe = np.add.reduceat(safe, steps, axis=1)
    hits, alarms = np.cumsum(unsafe, axis=1), np.cumsum(safe, axis=1)
    positives, negatives = hits[:, -1], alarms[:, -1]
    pairs = np.einsum("ij,ij->i", safe, hits) - np.einsum("ij,ij->i", safe, unsafe) / 2
    precision = hits / np.maximum(hits + alarms, 1.0)
    # Hits rise from step to step, so the first step that holds 95% is known by counting; in whole numbers.
    enough = np.count_nonzero(hits < -(-19 * positives[:, None] // 20), axis=1)
    called = np.count_nonzero(verdicts(ranked[steps], threshold))
    caught, false_alarms = (sums[:, called - 1] if called else np.zeros(len(weights)) for sums in (hits, alarms))
    detection, alarm = caught / positives, false_alarms / negatives
    two = np.where((positives > 0) & (negatives > 0), 1.0, np.nan)
    return {
        "auroc": pairs / (positives * negatives),
        "auprc": np.einsum("ij,ij->i", unsafe, precision) / positives * two,
        "fpr_at_95_tpr": alarms[np.arange(len(weights)), enough] / negatives * two,
        "ece": errors / (positives + negatives) * two,
        "balanced_accuracy": (detection + 1 - alarm) / 2,
        "accuracy": (caught + negatives - false_alarms) / (positives + negatives) * two,
        "precision": caught / (caught + false_alarms) * two,
        "recall": detection * two,
        "f1": 2 * caught / (caught + false_alarms + positives) * two,
        "detection_rate": detection,
        "false_alarm_rate": alarm,
    }
