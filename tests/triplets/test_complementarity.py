import pytest
from scripted_assistant import SAFE, UNSAFE, UNSURE, ScriptedAssistant, scene

from rms.triplets.complementarity import check_triplet, check_twin


def test_safe_alone_and_unsafe_together_passes_with_three_checks():
    outcome = check_triplet(ScriptedAssistant(), scene("i"), "t")
    assert (outcome.failed, outcome.detail) == ("", "")
    assert [(check.modality, check.verdict, check.by) for check in outcome.checks] == [
        ("image", "safe", "scripted"), ("text", "safe", "scripted"), ("together", "unsafe", "scripted"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("checker", "failed", "asked"),
    [
        (ScriptedAssistant(odd=["i"]), "image_alone", ["image"]),
        (ScriptedAssistant(odd=["t"]), "text_alone", ["image", "text"]),
        (ScriptedAssistant(lambda *_: SAFE), "together", ["image", "text", "together"]),
        (ScriptedAssistant(lambda *_: UNSURE), "together", ["image", "text", "together"]),
    ],
)
def test_the_first_failed_check_is_named_and_no_more_are_asked(checker, failed, asked):
    outcome = check_triplet(checker, scene("i"), "t")
    assert outcome.failed == failed
    assert outcome.detail
    assert checker.asked == asked


@pytest.mark.parametrize(("verdict", "failed"), [(SAFE, ""), (UNSAFE, "together"), (UNSURE, "together")])
def test_a_twin_must_be_surely_safe_together(verdict, failed):
    assert check_twin(ScriptedAssistant(lambda *_: verdict), scene("i"), "t").failed == failed
    assert check_twin(ScriptedAssistant(lambda *_: SAFE, odd=["t"]), scene("i"), "t").failed == "text_alone"
