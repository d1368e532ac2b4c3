"""Scores of a training set: intervals, gap, macro means."""

import numpy as np
import pytest

from rms.errors import RmsError
from rms.measure.evaluation import Columns, by_corpus, evaluate
from rms.measure.results import JUDGES, METRICS, read_evaluation
from rms.records import Prediction
from rms.store import write_json

THRESHOLDS = dict.fromkeys(JUDGES, 0.5)


def corpus(seed: int, rows: int = 80, *, label: int | None = None, images: int | None = None) -> Columns:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, rows) if label is None else np.full(rows, label)
    strength = {"full": 1.2, "text_only": 0.4, "image_only": 0.1, "majority": 0.0}
    scores = {
        judge: np.round(np.clip(0.4 + 0.3 * generator.normal(size=rows) + power * labels / 3, 0, 1), 6)
        for judge, power in strength.items()
    }
    scores["majority"] = np.full(rows, 0.5)
    return Columns([f"{seed}-{row}" for row in range(rows)], labels, np.arange(rows) % (images or rows), scores)


def measured(corpora, train_set="rms", seed=0):
    return evaluate(
        train_set, corpora, THRESHOLDS, own_tests=["rms", "risk_oriented"], left_out={"gone": "no samples"},
        count=200, confidence=0.9, seed=seed,
    )  # fmt: skip


def test_every_estimate_lies_within_its_interval():
    result = measured({"vlguard": corpus(1)})
    scores = result.corpora["vlguard"]
    assert scores.n == 80
    assert scores.classes == "both"
    for judge in JUDGES:
        assert list(scores.judges[judge].metrics) == list(METRICS)
        for estimate in scores.judges[judge].metrics.values():
            assert estimate.low <= estimate.value <= estimate.high
    assert result.left_out == {"gone": "no samples"}


def test_majority_has_chance_auroc():
    auroc = measured({"vlguard": corpus(1)}).corpora["vlguard"].judges["majority"].metrics["auroc"]
    assert (auroc.value, auroc.low, auroc.high) == (0.5, 0.5, 0.5)


def test_gap_is_full_minus_the_better_twin():
    scores = measured({"vlguard": corpus(1)}).corpora["vlguard"]
    auroc = {judge: scores.judges[judge].metrics["auroc"].value for judge in JUDGES}
    assert scores.gap.value == pytest.approx(auroc["full"] - max(auroc["text_only"], auroc["image_only"]), abs=2e-6)
    assert scores.gap.low < scores.gap.value < scores.gap.high


def test_gap_is_paired_so_equal_judges_have_none():
    columns = corpus(1)
    columns.p_unsafe["text_only"] = columns.p_unsafe["full"]
    columns.p_unsafe["image_only"] = 1 - columns.p_unsafe["full"]
    gap = measured({"vlguard": columns}).corpora["vlguard"].gap
    assert (gap.value, gap.low, gap.high) == (0.0, 0.0, 0.0)


def test_quality_is_the_mean_over_the_other_two_class_corpora():
    corpora = {"a": corpus(1), "b": corpus(2), "siuo": corpus(3, label=1), "rms": corpus(4), "risk_oriented": corpus(5)}
    result = measured(corpora)
    auroc = {name: result.corpora[name].judges["full"].metrics["auroc"] for name in corpora}
    assert result.quality.over == ["a", "b", "risk_oriented"]
    assert result.common.over == ["a", "b"]
    expected = np.mean([auroc[name].value for name in result.quality.over])
    assert result.quality.auroc.value == pytest.approx(expected, abs=1e-6)
    width = result.common.auroc.high - result.common.auroc.low
    assert width < min(auroc[name].high - auroc[name].low for name in ("a", "b"))
    assert measured(corpora, "risk_oriented").quality.over == ["a", "b", "rms"]


def test_one_class_corpora_have_a_detection_rate_and_no_gap():
    result = measured({"siuo": corpus(3, label=1)})
    metrics = result.corpora["siuo"].judges["full"].metrics
    rate = metrics["detection_rate"]
    assert rate.low < rate.value < rate.high
    assert metrics["auroc"].value is result.corpora["siuo"].gap.value is result.quality.auroc.value is None
    assert result.quality.over == []


def test_too_few_images_give_no_interval():
    auroc = measured({"tiny": corpus(1, images=4)}).corpora["tiny"].judges["full"].metrics["auroc"]
    assert auroc.value is not None
    assert auroc.low is auroc.high is None


def test_judges_of_other_training_sets_see_the_same_resamples():
    corpora = {"a": corpus(1), "b": corpus(2)}
    assert measured(corpora).corpora == measured(corpora, "risk_oriented").corpora
    assert measured({"b": corpus(2)}).corpora["b"] == measured(corpora).corpora["b"]
    assert measured(corpora, seed=1).corpora != measured(corpora).corpora


def prediction(sample: str, judge: str, p_unsafe: float) -> Prediction:
    return Prediction(
        sample_id=sample, corpus="a", judge=judge, p_unsafe=p_unsafe,
        label="unsafe" if sample == "s1" else "safe", category="", image_id="i",
    )  # fmt: skip


def test_predictions_become_columns():
    scored = [("s1", "full", 0.9), ("s2", "full", 0.1), ("s1", "text_only", 0.3), ("s2", "text_only", 0.2)]
    columns = by_corpus(prediction(*row) for row in scored)["a"]
    assert columns.sample_ids == ["s1", "s2"]
    assert columns.labels.tolist() == [1, 0]
    assert columns.clusters.tolist() == [0, 0]
    assert columns.p_unsafe["text_only"].tolist() == [0.3, 0.2]


def test_judges_that_scored_other_samples_are_an_error():
    with pytest.raises(RmsError, match="a: judge text_only has not scored the same samples"):
        by_corpus([prediction("s1", "full", 0.9), prediction("s2", "text_only", 0.1)])


def test_scores_survive_the_file(tmp_path):
    result = measured({"a": corpus(1), "siuo": corpus(3, label=1)})
    write_json(tmp_path / "metrics.json", result.model_dump())
    assert read_evaluation(tmp_path / "metrics.json") == result


@pytest.mark.parametrize(("text", "message"), [(None, "not found"), ("{}", "train_set"), ("{", "JSON")])
def test_a_broken_file_is_explained_in_one_line(tmp_path, text, message):
    path = tmp_path / "metrics.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RmsError, match=message) as error:
        read_evaluation(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
