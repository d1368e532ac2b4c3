"""Is one training set better than another? Paired comparisons of their judges, corrected for their number.

Two judges are compared on the same resamples of a corpus, so what makes its samples easy or hard cancels out. The
standard error is that of the resampled differences (the bootstrap's, Efron and Tibshirani 1993, chapter 6, with one
degree of freedom lost for each class), widened by the spread over seeds of either side; difference over standard
error is held against a t distribution with Welch's degrees of freedom. A tail share of the resamples would need no
distribution, but a thousand resamples know no share below one in a thousand, and the corrected comparisons of eight
training sets on sixteen corpora begin at one in ten thousand.

Only images the two judges disagree on say which is better: if all D of them speak for the same side, that has the
probability 2 ** (1 - D) among equal judges (sign test), and no p-value is below it. This keeps a handful of changed
verdicts, or a difference that no resample varies, from passing for proof.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.errors import RmsError
from rms.measure.bootstrap import FEWEST_DEFINED
from rms.measure.metrics import Floats
from rms.measure.results import Estimate
from rms.records import Record

_DIGITS = 6
_P_DIGITS = 12


class Entrant(NamedTuple):
    """A training set in one row of the leaderboard."""

    train_set: str
    estimate: Estimate
    seeds: int
    resampled: Floats
    """Shape (resamples,)."""
    seen: Floats
    """What the metric sees of each sample, as a mean over the seeds: scores or verdicts; shape (rows,)."""


class Contest(NamedTuple):
    """A row of the leaderboard: who can be compared on it."""

    corpus: str
    metric: str
    clusters: NDArray[np.int64]
    """The image of each row of `seen`."""
    entrants: Sequence[Entrant]


class Difference(Record):
    """Training set `a` minus training set `b` on one corpus; null where there is too little to compare."""

    corpus: str
    metric: str
    a: str
    b: str
    value: float
    low: float | None
    high: float | None
    """Of this comparison alone."""
    p: float | None
    p_holm: float | None
    """Corrected for all comparisons of the leaderboard (Holm, Scand. J. Stat. 6, 1979)."""
    significant: bool


def differences(contests: Sequence[Contest], confidence: float) -> list[Difference]:
    """Every pair of every contest; all that can be compared are one family."""
    found = [
        _difference(contest, a, b, confidence)
        for contest in contests
        for a, b in combinations(contest.entrants, 2)
        if a.estimate.value is not None and b.estimate.value is not None
    ]
    corrected = iter(holm([item.p for item in found if item.p is not None]))
    return [item if item.p is None else _corrected(item, next(corrected), confidence) for item in found]


def _corrected(item: Difference, p_holm: float, confidence: float) -> Difference:
    return item.model_copy(update={"p_holm": p_holm, "significant": p_holm < 1 - confidence})


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: rejecting below alpha keeps the chance of any false one below alpha."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _difference(contest: Contest, a: Entrant, b: Entrant, confidence: float) -> Difference:
    from scipy.stats import t  # noqa: PLC0415 - heavy

    if a.resampled.shape != b.resampled.shape:
        who = f"{contest.corpus}: {a.train_set} and {b.train_set}"
        raise RmsError(f"{who} were not resampled alike; run `dvc repro evaluate` again")
    value = round((a.estimate.value or 0.0) - (b.estimate.value or 0.0), _DIGITS)
    result = Difference(
        corpus=contest.corpus, metric=contest.metric, a=a.train_set, b=b.train_set, value=value,
        low=None, high=None, p=None, p_holm=None, significant=False,
    )  # fmt: skip
    drawn = a.resampled - b.resampled
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) < FEWEST_DEFINED * len(a.resampled):
        return result
    images = int(contest.clusters.max()) + 1
    parts = [(drawn.var(ddof=1) * images / (images - 2), images - 2)]
    parts += [((side.estimate.sd or 0.0) ** 2 / side.seeds, side.seeds - 1) for side in (a, b) if side.seeds > 1]
    error, freedom = _welch(parts)
    reach = float(t.ppf((1 + confidence) / 2, freedom)) * error
    disagreed = len(np.unique(contest.clusters[a.seen != b.seen]))
    by_chance = min(1.0, 2.0 ** (1 - disagreed))
    p = max(by_chance, 2 * float(t.sf(abs(value) / error, freedom)) if error else float(value == 0))
    return result.model_copy(
        update={"low": round(value - reach, _DIGITS), "high": round(value + reach, _DIGITS), "p": round(p, _P_DIGITS)}
    )


def _welch(parts: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Standard error and degrees of freedom of a sum with the variances and degrees of freedom in `parts`."""
    total = sum(variance for variance, _ in parts)
    if not total:
        return 0.0, float(parts[0][1])
    return float(np.sqrt(total)), float(total**2 / sum(variance**2 / freedom for variance, freedom in parts))
