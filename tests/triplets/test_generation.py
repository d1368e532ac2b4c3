from scripted_assistant import SAFE, UNSAFE, ScriptedAssistant, scene

from rms.assistant import NoAnswerError, TextDraft, TripletDraft
from rms.records import Pattern, TextReject, Triplet
from rms.triplets import generation
from rms.triplets.generation import generate
from rms.triplets.rejects import sieve


def _draft(text: str) -> TripletDraft:
    return TripletDraft(TextDraft(text, "rest", "wish"), "p", "a risk", "fire", "why")


def _run(assistant, images=("a",), per_image=9):
    return list(generate(assistant, assistant, [scene(i) for i in images], {}, {}, per_image, 3))


def test_what_passes_is_a_triplet_with_its_checks_and_origin():
    (found,) = _run(ScriptedAssistant(proposals=[_draft("rest here")]), per_image=1)
    assert isinstance(found, Triplet)
    assert (found.image_id, found.text, found.intent, found.risk, found.category) == (
        "a",
        "rest here",
        "rest",
        "a risk",
        "fire",
    )
    assert len(found.checks) == 3
    assert (found.provenance.assistant, found.provenance.seed, found.provenance.family) == ("scripted", 3, "wish")


def test_what_fails_is_a_reject_with_the_check_that_failed():
    assistant = ScriptedAssistant(
        lambda _, text: SAFE if text == "tame" else UNSAFE,
        odd=["alarming"],
        proposals=[_draft("good"), _draft("tame"), _draft("alarming"), _draft("good")],
    )
    outcomes = _run(assistant)
    assert [getattr(outcome, "failed", "") for outcome in outcomes] == ["", "together", "text_alone", "duplicate"]
    rejects: list[TextReject] = []
    assert [t.text for t in sieve(outcomes, Triplet, rejects)] == ["good"]
    assert len(rejects) == 3
    assert all(reject.kind == "triplet" and reject.image_id == "a" for reject in rejects)


def test_the_same_text_on_two_images_is_no_duplicate_and_ids_are_stable(monkeypatch):
    assistant = ScriptedAssistant(proposals=[_draft("good")])
    whole = _run(assistant, "abc")
    assert len({triplet.triplet_id for triplet in whole}) == 3
    monkeypatch.setattr(generation, "CHUNK", 1)
    assert _run(assistant, "abc") == whole


def test_own_patterns_come_first_and_none_is_tried_twice():
    class Remembers(ScriptedAssistant):
        def propose_triplets(self, scene, patterns, count):  # noqa: ARG002
            tried.append(([p.pattern_id for p in patterns], count))
            return []

    tried = []
    one, two = (
        Pattern(pattern_id=n, element="e", intent="i", risk="r", category="c", support=1, example_image_ids=[])
        for n in ("one", "two")
    )
    assistant = Remembers()
    list(generate(assistant, assistant, [scene("a")], {"a": [one]}, {"a": [one, two]}, 5, 0))
    assert tried == [(["one"], 5), (["two"], 1)]


class _NearUnanswered(ScriptedAssistant):
    """Answers about an image's own patterns, and not about others'."""

    def propose_triplets(self, scene, patterns, count):
        if any(pattern.pattern_id == "near" for pattern in patterns):
            raise NoAnswerError("refused: no", "raw")
        return super().propose_triplets(scene, patterns, count)


def test_a_question_without_an_answer_is_a_row_and_costs_no_other_answer():
    draft = TripletDraft(TextDraft("may I sit here?", "sit", ""), "own", "risk", "falls", "why")
    kept = Pattern(
        pattern_id="own", element="e", intent="i", risk="r", category="c", support=1, example_image_ids=["a"]
    )
    near = kept.model_copy(update={"pattern_id": "near"})
    assistant = _NearUnanswered(proposals=[draft])
    triplet, reject = generate(assistant, assistant, [scene("a")], {"a": [kept]}, {"a": [near]}, 5, 0)
    assert isinstance(triplet, Triplet)
    assert (reject.failed, reject.kind, reject.detail) == ("no_answer", "proposal", "refused: no; last answer: raw")
