"""The operating point of a judge."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def best_threshold(labels: Sequence[int], p_unsafe: NDArray[np.float64]) -> float:
    """The threshold with the best balanced accuracy, midway between the scores it separates.

    Among equally good ones the nearest to 0.5 is taken; 0.5 where only one class is there.
    """
    truth = np.asarray(labels, dtype=bool)
    if truth.all() or not truth.any():
        return 0.5
    scores = np.unique(p_unsafe)
    candidates = np.unique([0.5, *((scores[1:] + scores[:-1]) / 2)])
    # Shares of each class below a candidate, by binary search: memory stays flat however many rows there are.
    missed = np.searchsorted(np.sort(p_unsafe[truth]), candidates) / truth.sum()
    specificity = np.searchsorted(np.sort(p_unsafe[~truth]), candidates) / (~truth).sum()
    sensitivity = 1.0 - missed
    quality = np.round((sensitivity + specificity) / 2, 9)
    best = candidates[quality == quality.max()]
    return float(best[np.abs(best - 0.5).argmin()])
