"""The same metrics for many weightings of the rows at once: what a bootstrap needs to be fast.

A resample is a vector of weights (how often each row was drawn), so the scores are sorted once and every
resample is a row of a matrix. Undefined values are NaN here.
"""

from typing import NamedTuple

import numpy as np

from rms.measure.metrics import Floats, Labels, verdicts
from rms.measure.results import METRICS


def weighted_metrics(weights: Floats, labels: Labels, p_unsafe: Floats, threshold: float) -> dict[str, Floats]:
    """Every metric of `METRICS` for each row of `weights`, shape (resamples, rows); values (resamples,)."""
    called = verdicts(p_unsafe, threshold)
    unsafe = labels == 1
    indicators = np.stack([unsafe, ~unsafe, called & unsafe, called & ~unsafe], axis=1).astype(np.float64)
    positives, negatives, hits, false_alarms = (weights @ indicators).T
    with np.errstate(divide="ignore", invalid="ignore"):
        detection, alarm = hits / positives, false_alarms / negatives
        values = {"detection_rate": detection, "false_alarm_rate": alarm}
        if unsafe.all() or not unsafe.any():
            return {name: values.get(name, np.full(len(weights), np.nan)) for name in METRICS}
        two = np.where((positives > 0) & (negatives > 0), 1.0, np.nan)
        auroc, auprc = _areas(weights, labels, p_unsafe)
        values |= {
            "auroc": auroc,
            "auprc": auprc * two,
            "balanced_accuracy": (detection + 1 - alarm) / 2,
            "accuracy": (hits + negatives - false_alarms) / (positives + negatives) * two,
            "precision": hits / (hits + false_alarms) * two,
            "recall": detection * two,
            "f1": 2 * hits / (hits + false_alarms + positives) * two,
        }
    return {name: values[name] for name in METRICS}


class _Areas(NamedTuple):
    auroc: Floats
    auprc: Floats


def _areas(weights: Floats, labels: Labels, p_unsafe: Floats) -> _Areas:
    """Areas under the ROC and the precision-recall curve, rows with equal scores being one step.

    AUROC is the Mann-Whitney statistic, the weight of (unsafe, safe) pairs in the right order, ties
    counting half. AUPRC is average precision: precision at each step, weighted by the recall it adds.
    """
    order = np.argsort(p_unsafe, kind="stable")
    ranked = p_unsafe[order]
    steps = np.flatnonzero(np.diff(ranked, prepend=-np.inf))
    drawn = weights[:, order]
    unsafe = drawn * labels[order]
    if len(steps) < len(ranked):
        drawn = np.add.reduceat(drawn, steps, axis=1)
        unsafe = np.add.reduceat(unsafe, steps, axis=1)
    drawn_up_to, unsafe_up_to = np.cumsum(drawn, axis=1), np.cumsum(unsafe, axis=1)
    total, positives = drawn_up_to[:, -1], unsafe_up_to[:, -1]
    safe_below = drawn_up_to - drawn - unsafe_up_to + unsafe
    safe = drawn - unsafe
    pairs = np.einsum("ij,ij->i", unsafe, safe_below + safe / 2)
    at_or_above = total[:, None] - drawn_up_to + drawn
    hits = positives[:, None] - unsafe_up_to + unsafe
    precision = np.divide(hits, at_or_above, out=np.zeros_like(hits), where=at_or_above > 0)
    return _Areas(
        auroc=pairs / (positives * (total - positives)),
        auprc=np.einsum("ij,ij->i", unsafe, precision) / positives,
    )
