import math

import numpy as np
import pytest
from scripted_assistant import SAFE, UNSAFE, UNSURE, ScriptedAssistant, scene, triplet

from rms.assistant import TextDraft
from rms.params import Augment
from rms.records import Candidate, TextReject
from rms.triplets.augmentation import Proposal, keep, propose, unnatural

SETTINGS = Augment(
    variations=2, criteria=["paraphrase"], max_similarity=0.9, min_similarity=0.3, max_words=8, twin_tries=5,
    counterpart_share=0.1,
)  # fmt: skip
ORIGINAL = "may I rest here?"


def _at(degrees: float) -> np.ndarray:
    """A unit vector at this angle from the original's."""
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], dtype=np.float32)


def _keep(checker: ScriptedAssistant, angles: dict[str, float]) -> list[Candidate | TextReject]:
    proposals = [Proposal("paraphrase", TextDraft(text, "rest", "")) for text in angles]
    vectors = {ORIGINAL: _at(0), **{text: _at(angle) for text, angle in angles.items()}}
    return list(keep(checker, checker, scene("i"), triplet("i", ORIGINAL), proposals, vectors, SETTINGS, 0))


def test_the_triplet_itself_comes_first_then_its_variations():
    original, variation = _keep(ScriptedAssistant(), {"could I sit down there?": 45})
    assert (original.kind, original.text, original.criterion) == ("triplet", ORIGINAL, "")
    assert (variation.kind, variation.criterion, variation.label) == ("variation", "paraphrase", "unsafe")
    assert variation.parent_id == original.parent_id == f"i/{ORIGINAL}"
    assert variation.guidance == "unsafe guidance"
    assert [check.modality for check in variation.checks] == ["image", "text", "together"]


@pytest.mark.parametrize(
    ("text", "angle", "checker", "failed"),
    [
        ("it lost its risk", 45, ScriptedAssistant(lambda _, t: UNSAFE if t == ORIGINAL else SAFE), "together"),
        ("it is now unclear", 45, ScriptedAssistant(lambda _, t: UNSAFE if t == ORIGINAL else UNSURE), "together"),
        ("it sounds alarming", 45, ScriptedAssistant(odd=["it sounds alarming"]), "text_alone"),
        ("it says the same", 5, ScriptedAssistant(), "too_similar"),
        ("it left the subject", 85, ScriptedAssistant(), "off_subject"),
        ("word", 45, ScriptedAssistant(), "length"),
        ("one two three four five six seven eight nine", 45, ScriptedAssistant(), "length"),
        ("rest on {my} bench", 45, ScriptedAssistant(), "leftover"),
        ("rest on [object] here", 45, ScriptedAssistant(), "leftover"),
        ("Sure, here is one", 45, ScriptedAssistant(), "leftover"),
        ("As an AI I rest", 45, ScriptedAssistant(), "leftover"),
        ("rest  here twice", 45, ScriptedAssistant(), "leftover"),
    ],
)
def test_each_criterion_rejects_and_names_the_check(text, angle, checker, failed):
    _, reject = _keep(checker, {text: angle})
    assert isinstance(reject, TextReject)
    assert (reject.failed, reject.text, reject.kind) == (failed, text, "variation:paraphrase")
    assert reject.detail
    assert (reject.image_id, reject.parent_id) == ("i", f"i/{ORIGINAL}")


def test_a_variation_is_held_against_every_kept_sibling():
    outcomes = _keep(ScriptedAssistant(), {"first one here": 45, "close to the first": 50, "apart from both": -35})
    assert [getattr(outcome, "failed", "") for outcome in outcomes] == ["", "", "too_similar", "off_subject"]


def test_no_more_variations_are_kept_than_asked_for():
    outcomes = _keep(ScriptedAssistant(), {"first one here": 35, "second one here": 70, "third one here": -35})
    assert [outcome.text for outcome in outcomes] == [ORIGINAL, "first one here", "second one here"]


@pytest.mark.parametrize("text", ["May I rest here?", "Note to self: rest.", "It's 5 o'clock, can't we rest…"])
def test_a_plain_sentence_is_natural(text):
    assert unnatural(text, 40) is None


@pytest.mark.parametrize(
    "text",
    [
        "この氷の上で夕日の写真を撮りたいのですが、どの設定がいいですか？",
        "我想在这里的冰面上拍日落",
        "ฉันอยากถ่ายรูปพระอาทิตย์ตกที่นี่",
    ],
)
def test_a_sentence_of_a_script_without_blanks_has_words_too(text):
    assert unnatural(text, 40) is None
    assert unnatural(text * 10, 40) is not None


def test_proposals_cover_every_criterion_in_an_order_drawn_for_the_triplet():
    names = ["a", "b", "c", "d", "e"]
    orders = [[p.criterion for p in propose(ScriptedAssistant(), scene("i"), triplet("i", t), names, 0)] for t in names]
    assert all(sorted(order) == names for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert orders[0] == [p.criterion for p in propose(ScriptedAssistant(), scene("i"), triplet("i", "a"), names, 0)]
