"""ROC and precision-recall curves of the full judge (of the first seed), thinned for plotting."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rms.measure.columns import Columns
from rms.measure.metrics import Floats, classes_of, counted
from rms.report.tables import csv_text

_POINTS = 200
_DIGITS = 6


class Point(NamedTuple):
    """One point of a curve; `threshold` is None at the end that no threshold reaches."""

    x: float
    y: float
    threshold: float | None


def roc(columns: Columns) -> list[Point]:
    """False alarm rate (x) and detection rate (y), from (0, 0) to (1, 1); empty with one class."""
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - heavy

    if classes_of(columns.labels) != "both":
        return []
    fpr, tpr, thresholds = roc_curve(columns.labels, _scores(columns))
    return _thinned([_point(x, y, t) for x, y, t in zip(fpr, tpr, thresholds, strict=True)])


def precision_recall(columns: Columns) -> list[Point]:
    """Recall (x) and precision (y); empty with one class."""
    from sklearn.metrics import precision_recall_curve  # noqa: PLC0415 - heavy

    if classes_of(columns.labels) != "both":
        return []
    precision, recall, thresholds = precision_recall_curve(columns.labels, _scores(columns))
    ends = [*thresholds, np.inf]
    return _thinned([_point(x, y, t) for x, y, t in zip(recall, precision, ends, strict=True)])


def curves_csv(x: str, y: str, curves: Mapping[tuple[str, str], Sequence[Point]]) -> str:
    """Curves by (training set, corpus) as one table with the columns DVC plots."""
    rows = [
        (train_set, corpus, point.x, point.y, point.threshold)
        for (train_set, corpus), points in curves.items()
        for point in points
    ]
    return csv_text(["train_set", "corpus", x, y, "threshold"], rows)


def _scores(columns: Columns) -> Floats:
    """As the metrics count them; a row without a verdict lies beyond every threshold a judge can have."""
    return counted(columns.labels, columns.p_unsafe["full"][0])


def _point(x: float, y: float, threshold: float) -> Point:
    end = round(float(threshold), _DIGITS) if np.isfinite(threshold) else None
    return Point(round(float(x), _DIGITS), round(float(y), _DIGITS), end)


def _thinned(points: list[Point]) -> list[Point]:
    """At most `_POINTS` of the points, evenly taken, both ends among them."""
    if len(points) <= _POINTS:
        return points
    return [points[index] for index in np.linspace(0, len(points) - 1, _POINTS).round().astype(int)]
