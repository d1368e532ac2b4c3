"""The full judge within each category of a corpus."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rms.measure.columns import Columns
from rms.measure.estimate import Plan, estimate
from rms.measure.metrics import Floats, point_metrics
from rms.measure.results import CATEGORY_METRICS, CategoryScores

MOST = 30
"""Categories told apart; the rows of rarer ones are counted together."""

REST = "(other categories)"
NONE = "(no category)"


def by_category(columns: Columns) -> dict[str, NDArray[np.int64]]:
    """The rows of each category by its name, in alphabetical order; empty where there are not two of them."""
    sizes = Counter(columns.categories)
    if len(sizes) < 2:
        return {}
    frequent = sorted(sizes, key=lambda name: (-sizes[name], name))
    kept = set(frequent if len(frequent) <= MOST else frequent[: MOST - 1])
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(columns.categories):
        rows.setdefault((name or NONE) if name in kept else REST, []).append(row)
    return {name: np.array(rows[name]) for name in sorted(rows)}


def category_scores(
    columns: Columns, thresholds: Sequence[float], draws: Mapping[str, Mapping[str, Floats]], plan: Plan
) -> dict[str, CategoryScores]:
    """Scores of the full judge in each category; `draws` are by category and metric."""
    return {
        name: CategoryScores(
            n=len(rows),
            n_unsafe=int(columns.labels[rows].sum()),
            n_images=len({columns.image_ids[row] for row in rows}),
            metrics={
                metric: estimate(points, draws[name][metric], plan)
                for metric, points in _points(columns, thresholds, rows).items()
            },
        )
        for name, rows in by_category(columns).items()
    }


def _points(columns: Columns, thresholds: Sequence[float], rows: NDArray[np.int64]) -> dict[str, Floats]:
    seeds = [
        point_metrics(columns.labels[rows], scores[rows], threshold)
        for scores, threshold in zip(columns.p_unsafe["full"], thresholds, strict=True)
    ]
    return {metric: np.array([values[metric] for values in seeds], dtype=np.float64) for metric in CATEGORY_METRICS}
