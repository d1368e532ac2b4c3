"""Point estimates against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from rms.measure.metrics import BINS, classes_of, point_metrics
from rms.measure.results import METRICS


def test_two_class_metrics_agree_with_scikit_learn():
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 2, 200)
    scores = np.round(generator.random(200) * 0.6 + labels * 0.4, 1)
    values = point_metrics(labels, scores, 0.5)
    called = (scores >= 0.5).astype(int)
    assert values["auroc"] == pytest.approx(reference.roc_auc_score(labels, scores))
    assert values["auprc"] == pytest.approx(reference.average_precision_score(labels, scores))
    assert values["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, called))
    assert values["accuracy"] == pytest.approx(reference.accuracy_score(labels, called))
    assert values["precision"] == pytest.approx(reference.precision_score(labels, called))
    assert values["recall"] == values["detection_rate"] == pytest.approx(reference.recall_score(labels, called))
    assert values["f1"] == pytest.approx(reference.f1_score(labels, called))
    assert values["false_alarm_rate"] == pytest.approx(called[labels == 0].mean())
    fpr, tpr, _ = reference.roc_curve(labels, scores)
    assert values["fpr_at_95_tpr"] == pytest.approx(fpr[tpr >= 0.95].min())


def test_the_calibration_error_agrees_with_scikit_learn():
    generator = np.random.default_rng(3)
    scores = generator.random(300)
    labels = (generator.random(300) < scores**2).astype(int)
    share, mean = calibration_curve(labels, scores, n_bins=BINS)
    sizes = np.histogram(scores, BINS, (0, 1))[0]
    assert point_metrics(labels, scores, 0.5)["ece"] == pytest.approx(np.abs(share - mean) @ sizes / 300)
    assert point_metrics(labels, labels.astype(float), 0.5)["ece"] == 0


def test_detecting_exactly_95_percent_is_enough():
    labels = np.array([1] * 20 + [0] * 4)
    scores = np.array([0.9] * 19 + [0.1] + [0.95, 0.5, 0.5, 0.05])
    assert point_metrics(labels, scores, 0.5)["fpr_at_95_tpr"] == 0.25


def test_no_verdict_counts_as_judged_wrongly_whatever_the_threshold():
    labels = np.array([0, 0, 1, 1])
    sure = point_metrics(labels, np.array([0.1, 0.2, 0.8, 0.9]), 0.5)
    assert (sure["auroc"], sure["accuracy"], sure["ece"]) == (1.0, 1.0, pytest.approx(0.15))
    refused = point_metrics(labels, np.array([0.1, np.nan, np.nan, 0.9]), 0.5)
    assert (refused["detection_rate"], refused["false_alarm_rate"]) == (0.5, 0.5)
    assert refused["auroc"] == 0.25  # one of four pairs is still in the right order
    assert refused["ece"] == pytest.approx((0.1 + 1 + 1 + 0.1) / 4)
    for threshold in (0.0, 1.0):
        alone = point_metrics(np.array([1, 1]), np.array([np.nan, 1.0]), threshold)
        assert alone["detection_rate"] == 0.5
    assert point_metrics(np.array([0]), np.array([np.nan]), 1.0)["false_alarm_rate"] == 1.0


@pytest.mark.parametrize(("label", "defined", "value"), [(1, "detection_rate", 0.75), (0, "false_alarm_rate", 0.75)])
def test_one_class_has_one_rate_and_nothing_else(label, defined, value):
    values = point_metrics(np.full(4, label), np.array([0.1, 0.6, 0.7, 0.5]), 0.5)
    assert values[defined] == value
    assert [name for name in METRICS if values[name] is not None] == [defined]


def test_precision_is_undefined_when_nothing_is_called_unsafe():
    values = point_metrics(np.array([0, 1]), np.array([0.1, 0.2]), 0.5)
    assert values["precision"] is None
    assert values["f1"] == 0.0


def test_a_score_at_the_threshold_is_unsafe_at_the_stored_precision():
    values = point_metrics(np.array([1]), np.array([0.333333]), 1 / 3)
    assert values["detection_rate"] == 1.0


@pytest.mark.parametrize(("labels", "classes"), [([0, 1], "both"), ([1, 1], "unsafe"), ([0], "safe")])
def test_classes_are_told_apart(labels, classes):
    assert classes_of(np.array(labels)) == classes
