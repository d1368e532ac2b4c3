import time
from collections import Counter

import pytest
from scripted_assistant import MADE_BY, SAFE, UNSAFE, UNSURE, ScriptedAssistant, scene, triplet

from rms.params import Augment
from rms.records import Candidate, TextReject
from rms.seeds import content_id
from rms.triplets.twins import TwinMaker

SPLIT = {"a": "train", "b": "train", "c": "train", "d": "train", "x": "test", "y": "test"}
SCENES = [scene(image_id, split) for image_id, split in SPLIT.items()]


def _settings(**changes) -> Augment:
    facts = {
        "variations": 1, "criteria": [], "max_similarity": 0.9, "min_similarity": 0.3, "max_words": 20,
        "twin_tries": 50, "counterpart_share": 0.0,
    }  # fmt: skip
    return Augment(**(facts | changes))


def _unsafe(image_id: str, text: str) -> Candidate:
    return Candidate(
        candidate_id=content_id("candidate", image_id, text), image_id=image_id, text=text, label="unsafe",
        category="fire", risk="r", guidance="g", kind="triplet", criterion="", parent_id=f"{image_id}/{text}",
        checks=[], provenance=MADE_BY,
    )  # fmt: skip


def _twins(pairs, together, wishes=(), workers=1, abreast=1, **changes) -> list[Candidate | TextReject]:
    unsafe = [_unsafe(*pair) for pair in pairs]
    assistant = ScriptedAssistant(together, wishes=wishes)
    assistant.workers, assistant.abreast = workers, abreast
    maker = TwinMaker(assistant, assistant, SCENES, unsafe, _settings(**changes), 0)
    return list(maker.twins((candidate, triplet(candidate.image_id, candidate.text)) for candidate in unsafe))


def _only(*risky: tuple[str, str]):
    return lambda image_id, text: UNSAFE if (image_id, text) in risky else SAFE


def test_a_text_gets_an_image_of_its_split_where_it_is_harmless():
    (twin,) = _twins([("x", "rest")], _only(("x", "rest")))
    assert (twin.image_id, twin.text, twin.label, twin.kind) == ("y", "rest", "safe", "twin_image")
    assert (twin.risk, twin.guidance, twin.category) == ("", "safe guidance", "fire")
    assert twin.parent_id == content_id("candidate", "x", "rest")
    assert [check.modality for check in twin.checks] == ["text", "together"]


def test_where_no_image_will_do_the_image_gets_another_text():
    def together(_image_id, text):
        return UNSAFE if text == "rest" else SAFE

    (twin,) = _twins([("x", "rest")], together, wishes=["read"])
    assert (twin.image_id, twin.text, twin.kind) == ("x", "read by x", "twin_text")


@pytest.mark.parametrize("verdict", [UNSAFE, UNSURE])
def test_where_nothing_is_harmless_there_is_a_reject_that_says_so(verdict):
    (reject,) = _twins([("x", "rest")], lambda *_: verdict, wishes=["read"])
    assert isinstance(reject, TextReject)
    assert (reject.failed, reject.image_id, reject.text) == ("no_harmless_twin", "x", "rest")


def test_a_share_of_the_twins_keeps_the_image_and_takes_a_harmless_wish():
    pairs = [(image_id, f"t{n}") for image_id in "abcd" for n in range(5)]
    kinds = Counter(
        twin.text.endswith(f"by {twin.image_id}")
        for twin in _twins(pairs, _only(*pairs), ["read", "sing", "hum", "nap", "sit"], counterpart_share=1.0)
    )
    assert kinds[True] == len(pairs)


def test_no_pair_is_given_twice_or_with_two_labels():
    pairs = [(image_id, f"t{n}") for image_id in "abcd" for n in range(4)]
    twins = _twins(pairs, _only(*pairs), wishes=["read"])
    made = [(twin.image_id, twin.text) for twin in twins if isinstance(twin, Candidate)]
    assert len(set(made)) == len(made)
    assert not set(made) & set(pairs)


def test_neither_image_nor_text_tells_the_label_where_all_else_is_harmless():
    """Every image carries four unsafe texts and every text is unsafe once: the twins can pay each debt exactly."""
    pairs = [(image_id, f"t{image_id}{n}") for image_id in "abcd" for n in range(4)]
    twins = _twins(pairs, _only(*pairs))
    for side in ("image_id", "text"):
        owed = Counter(pair[side == "text"] for pair in pairs)
        owed.subtract(getattr(twin, side) for twin in twins)
        assert sum(abs(value) for value in owed.values()) <= 4, (side, owed)


@pytest.mark.parametrize("text", ["one", "two", "three", "four"])
def test_of_the_texts_that_are_harmless_beside_an_image_the_one_seen_unsafe_most_often_is_taken(text):
    seldom = [("b", f"seldom {n}") for n in range(12)]
    often = [("b", "often"), ("c", "often"), ("d", "often")]

    def together(image_id, proposed):
        return UNSAFE if proposed == text or image_id != "a" else SAFE

    first = _twins([("a", text), *seldom, *often], together)[0]
    assert (first.image_id, first.text, first.kind) == ("a", "often", "twin_text")


def test_the_same_seed_gives_the_same_twins():
    pairs = [(image_id, f"t{n}") for image_id in "abcd" for n in range(4)]
    assert _twins(pairs, _only(*pairs)) == _twins(pairs, _only(*pairs))


def test_which_answer_comes_first_changes_no_twin():
    """Four texts of one image are searched for side by side; the same two texts would do for each of them."""
    pairs = [*(("a", f"t{n}") for n in range(4)), ("b", "often"), ("c", "often"), ("b", "seldom")]

    def together(image_id, text):
        return SAFE if (image_id, text) in (("a", "often"), ("a", "seldom")) else UNSAFE

    def late(image_id, text):
        time.sleep(0.0 if text == "t0" else 0.02)
        return together(image_id, text)

    assert _twins(pairs, late, workers=4, abreast=4) == _twins(pairs, together, workers=4, abreast=4)


def test_how_many_are_asked_about_side_by_side_changes_no_twin():
    pairs = [(image_id, f"t{n}") for image_id in "abc" for n in range(4)]
    one, *others = ([*_twins(pairs, _only(*pairs), workers=workers, abreast=4)] for workers in (1, 3, 64))
    assert others == [one, one]
