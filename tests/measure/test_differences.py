"""Paired comparisons of training sets: how often equal ones are called different, and what counts as proof."""

import numpy as np
import pytest
from scipy.stats import binom

from rms.errors import RmsError
from rms.measure.bootstrap import resamples
from rms.measure.differences import Contest, Entrant, differences, holm
from rms.measure.results import Estimate
from rms.measure.weighted import weighted_metrics

TRIALS = 1500
MOST_WRONG = binom.ppf(0.9999, TRIALS, 0.05)
"""A test that errs in 5 of 100 cases exceeds it with one seed in 10,000, and one that errs in 10 nearly always."""


def entrant(name, labels, clusters, scores, metric="auroc", draws=300, seed=0) -> Entrant:
    whole = np.ones((1, len(labels)))
    blocks = [whole, *resamples(labels, clusters, draws, np.random.default_rng(seed))]
    (value, *resampled) = np.concatenate([weighted_metrics(weights, labels, scores, 0.5)[metric] for weights in blocks])
    seen = scores if metric == "auroc" else (scores >= 0.5).astype(float)
    return Entrant(name, Estimate(value=value, low=None, high=None), 1, np.array(resampled), seen)


def compared(labels, clusters, first, second, metric="auroc", seed=0):
    sides = [
        entrant(*side, metric, seed=seed) for side in (("a", labels, clusters, first), ("b", labels, clusters, second))
    ]
    return differences([Contest("corpus", metric, clusters, sides)], 0.95)[0]


def judge(generator, labels, clusters, shared):
    """A judge with noise of its own on every image and row, and what both judges find hard, `shared`."""
    images = clusters.max() + 1
    logit = (
        1.2 * labels - 0.6 + shared + 0.5 * generator.normal(size=images)[clusters] + generator.normal(size=len(labels))
    )
    return np.round(1 / (1 + np.exp(-logit)), 6)


@pytest.mark.parametrize(
    ("images", "rows_each", "metric"),
    [(90, 1, "auroc"), (20, 5, "auroc"), (60, 1, "detection_rate"), (15, 4, "detection_rate")],
    ids=["single rows", "clusters", "one class", "one class, clusters"],
)
def test_equal_judges_are_seldom_called_different(images, rows_each, metric):
    generator = np.random.default_rng(1)
    clusters = np.repeat(np.arange(images), rows_each)
    wrong = 0
    for trial in range(TRIALS):
        labels = generator.integers(0, 2, len(clusters)) if metric == "auroc" else np.ones(len(clusters), np.int64)
        shared = 0.5 * generator.normal(size=images)[clusters]
        first, second = (judge(generator, labels, clusters, shared) for _ in range(2))
        wrong += compared(labels, clusters, first, second, metric, trial).significant
    assert wrong <= MOST_WRONG


def test_a_better_judge_is_found_and_named_the_right_way_round():
    generator = np.random.default_rng(3)
    labels, clusters = np.arange(120) % 2, np.arange(120)
    noise = generator.normal(size=120)
    better, worse = (np.round(1 / (1 + np.exp(-(strength * labels + noise))), 6) for strength in (2.0, 0.8))
    found = compared(labels, clusters, worse, better)
    assert found.significant
    assert found.low < found.value < found.high < 0
    assert compared(labels, clusters, better, worse).value == -found.value


def test_the_very_same_scores_are_no_difference():
    labels, clusters = np.arange(40) % 2, np.arange(40)
    scores = np.linspace(0, 1, 40)
    found = compared(labels, clusters, scores, scores)
    assert (found.value, found.low, found.high, found.p, found.significant) == (0.0, 0.0, 0.0, 1.0, False)


@pytest.mark.parametrize(("images", "significant"), [(5, False), (8, True)])
def test_images_that_all_agree_prove_as_much_as_a_sign_test(images, significant):
    """Every row of one is called unsafe and none of the other: no resample varies, and five images are no proof."""
    labels, clusters = np.ones(images * 10, np.int64), np.repeat(np.arange(images), 10)
    found = compared(labels, clusters, np.full(images * 10, 0.9), np.full(images * 10, 0.1), "detection_rate")
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.p == 2.0 ** (1 - images)
    assert found.significant == significant


def test_five_changed_verdicts_in_a_hundred_are_no_proof():
    labels, clusters = np.ones(100, np.int64), np.arange(100)
    first, second = np.full(100, 0.9), np.full(100, 0.9)
    second[:5] = 0.1
    assert compared(labels, clusters, first, second, "detection_rate").p == 2.0**-4
    second[:12] = 0.1
    assert compared(labels, clusters, first, second, "detection_rate").significant


def test_luck_of_the_seeds_widens_a_difference():
    generator = np.random.default_rng(5)
    labels, clusters = np.arange(200) % 2, np.arange(200)
    noise = generator.normal(size=200)
    sides = [
        entrant(name, labels, clusters, np.round(1 / (1 + np.exp(-(strength * labels + noise))), 6))
        for name, strength in (("a", 1.6), ("b", 1.1))
    ]
    one = differences([Contest("corpus", "auroc", clusters, sides)], 0.95)[0]
    lucky = [side._replace(seeds=3, estimate=side.estimate.model_copy(update={"sd": 0.05})) for side in sides]
    three = differences([Contest("corpus", "auroc", clusters, lucky)], 0.95)[0]
    other = differences([Contest("corpus", "auroc", clusters, [sides[0], lucky[1]])], 0.95)[0]
    assert one.high - one.low < other.high - other.low < three.high - three.low
    assert one.significant
    assert not three.significant
    assert three.high - three.low > 2 * (one.high - one.low)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.4, 0.9]) == [0.8, 0.9]
    assert holm([]) == []


def test_all_comparisons_are_one_family():
    generator = np.random.default_rng(2)
    labels, clusters = np.arange(80) % 2, np.arange(80)
    sides = [entrant(name, labels, clusters, np.round(generator.random(80), 6)) for name in "abc"]
    contests = [Contest(corpus, "auroc", clusters, sides) for corpus in ("x", "y")]
    found = differences(contests, 0.95)
    assert [(item.corpus, item.a, item.b) for item in found[:3]] == [("x", "a", "b"), ("x", "a", "c"), ("x", "b", "c")]
    assert [item.p_holm for item in found] == pytest.approx(holm([item.p for item in found]))
    alone = differences(contests[:1], 0.95)
    assert all(wide.p_holm >= narrow.p_holm for wide, narrow in zip(found, alone, strict=False))
    assert min(item.p_holm for item in found) == pytest.approx(min(1.0, 6 * min(item.p for item in found)))


def test_what_cannot_be_resampled_is_not_tested():
    labels, clusters = np.arange(8) % 2, np.arange(8)
    sides = [entrant(name, labels, clusters, np.linspace(0, 1, 8)) for name in "ab"]
    blank = [side._replace(resampled=np.full(300, np.nan)) for side in sides]
    found, known = differences([Contest("x", "auroc", clusters, blank), Contest("y", "auroc", clusters, sides)], 0.95)
    assert (found.p, found.low, found.significant) == (None, None, False)
    assert known.p_holm == known.p


def test_unlike_resamples_are_an_error():
    labels, clusters = np.arange(8) % 2, np.arange(8)
    sides = [
        entrant(name, labels, clusters, np.linspace(0, 1, 8), draws=draws) for name, draws in (("a", 200), ("b", 100))
    ]
    with pytest.raises(RmsError, match="corpus: a and b were not resampled alike"):
        differences([Contest("corpus", "auroc", clusters, sides)], 0.95)
