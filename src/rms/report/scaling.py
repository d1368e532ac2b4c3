"""Quality against training size: the points of the curve, as a table and as a picture for the page."""

import base64
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rms.measure.scaling import ScalingScore
from rms.report.figures import ScalingPoint, scaling_png
from rms.report.tables import csv_text


class ScalingCurve(NamedTuple):
    """What the page shows; `picture` is a `data:` address, empty where no training set was cut down."""

    points: Sequence[ScalingPoint]
    picture: str


def scaling_points(scores: Mapping[str, Sequence[ScalingScore]]) -> list[ScalingPoint]:
    """The points of every training set, in its order; none where no corpus has both classes."""
    return [
        ScalingPoint(name, score.fraction, score.rows, score.auroc.value, score.auroc.low, score.auroc.high)
        for name, found in scores.items()
        for score in found
        if score.auroc.value is not None
    ]


def scaling_csv(points: Sequence[ScalingPoint]) -> str:
    """One row for each training set and share of its rows."""
    return csv_text(ScalingPoint._fields, points)


def scaling_curve(points: Sequence[ScalingPoint]) -> ScalingCurve:
    """The points with their picture, where any training set has more than one."""
    if all(point.fraction == 1.0 for point in points):
        return ScalingCurve(points, "")
    return ScalingCurve(points, f"data:image/png;base64,{base64.b64encode(scaling_png(points)).decode()}")
