"""The curve's points are the mean of the leaderboard, made by judges that have no twins."""

import numpy as np
import pytest

from rms.judge.identity import JudgeIdentity
from rms.measure.columns import Columns
from rms.measure.estimate import Plan
from rms.measure.evaluation import evaluate
from rms.measure.results import JUDGES
from rms.measure.scaling import mean_auroc

PLAN = Plan(200, 0.9, 3)


def corpus(seed: int, seeds: int, rows: int = 80, images: int = 30) -> Columns:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, rows)
    scores = {judge: np.round(0.4 * labels + draw.random((seeds, rows)), 6) / 1.4 for judge in JUDGES}
    clusters = [f"i{number % images}" for number in range(rows)]
    return Columns([f"s{number}" for number in range(rows)], clusters, [""] * rows, labels, scores)


@pytest.mark.parametrize("seeds", [1, 3])
def test_it_is_the_mean_of_the_leaderboard_to_the_last_digit(seeds):
    corpora = {"a": corpus(1, seeds), "b": corpus(2, seeds)}
    judge = JudgeIdentity(hash="h", kind="k", base="", revision="", seed=0, rows=9, unsafe=4)
    common = evaluate(
        "rms", corpora, dict.fromkeys(JUDGES, [0.5] * seeds), PLAN, judges=[judge] * seeds, own_tests=["rms"],
        left_out={},
    ).evaluation.common  # fmt: skip
    assert common.over == ["a", "b"]
    full_alone = {name: item._replace(p_unsafe={"full": item.p_unsafe["full"]}) for name, item in corpora.items()}
    assert mean_auroc(full_alone, PLAN) == common.auroc


def test_few_images_give_no_interval_and_no_corpus_no_value():
    few = mean_auroc({"a": corpus(1, 1, images=3)}, PLAN)
    assert few.value is not None
    assert few.low is None
    assert mean_auroc({}, PLAN).value is None
