"""Resampling: which rows are drawn how often, and the interval that follows.

Percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13) of the
cluster bootstrap (Field and Welsh, Bootstrapping clustered data, J. R. Stat. Soc. B 69(3), 2007): rows that
share an image are not independent, so images are drawn, each with all its rows.

The bootstrap is stratified by class. An image may carry rows of both classes, so the strata are of images:
those with safe rows only, with unsafe rows only, and with both; each stratum keeps its number of images.
Where every row has an image of its own, this is the ordinary class-stratified bootstrap of rows. A stratum
of one image could not vary and would make the interval too narrow, so then all images form one stratum,
and the resamples that lack a class are undefined and left out.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rms.measure.metrics import Floats, Labels

FEWEST_CLUSTERS = 5
"""With fewer images no interval is given: 5 have 126 distinct resamples, 4 have 35, too coarse for a tail."""

FEWEST_DEFINED = 0.5
"""No interval either when a smaller share of the resamples has a defined value."""

_CELLS = 100_000
"""Weights held at a time; keeps memory flat and the working set near the processor."""


def resamples(
    labels: Labels, clusters: NDArray[np.int64], count: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """Yield blocks of row weights, shape (some, rows), `count` resamples in all.

    `clusters` holds each row's cluster as 0, 1, 2, ... without holes.
    """
    strata = _strata(labels, clusters)
    size = int(clusters.max()) + 1
    block = max(1, _CELLS // len(labels))
    for start in range(0, count, block):
        rows = min(block, count - start)
        weights = np.zeros((rows, size))
        for members in strata:
            weights[:, members] = _draw(rows, len(members), generator)
        yield weights[:, clusters]


def _strata(labels: Labels, clusters: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The clusters of each stratum."""
    rows = np.bincount(clusters)
    unsafe = np.bincount(clusters, weights=labels)
    composition = np.where(unsafe == 0, 0, np.where(unsafe == rows, 1, 2))
    strata = [members for kind in range(3) if len(members := np.flatnonzero(composition == kind))]
    return strata if all(len(members) > 1 for members in strata) else [np.arange(len(rows))]


def _draw(rows: int, members: int, generator: np.random.Generator) -> Floats:
    """How often each of `members` is drawn when `members` are drawn with replacement; (rows, members)."""
    drawn = generator.integers(0, members, size=(rows, members)) + np.arange(rows)[:, None] * members
    return np.bincount(drawn.ravel(), minlength=rows * members).reshape(rows, members).astype(np.float64)


def interval(values: Floats, confidence: float) -> tuple[float, float] | None:
    """Central percentile interval of resampled values; None when too few of them are defined."""
    defined = values[~np.isnan(values)]
    if not len(defined) or len(defined) < FEWEST_DEFINED * len(values):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)
