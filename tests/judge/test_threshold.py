import time

import numpy as np
import pytest

from rms.judge.threshold import best_threshold


def _balanced(labels, scores, threshold) -> float:
    truth, verdicts = np.asarray(labels, bool), np.asarray(scores) >= threshold
    return (verdicts[truth].mean() + (~verdicts[~truth]).mean()) / 2


def test_it_lies_midway_between_what_it_separates():
    assert best_threshold([0, 0, 1, 1], np.array([0.1, 0.2, 0.8, 0.9])) == 0.5
    assert best_threshold([0, 0, 1, 1], np.array([0.1, 0.6, 0.8, 0.9])) == pytest.approx(0.7)
    assert best_threshold([0, 1], np.array([0.01, 0.03])) == pytest.approx(0.02)


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_one_class_alone_gives_one_half(labels):
    assert best_threshold(labels, np.full(len(labels), 0.9)) == 0.5


def test_scores_that_are_all_alike_give_one_half():
    assert best_threshold([0, 1, 0], np.full(3, 0.7)) == 0.5


@pytest.mark.parametrize("seed", range(20))
def test_no_other_threshold_is_better(seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, 60)
    labels[:2] = 0, 1
    scores = np.round(np.clip(generator.normal(0.3 + 0.2 * labels, 0.2), 0, 1), 2)
    best = best_threshold(labels, scores)
    reached = _balanced(labels, scores, best)
    assert reached == pytest.approx(max(_balanced(labels, scores, t) for t in np.linspace(0, 1.01, 1011)), abs=1e-9)


def test_saturated_scores_are_still_told_apart():
    scores = np.array([1 - 3e-8, 1 - 2e-8, 1 - 2e-9, 1 - 1e-9])
    assert _balanced([0, 0, 1, 1], scores, best_threshold([0, 0, 1, 1], scores)) == 1.0


def test_many_rows_take_little_time():
    generator = np.random.default_rng(0)
    labels, scores = generator.integers(0, 2, 100_000), generator.random(100_000)
    start = time.perf_counter()
    assert 0.0 <= best_threshold(labels, scores) <= 1.0
    assert time.perf_counter() - start < 5
