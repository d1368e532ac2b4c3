"""Who is compared with whom on which corpus, and when one of them is called best."""

import numpy as np
import pytest
from test_evaluation import corpus, scored

from rms.errors import RmsError
from rms.measure.contests import SAME_CORPORA, best, contests
from rms.measure.differences import Contest, Difference, Entrant
from rms.measure.results import Estimate


def world(sets, corpora):
    """Evaluations, resamples and predictions of training sets, each `sets[name]` stronger on every corpus."""
    predictions = {
        name: {key: stronger(columns, strength) for key, columns in corpora.items()} for name, strength in sets.items()
    }
    found = {name: scored(columns, name, benign_pool=["a"]) for name, columns in predictions.items()}
    resampled = {name: {row.corpus: np.array(row.values) for row in item.resampled} for name, item in found.items()}
    return [item.evaluation for item in found.values()], resampled, predictions


def stronger(columns, strength):
    scores = np.clip(columns.p_unsafe["full"] + strength * (columns.labels - 0.5), 0, 1)
    return columns._replace(p_unsafe=columns.p_unsafe | {"full": scores})


def test_training_sets_compete_where_they_are_not_at_home():
    corpora = {"a": corpus(1), "siuo": corpus(3, label=1), "rms": corpus(4), "risk_oriented": corpus(5)}
    found = contests(*world({"rms": 0.0, "risk_oriented": 0.1, "a": 0.2}, corpora))
    names = {contest.corpus: [entrant.train_set for entrant in contest.entrants] for contest in found}
    assert names == {
        "a": ["rms", "risk_oriented"],
        "siuo": ["rms", "risk_oriented", "a"],
        "rms": ["risk_oriented", "a"],
        "risk_oriented": ["rms", "a"],
        "siuo+pool": ["rms", "risk_oriented"],
        SAME_CORPORA: ["rms", "risk_oriented", "a"],
    }
    metrics = {contest.corpus: contest.metric for contest in found}
    assert (metrics["siuo"], metrics["siuo+pool"]) == ("detection_rate", "auroc")


def test_the_mean_over_shared_corpora_is_a_contest_of_all_their_images():
    corpora = {"a": corpus(1, images=20), "b": corpus(2, images=30)}
    evaluations, resampled, predictions = world({"rms": 0.0, "risk_oriented": 0.3}, corpora)
    shared = contests(evaluations, resampled, predictions)[-1]
    assert len(np.unique(shared.clusters)) == 50
    first = shared.entrants[0]
    assert first.estimate == evaluations[0].common.auroc
    assert first.seen.shape == shared.clusters.shape == (160,)
    assert first.resampled == pytest.approx((resampled["rms"]["a"] + resampled["rms"]["b"]) / 2)


def test_one_training_set_has_no_rival():
    found = contests(*world({"rms": 0.0}, {"a": corpus(1)}))
    assert [len(contest.entrants) for contest in found] == [1, 1]
    assert [best(contest, []) for contest in found] == [None, None]


def test_judges_scored_on_other_samples_are_an_error():
    evaluations, resampled, predictions = world({"rms": 0.0, "risk_oriented": 0.1}, {"a": corpus(1)})
    ids = ["other", *predictions["rms"]["a"].sample_ids[1:]]
    predictions["risk_oriented"]["a"] = predictions["risk_oriented"]["a"]._replace(sample_ids=ids)
    with pytest.raises(RmsError, match="a: the judge of risk_oriented was scored on other samples"):
        contests(evaluations, resampled, predictions)


def contest(metric="auroc"):
    values = {"x": 0.9, "y": 0.7, "z": 0.6}
    nothing = np.zeros(0)
    sides = [
        Entrant(name, Estimate(value=value, low=None, high=None), 1, nothing, nothing) for name, value in values.items()
    ]
    return Contest("corpus", metric, np.zeros(0, np.int64), sides)


def difference(a, b, value, *, significant=True, corpus="corpus"):
    return Difference(
        corpus=corpus, metric="auroc", a=a, b=b, value=value, low=None, high=None, p=0.1, p_holm=0.1,
        significant=significant,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "found", "winner"),
    [
        ("auroc", [difference("x", "y", 0.2), difference("x", "z", 0.3), difference("y", "z", 0.1)], "x"),
        ("auroc", [difference("x", "y", 0.2), difference("x", "z", 0.3, significant=False)], None),
        ("auroc", [difference("x", "y", 0.2), difference("x", "z", 0.3, corpus="other")], None),
        ("auroc", [difference("x", "z", -0.2), difference("y", "z", -0.3)], "z"),
        ("false_alarm_rate", [difference("x", "y", 0.2), difference("x", "z", 0.3), difference("y", "z", 0.1)], "z"),
        ("auroc", [], None),
    ],
)
def test_best_is_who_beats_every_rival(metric, found, winner):
    assert best(contest(metric), found) == winner
