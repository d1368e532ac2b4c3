from collections import Counter, defaultdict

import pytest

from rms.assistant import Scene
from rms.perception import load_elements
from rms.records import Description
from rms.risk_oriented import construct
from rms.risk_oriented.construct import load_risks

SPLITS = ("train", "train", "train", "validation", "test")


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    elements = load_elements().all[::11][:50]
    return [
        Scene(
            Description(image_id=f"i{n}", caption=f"A photograph of {e.noun_phrase}.", elements=[]), SPLITS[n % 5], None
        )
        for n, e in enumerate(elements)
    ]


@pytest.fixture(scope="module")
def rows(scenes):
    return construct(scenes, 40, 0)


def _split(rows, scenes):
    split_of = {scene.image_id: scene.split for scene in scenes}
    return {split: [row for row in rows if split_of[row.image_id] == split] for split in set(SPLITS)}


def test_the_list_of_risks_is_large_and_balanced():
    risks, version = load_risks()
    assert len(risks) >= 10
    assert len({risk.category for risk in risks}) == len(risks)
    for risk in risks:
        assert len(risk.unsafe) == len(risk.safe) >= 10, risk.category
        assert len({*risk.unsafe, *risk.safe}) == len(risk.unsafe) + len(risk.safe), risk.category
    assert len(version) == 12


def test_no_text_is_in_two_splits(rows, scenes):
    sides = defaultdict(set)
    for split, members in _split(rows, scenes).items():
        for row in members:
            sides[row.text].add(split)
    assert all(len(found) == 1 for found in sides.values())


def test_each_split_has_every_risk_with_both_labels(rows, scenes):
    for members in _split(rows, scenes).values():
        counts = Counter((row.category, row.label) for row in members)
        assert len(counts) == 2 * len(load_risks().risks)
        labels = Counter(row.label for row in members)
        assert labels["safe"] == labels["unsafe"]


def test_there_are_as_many_rows_as_asked_for(rows):
    per_risk = Counter(row.category for row in rows)
    assert all(value == pytest.approx(40, abs=4) for value in per_risk.values())
    assert len({row.candidate_id for row in rows}) == len(rows)


def test_it_is_deterministic(rows, scenes):
    assert construct(scenes, 40, 0) == rows


def test_images_are_those_that_fit_the_risk_best(scenes):
    rows = construct(scenes, 2, 0)
    assert len({row.image_id for row in rows}) < len(scenes)


def test_the_text_alone_gives_the_label_away(rows, scenes):
    """What the comparison is about: a linear model of words, which sees no image, does well on the test split."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - heavy
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415

    parts = _split(rows, scenes)
    words = TfidfVectorizer(ngram_range=(1, 2))
    model = LogisticRegression(C=10).fit(
        words.fit_transform([row.text for row in parts["train"]]), [row.label for row in parts["train"]]
    )
    scores = model.decision_function(words.transform([row.text for row in parts["test"]]))
    assert roc_auc_score([row.label == "unsafe" for row in parts["test"]], scores) > 0.75
