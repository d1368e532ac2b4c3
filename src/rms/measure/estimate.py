"""A number over seeds and resamples with its interval.

Two things make a score uncertain: which samples the corpus holds, and how the fine-tuning happened to go. The first
is the bootstrap's. For the second, each resample of the mean over S seeds is moved by a draw from its t distribution:
S - 1 degrees of freedom, scale sd / sqrt S. Drawing seeds with replacement instead would be far too narrow for the few
seeds one can afford: in one case of four the true mean lies outside the range of three. What seeds and samples do
together is in both terms, so the interval is rather too wide than too narrow. With one seed there is no second term,
and the interval does not speak of the fine-tuning.
"""

from typing import NamedTuple

import numpy as np

from rms.measure.bootstrap import interval
from rms.measure.metrics import Floats
from rms.measure.results import Estimate
from rms.seeds import numpy_stream

_DIGITS = 6
_UNDEFINED = Estimate(value=None, low=None, high=None)


class Plan(NamedTuple):
    """How intervals are made."""

    resamples: int
    confidence: float
    seed: int
    """Of the draws; not of the fine-tuning."""


def estimate(points: Floats, draws: Floats, plan: Plan, *, lowest: float = 0.0, biased: bool = False) -> Estimate:
    """The mean of `points` (seeds,) with the interval of its resamples `draws` (resamples,); NaN is undefined.

    Values lie between `lowest` and 1. For a metric that resampling biases the percentile interval would miss the
    truth on one side; `biased` takes the basic interval (Davison and Hinkley, Bootstrap Methods, 1997, section
    5.2), which turns the resamples around the estimate, and stretches it to hold the estimate.
    """
    if np.isnan(points).any():
        return _UNDEFINED
    value, sd = float(points.mean()), None
    if len(points) > 1:
        sd = float(points.std(ddof=1))
        noise = numpy_stream(plan.seed, "seeds").standard_t(len(points) - 1, len(draws))
        draws = np.clip(draws + noise * sd / np.sqrt(len(points)), lowest, 1.0)
    bounds = interval(draws, plan.confidence)
    if bounds and biased:
        bounds = min(max(lowest, 2 * value - bounds[1]), value), max(2 * value - bounds[0], value)
    low, high = (_rounded(bounds[0]), _rounded(bounds[1])) if bounds else (None, None)
    return Estimate(value=_rounded(value), low=low, high=high, sd=None if sd is None else _rounded(sd))


def _rounded(value: float) -> float:
    return round(value, _DIGITS)
