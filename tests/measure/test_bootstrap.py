"""The vectorised bootstrap against a slow one, and what its resamples keep."""

import random
from itertools import pairwise

import numpy as np
import pytest
from sklearn import metrics as reference

from rms.measure.bootstrap import interval, resamples
from rms.measure.metrics import BINS, point_metrics
from rms.measure.results import METRICS
from rms.measure.weighted import weighted_metrics

ROWS = 120


def data(decimals: int):
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 2, ROWS)
    scores = np.round(generator.random(ROWS) * 0.7 + labels * 0.3, decimals)
    clusters = np.unique(generator.integers(0, 40, ROWS), return_inverse=True)[1]
    return labels, scores, clusters


def draw(labels, clusters, count, seed=0):
    return np.concatenate(list(resamples(labels, clusters, count, np.random.default_rng(seed))))


@pytest.mark.parametrize("decimals", [1, 6], ids=["many ties", "no ties"])
def test_weighted_metrics_agree_with_scikit_learn(decimals):
    labels, scores, clusters = data(decimals)
    weights = draw(labels, clusters, 25)
    fast = weighted_metrics(weights, labels, scores, 0.5)
    called = (scores >= 0.5).astype(int)
    for index, weight in enumerate(weights):
        fpr, tpr, _ = reference.roc_curve(labels, scores, sample_weight=weight)
        bins = [
            weight[inside] @ (labels - scores)[inside]
            for low, high in pairwise([-1, *np.linspace(0, 1, BINS + 1)[1:]])
            if (inside := (scores > low) & (scores <= high)).any()
        ]
        slow = {
            "fpr_at_95_tpr": fpr[tpr >= 0.95 - 1e-12].min(),
            "ece": np.abs(bins).sum() / weight.sum(),
            "auroc": reference.roc_auc_score(labels, scores, sample_weight=weight),
            "auprc": reference.average_precision_score(labels, scores, sample_weight=weight),
            "balanced_accuracy": reference.balanced_accuracy_score(labels, called, sample_weight=weight),
            "accuracy": reference.accuracy_score(labels, called, sample_weight=weight),
            "precision": reference.precision_score(labels, called, sample_weight=weight),
            "recall": reference.recall_score(labels, called, sample_weight=weight),
            "f1": reference.f1_score(labels, called, sample_weight=weight),
            "detection_rate": reference.recall_score(labels, called, sample_weight=weight),
            "false_alarm_rate": 1 - reference.recall_score(1 - labels, 1 - called, sample_weight=weight),
        }
        assert set(fast) == set(METRICS) == set(slow)
        for name, value in slow.items():
            assert fast[name][index] == pytest.approx(value, abs=1e-12), name


def test_unit_weights_give_the_point_estimates():
    labels, scores, _ = data(2)
    points = point_metrics(labels, scores, 0.5)
    weighted = weighted_metrics(np.ones((1, ROWS)), labels, scores, 0.5)
    for name in METRICS:
        assert weighted[name][0] == pytest.approx(points[name], abs=1e-12)


def test_intervals_agree_with_a_slow_bootstrap():
    """Rows are copied as often as they were drawn, scored by scikit-learn, and sorted for the interval."""
    labels, scores, clusters = data(6)
    slow = []
    for weight in draw(labels, clusters, 200):
        rows = np.repeat(np.arange(ROWS), weight.astype(int))
        slow.append(reference.roc_auc_score(labels[rows], scores[rows]))
    fast = weighted_metrics(draw(labels, clusters, 200), labels, scores, 0.5)["auroc"]
    assert interval(fast, 0.95) == pytest.approx((np.quantile(slow, 0.025), np.quantile(slow, 0.975)), abs=1e-12)


def test_intervals_agree_with_draws_of_another_make():
    """Image by image with `random`, one stratum after the other: the same interval up to the luck of the draw."""
    labels, scores, clusters = data(6)
    rows_of = {image: np.flatnonzero(clusters == image) for image in range(clusters.max() + 1)}
    strata = {}
    for image, rows in rows_of.items():
        strata.setdefault(frozenset(labels[rows]), []).append(image)
    lottery, slow = random.Random(3), []
    for _ in range(1000):
        images = [image for members in strata.values() for image in lottery.choices(members, k=len(members))]
        rows = np.concatenate([rows_of[image] for image in images])
        slow.append(reference.roc_auc_score(labels[rows], scores[rows]))
    fast = interval(weighted_metrics(draw(labels, clusters, 3000), labels, scores, 0.5)["auroc"], 0.95)
    assert fast == pytest.approx((np.quantile(slow, 0.025), np.quantile(slow, 0.975)), abs=0.015)


def test_rows_of_an_image_are_drawn_together():
    labels, _, clusters = data(2)
    weights = draw(labels, clusters, 50)
    for cluster in range(clusters.max() + 1):
        rows = weights[:, clusters == cluster]
        assert (rows == rows[:, :1]).all()


def test_strata_keep_their_number_of_images():
    labels = np.array([0, 0, 1, 1, 1, 0, 1, 0, 1])
    clusters = np.array([0, 1, 2, 3, 4, 5, 5, 6, 6])
    weights = draw(labels, clusters, 200)
    assert (weights[:, :2].sum(axis=1) == 2).all()
    assert (weights[:, 2:5].sum(axis=1) == 3).all()
    assert (weights[:, [5, 7]].sum(axis=1) == 2).all()
    assert len(np.unique(weights, axis=0)) > 20


def test_a_stratum_of_one_image_is_joined_with_the_rest():
    labels = np.array([1, 0, 0, 0, 0, 0])
    weights = draw(labels, np.arange(6), 300)
    assert len(np.unique(weights[:, 0])) > 1
    assert (weights.sum(axis=1) == 6).all()


def test_resamples_without_a_class_are_undefined_and_left_out():
    labels = np.array([1, 0, 0, 0, 0, 0])
    weights = draw(labels, np.arange(6), 300)
    auroc = weighted_metrics(weights, labels, np.linspace(1, 0, 6), 0.5)["auroc"]
    assert (np.isnan(auroc) == (weights[:, 0] == 0)).all()
    assert interval(auroc, 0.95) == (1.0, 1.0)


def test_an_interval_needs_half_of_the_resamples():
    assert interval(np.array([0.5, np.nan, np.nan]), 0.95) is None
    assert interval(np.array([0.5, 0.5, np.nan]), 0.95) == (0.5, 0.5)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    # Scores of unsafe rows are normal with mean 1: AUROC is Phi(1 / sqrt 2) = 0.7602.
    generator = np.random.default_rng(11)
    labels = np.repeat([0, 1], 60)
    covered = 0
    for trial in range(200):
        scores = generator.normal(size=120) + labels
        ranks = np.argsort(np.argsort(scores)) / 120
        values = weighted_metrics(draw(labels, np.arange(120), 200, trial), labels, ranks, 0.5)["auroc"]
        low, high = interval(values, 0.95)
        covered += low <= 0.7602 <= high
    assert 178 <= covered <= 198


def test_clustered_rows_widen_the_interval():
    generator = np.random.default_rng(2)
    clusters = np.repeat(np.arange(30), 10)
    labels = np.repeat(np.arange(30) % 2, 10)
    scores = np.round(1 / (1 + np.exp(-(labels + generator.normal(size=30)[clusters]))), 6)

    def width(of):
        values = weighted_metrics(draw(labels, of, 400), labels, scores, 0.5)["auroc"]
        low, high = interval(values, 0.95)
        return high - low

    assert width(clusters) > 2 * width(np.arange(300))
