"""Every score of one corpus in every resample."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.measure.bootstrap import FEWEST_CLUSTERS, resamples
from rms.measure.categories import by_category
from rms.measure.columns import Columns
from rms.measure.metrics import Floats
from rms.measure.results import CATEGORY_METRICS, METRICS
from rms.measure.weighted import weighted_metrics


class Draws(NamedTuple):
    """Means over the seeds, shape (resamples,); NaN where undefined."""

    judges: dict[str, dict[str, Floats]]
    """By judge and metric."""
    gap: Floats
    categories: dict[str, dict[str, Floats]]
    """Of the full judge, by category and metric."""


def draw(
    columns: Columns, thresholds: Mapping[str, Sequence[float]], count: int, generator: np.random.Generator
) -> Draws:
    """Score `count` resamples, the same for all judges and seeds, so that they can be paired.

    With too few images for a bootstrap all is NaN; so are categories on too few images.
    """
    categories = by_category(columns)
    if len(set(columns.image_ids)) < FEWEST_CLUSTERS:
        nothing = np.full(count, np.nan)
        return Draws(
            {judge: dict.fromkeys(METRICS, nothing) for judge in columns.p_unsafe},
            nothing,
            {category: dict.fromkeys(CATEGORY_METRICS, nothing) for category in categories},
        )
    blocks = [
        _block(weights, columns, thresholds, categories)
        for weights in resamples(columns.labels, columns.clusters, count, generator)
    ]
    return Draws(
        {judge: _joined([block.judges[judge] for block in blocks]) for judge in columns.p_unsafe},
        np.concatenate([block.gap for block in blocks]),
        {category: _joined([block.categories[category] for block in blocks]) for category in categories},
    )


def _block(
    weights: Floats,
    columns: Columns,
    thresholds: Mapping[str, Sequence[float]],
    categories: Mapping[str, NDArray[np.int64]],
) -> Draws:
    seeds = {
        judge: [
            weighted_metrics(weights, columns.labels, *pair) for pair in zip(scores, thresholds[judge], strict=True)
        ]
        for judge, scores in columns.p_unsafe.items()
    }
    auroc = {judge: np.stack([values["auroc"] for values in found]) for judge, found in seeds.items()}
    gap = auroc["full"] - np.maximum(auroc["text_only"], auroc["image_only"])
    return Draws(
        {judge: _mean(found, METRICS) for judge, found in seeds.items()},
        gap.mean(axis=0),
        {category: _in_category(weights, columns, thresholds["full"], rows) for category, rows in categories.items()},
    )


def _in_category(
    weights: Floats, columns: Columns, thresholds: Sequence[float], rows: NDArray[np.int64]
) -> dict[str, Floats]:
    if len({columns.image_ids[row] for row in rows}) < FEWEST_CLUSTERS:
        return dict.fromkeys(CATEGORY_METRICS, np.full(len(weights), np.nan))
    drawn, labels = weights[:, rows], columns.labels[rows]
    seeds = [
        weighted_metrics(drawn, labels, scores[rows], threshold)
        for scores, threshold in zip(columns.p_unsafe["full"], thresholds, strict=True)
    ]
    return _mean(seeds, CATEGORY_METRICS)


def _mean(seeds: Sequence[Mapping[str, Floats]], metrics: Sequence[str]) -> dict[str, Floats]:
    return {metric: np.mean([values[metric] for values in seeds], axis=0) for metric in metrics}


def _joined(parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {metric: np.concatenate([part[metric] for part in parts]) for metric in parts[0]}
