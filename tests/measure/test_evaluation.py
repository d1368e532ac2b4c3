"""Scores of a training set: intervals, gap, macro means."""

import numpy as np
import pytest

from rms.errors import RmsError
from rms.judge.identity import JudgeIdentity
from rms.measure.columns import Columns, by_corpus
from rms.measure.draws import draw
from rms.measure.estimate import Plan
from rms.measure.evaluation import evaluate
from rms.measure.metrics import point_metrics
from rms.measure.results import CATEGORY_METRICS, JUDGES, METRICS, Resampled, read_evaluation, read_resampled
from rms.records import Prediction
from rms.store import write_json, write_table

JUDGE = JudgeIdentity(hash="0123456789", kind="embedded", base="b", revision="r", seed=0, rows=10, unsafe=5)


def corpus(
    seed: int, rows: int = 80, *, label: int | None = None, images: int | None = None, seeds: int = 1, luck: float = 0.0
) -> Columns:
    """`luck` is how much the strength of the full judge varies from seed to seed."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, rows) if label is None else np.full(rows, label)
    strength = {"full": 1.2, "text_only": 0.4, "image_only": 0.1, "majority": 0.0}
    scores = {
        judge: np.round(np.clip(0.4 + 0.3 * generator.normal(size=rows) + power * labels / 3, 0, 1), 6)
        for judge, power in strength.items()
    }
    scores["majority"] = np.full(rows, 0.5)
    p_unsafe = {judge: np.repeat(values[None], seeds, axis=0) for judge, values in scores.items()}
    p_unsafe["full"] = np.clip(p_unsafe["full"] + luck * np.arange(seeds)[:, None] * labels, 0, 1)
    return Columns(
        [f"{seed}-{row}" for row in range(rows)],
        [f"{seed}-{row % (images or rows):04d}" for row in range(rows)],
        ["" for _ in range(rows)],
        labels,
        p_unsafe,
    )


def scored(corpora, train_set="rms", seed=0, benign_pool=()):
    seeds = len(next(iter(corpora.values())).p_unsafe["full"])
    return evaluate(
        train_set, corpora, dict.fromkeys(JUDGES, [0.5] * seeds), Plan(200, 0.9, seed), judges=[JUDGE] * seeds,
        own_tests=["rms", "risk_oriented"], left_out={"gone": "no samples"}, benign_pool=benign_pool,
    )  # fmt: skip


def measured(*arguments, **named):
    return scored(*arguments, **named).evaluation


def test_every_estimate_lies_within_its_interval():
    result = measured({"vlguard": corpus(1)})
    scores = result.corpora["vlguard"]
    assert scores.n == 80
    assert scores.classes == "both"
    for judge in JUDGES:
        assert list(scores.judges[judge].metrics) == list(METRICS)
        for estimate in scores.judges[judge].metrics.values():
            assert estimate.low <= estimate.value <= estimate.high
            assert estimate.sd is None
    assert result.left_out == {"gone": "no samples"}


def test_majority_has_chance_auroc():
    auroc = measured({"vlguard": corpus(1)}).corpora["vlguard"].judges["majority"].metrics["auroc"]
    assert (auroc.value, auroc.low, auroc.high) == (0.5, 0.5, 0.5)


def test_scores_are_means_over_seeds_and_their_spread_widens_the_interval():
    alike, apart = (measured({"a": corpus(1, seeds=3, luck=luck)}).corpora["a"].judges["full"] for luck in (0.0, 0.15))
    one = measured({"a": corpus(1)}).corpora["a"].judges["full"].metrics["auroc"]
    same, spread = alike.metrics["auroc"], apart.metrics["auroc"]
    assert alike.thresholds == [0.5] * 3
    assert (same.value, same.low, same.high, same.sd) == (one.value, one.low, one.high, 0.0)
    each = [
        measured({"a": of_seed(corpus(1, seeds=3, luck=0.15), seed)}).corpora["a"].judges["full"] for seed in range(3)
    ]
    values = [judge.metrics["auroc"].value for judge in each]
    assert spread.value == pytest.approx(np.mean(values), abs=2e-6)
    assert spread.sd == pytest.approx(np.std(values, ddof=1), abs=2e-6)
    reach = 2.92 * spread.sd / np.sqrt(3)  # 90% of a t distribution with two degrees of freedom
    assert spread.high - spread.low > reach
    assert spread.high <= 1


def test_resamples_of_a_gap_are_means_over_the_seeds():
    columns = corpus(1, seeds=2, luck=0.3)

    def gaps(part, seeds):
        return draw(part, dict.fromkeys(JUDGES, (0.5,) * seeds), 40, np.random.default_rng(0)).gap

    each = [gaps(of_seed(columns, seed), 1) for seed in range(2)]
    assert not np.allclose(*each)
    assert gaps(columns, 2) == pytest.approx(np.mean(each, axis=0))


def of_seed(columns: Columns, seed: int) -> Columns:
    return columns._replace(p_unsafe={judge: values[[seed]] for judge, values in columns.p_unsafe.items()})


def test_the_mean_over_corpora_spreads_as_its_judges_do():
    lucky = {"a": corpus(1, seeds=2, luck=0.2), "b": corpus(2, seeds=2, luck=0.2)}
    each = [measured({name: of_seed(columns, seed) for name, columns in lucky.items()}).common for seed in range(2)]
    found = measured(lucky).common
    assert found.auroc.sd == pytest.approx(np.std([mean.auroc.value for mean in each], ddof=1), abs=2e-6)
    assert found.gap.value == pytest.approx(np.mean([mean.gap.value for mean in each]), abs=2e-6)
    assert found.text_only.sd == 0.0


def overconfident(generator, rows):
    """Labels and scores of a judge whose calibrated logits are stretched by a half."""
    labels = np.arange(rows) % 2
    calibrated = np.sqrt(generator.random(rows))
    odds = np.where(labels == 1, calibrated / (1 - calibrated), (1 - calibrated) / calibrated)
    return labels, np.round(1 / (1 + odds**-1.5), 6)


def test_the_interval_of_the_calibration_error_is_not_pushed_up():
    """The percentile interval would lie above the truth in each of these cases: resampling adds to the error."""
    labels, scores = overconfident(np.random.default_rng(0), 200_000)
    truth = point_metrics(labels, scores, 0.5)["ece"]
    generator, held = np.random.default_rng(8), 0
    for trial in range(40):
        labels, scores = overconfident(generator, 100)
        columns = corpus(1, 100)._replace(labels=labels, p_unsafe=dict.fromkeys(JUDGES, scores[None]))
        ece = measured({"a": columns}, seed=trial).corpora["a"].judges["full"].metrics["ece"]
        assert ece.low <= ece.value <= ece.high
        held += ece.low <= truth <= ece.high
    assert held >= 32  # 36 of 40 is nominal


def test_categories_are_measured_one_by_one():
    columns = corpus(1)._replace(categories=["fire" if row < 40 else "" for row in range(80)])
    found = measured({"a": columns}).corpora["a"].categories
    assert list(found) == ["(no category)", "fire"]
    part = Columns(*(values[:40] for values in columns[:4]), {j: p[:, :40] for j, p in columns.p_unsafe.items()})
    alone = measured({"a": part}).corpora["a"].judges["full"].metrics
    assert (found["fire"].n, found["fire"].n_unsafe, found["fire"].n_images) == (40, int(part.labels.sum()), 40)
    for name in CATEGORY_METRICS:
        assert found["fire"].metrics[name].value == alone[name].value
        assert found["fire"].metrics[name].low < alone[name].value < found["fire"].metrics[name].high
    assert measured({"a": corpus(1)}).corpora["a"].categories == {}


def test_rare_categories_are_counted_together_and_none_is_lost():
    names = [f"c{row:03d}" if row < 50 else "big" for row in range(80)]
    found = measured({"a": corpus(1)._replace(categories=names)}).corpora["a"].categories
    assert len(found) == 30
    assert sum(scores.n for scores in found.values()) == 80
    assert found["(other categories)"].n == 50 - 28
    assert found["c000"].metrics["detection_rate"].low is found["c000"].metrics["false_alarm_rate"].low is None


def test_a_benign_pool_gives_an_unsafe_corpus_both_classes():
    corpora = {"siuo": corpus(3, label=1), "a": corpus(1), "calm": corpus(5, label=0)}
    result = measured(corpora, benign_pool=["a", "calm"])
    pooled = result.corpora["siuo+pool"]
    safe = int((corpora["a"].labels == 0).sum())
    assert (pooled.n, pooled.n_unsafe, pooled.classes, pooled.pool) == (80 + safe + 80, 80, "both", ["a", "calm"])
    assert pooled.judges["full"].metrics["f1"].value is not None
    assert pooled.judges["full"].metrics["auroc"].low is not None
    assert (
        pooled.judges["full"].metrics["recall"].value
        == result.corpora["siuo"].judges["full"].metrics["detection_rate"].value
    )
    assert [name for name, scores in result.corpora.items() if scores.pool] == ["siuo+pool"]
    assert result.quality.over == ["a"]
    assert measured(corpora).corpora == {name: scores for name, scores in result.corpora.items() if not scores.pool}


def test_rows_without_verdict_are_counted():
    columns = corpus(1)
    columns.p_unsafe["full"][0, :7] = np.nan
    found = measured({"a": columns}).corpora["a"].judges
    assert found["full"].no_verdict == [7]
    assert found["text_only"].no_verdict == [0]
    whole = measured({"a": corpus(1)}).corpora["a"].judges["full"].metrics["auroc"].value
    assert found["full"].metrics["auroc"].value < whole


def test_a_judge_that_never_answers_is_an_error():
    columns = corpus(1)
    columns.p_unsafe["image_only"][:] = np.nan
    with pytest.raises(RmsError, match="judge image_only: gave no verdict on any sample"):
        measured({"a": columns})


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


def prediction(sample: str, judge: str, p_unsafe: float | None, seed: int = 0) -> Prediction:
    return Prediction(
        sample_id=sample, corpus="a", judge=judge, seed=seed, p_unsafe=p_unsafe,
        label="unsafe" if sample == "s1" else "safe", category="", image_id="i",
    )  # fmt: skip


def test_predictions_become_columns():
    rows = [("s1", "full", 0.9), ("s2", "full", None), ("s1", "text_only", 0.3), ("s2", "text_only", 0.2)]
    columns = by_corpus(prediction(*row, seed) for seed in (5, 2) for row in rows)["a"]
    assert columns.sample_ids == ["s1", "s2"]
    assert columns.labels.tolist() == [1, 0]
    assert columns.clusters.tolist() == [0, 0]
    assert columns.p_unsafe["text_only"].tolist() == [[0.3, 0.2]] * 2
    assert np.isnan(columns.p_unsafe["full"][:, 1]).all()


def test_judges_that_scored_other_samples_are_an_error():
    with pytest.raises(RmsError, match="a: judge text_only has not scored the same samples"):
        by_corpus([prediction("s1", "full", 0.9), prediction("s2", "text_only", 0.1)])


@pytest.mark.parametrize(
    "rows",
    [
        [("s1", "full", 0.9), ("s2", "full", 0.9), ("s1", "text_only", 0.1)],
        [("s1", "full", 0.9), ("s1", "text_only", 0.1, 1)],
    ],
)
def test_judges_and_seeds_that_scored_less_are_an_error(rows):
    with pytest.raises(RmsError, match=r"a: .* `dvc repro evaluate` again"):
        by_corpus([prediction(*row) for row in [*rows, ("s1", "image_only", 0.2)]])


def test_scores_survive_the_file(tmp_path):
    result = scored({"a": corpus(1), "siuo": corpus(3, label=1), "lone": corpus(4, images=3)})
    write_json(tmp_path / "metrics.json", result.evaluation.model_dump())
    assert read_evaluation(tmp_path / "metrics.json") == result.evaluation
    write_table(tmp_path / "resampled", Resampled, result.resampled)
    drawn = read_resampled(tmp_path / "resampled")
    assert {name: values.shape for name, values in drawn.items()} == dict.fromkeys(["a", "siuo", "lone"], (200,))
    low, high = np.quantile(drawn["a"], [0.05, 0.95])
    auroc = result.evaluation.corpora["a"].judges["full"].metrics["auroc"]
    assert (auroc.low, auroc.high) == pytest.approx((low, high), abs=1e-6)
    assert np.isnan(drawn["lone"]).all()


@pytest.mark.parametrize(("text", "message"), [(None, "not found"), ("{}", "train_set"), ("{", "JSON")])
def test_a_broken_file_is_explained_in_one_line(tmp_path, text, message):
    path = tmp_path / "metrics.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RmsError, match=message) as error:
        read_evaluation(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
