"""Point estimates: how well one judge tells safe from unsafe on one corpus."""

import numpy as np
from numpy.typing import NDArray

from rms.measure.results import METRICS, Classes

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

DECIMALS = 6
"""Probabilities and thresholds are compared at this precision, the one predictions are stored with."""


def classes_of(labels: Labels) -> Classes:
    """Which classes a corpus holds; most metrics need both."""
    unsafe = int(labels.sum())
    if 0 < unsafe < len(labels):
        return "both"
    return "unsafe" if unsafe else "safe"


def verdicts(p_unsafe: Floats, threshold: float) -> NDArray[np.bool_]:
    """True where the judge says unsafe: at or above the threshold."""
    return p_unsafe >= round(threshold, DECIMALS)


def point_metrics(labels: Labels, p_unsafe: Floats, threshold: float) -> dict[str, float | None]:
    """Every metric of `METRICS`, unsafe (1) being the positive class; None where it is undefined.

    With both classes present: AUROC; AUPRC as average precision, without interpolation; and, at the
    judge's threshold, accuracy, balanced accuracy, precision, recall and F1. Precision is undefined when
    nothing was called unsafe. A corpus with one class has only its detection rate (share of unsafe rows
    called unsafe) or its false alarm rate (share of safe rows called unsafe).
    """
    from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: PLC0415 - heavy

    called = verdicts(p_unsafe, threshold)
    unsafe = labels == 1
    hits, false_alarms = int((called & unsafe).sum()), int((called & ~unsafe).sum())
    positives, negatives = int(unsafe.sum()), int((~unsafe).sum())
    values: dict[str, float | None] = dict.fromkeys(METRICS)
    if positives:
        values["detection_rate"] = hits / positives
    if negatives:
        values["false_alarm_rate"] = false_alarms / negatives
    if positives and negatives:
        values |= {
            "auroc": float(roc_auc_score(labels, p_unsafe)),
            "auprc": float(average_precision_score(labels, p_unsafe)),
            "balanced_accuracy": (hits / positives + 1 - false_alarms / negatives) / 2,
            "accuracy": (hits + negatives - false_alarms) / len(labels),
            "precision": hits / (hits + false_alarms) if hits + false_alarms else None,
            "recall": hits / positives,
            "f1": 2 * hits / (hits + false_alarms + positives),
        }
    return values
