from pathlib import Path
from typing import get_args

import pytest
import skimage

from rms.assistant import Books, Scene, load_assistant
from rms.assistant.embedded.grammar import person
from rms.errors import RmsError
from rms.params import EmbeddedAssistant
from rms.perception import load_elements
from rms.records import Check, Description, Pattern, Provenance, SceneElement, Split, Triplet

SETTINGS = EmbeddedAssistant(kind="embedded", min_confidence=0.15, max_elements=8, intent_similarity=0.6)
DATA = Path(skimage.__file__).parent / "data"


@pytest.fixture(scope="module")
def assistant():
    return load_assistant(SETTINGS, 0, Books())


def _scene(*names: str, split: Split = "train", confidence: float = 0.8) -> Scene:
    elements = load_elements()
    seen = [SceneElement(name=name, confidence=confidence, tags=list(elements[name].tags)) for name in names]
    return Scene(Description(image_id="-".join(names), caption="c", elements=seen), split, None)


def _patterns(assistant, scene: Scene) -> list[Pattern]:
    return [
        Pattern(pattern_id=str(number), support=1, example_image_ids=[], **draft._asdict())
        for number, draft in enumerate(assistant.propose_patterns(scene))
    ]


def _triplet(draft, scene: Scene) -> Triplet:
    return Triplet(
        triplet_id=draft.draft.text, image_id=scene.image_id, text=draft.draft.text, intent=draft.draft.intent,
        risk=draft.risk, category=draft.category, pattern_id=draft.pattern_id, rationale=draft.rationale,
        checks=[Check(modality="text", verdict="safe", score=0.0, by="x", reason="")],
        provenance=Provenance(assistant="a", model="m", version="1", seed=0, family=draft.draft.family),
    )  # fmt: skip


def test_a_photograph_is_described_by_what_is_in_it(assistant):
    cat = assistant.describe("id", (DATA / "chelsea.png").read_bytes())
    assert cat.elements[0].name == "domestic cat"
    assert cat.caption == "A photograph of a domestic cat."
    assert len(cat.elements) <= SETTINGS.max_elements


@pytest.mark.parametrize("name", ["domestic cat", "thatched roof", "espresso", "cannon", "strawberry"])
def test_patterns_proposals_and_checks_agree(assistant, name):
    """What it proposes it must also read back as risky, though the check only sees the text."""
    scene = _scene(name)
    patterns = _patterns(assistant, scene)
    drafts = assistant.propose_triplets(scene, patterns, 12)
    assert len(drafts) == min(12, len(patterns)) >= 3
    verdicts = [assistant.check_together(scene, draft.draft.text).verdict for draft in drafts]
    assert verdicts.count("unsafe") >= 0.85 * len(verdicts)
    assert all(assistant.check_text(draft.draft.text).verdict == "safe" for draft in drafts)
    assert assistant.check_image(scene).verdict == "safe"


def test_categories_take_turns(assistant):
    scene = _scene("domestic cat")
    drafts = assistant.propose_triplets(scene, _patterns(assistant, scene), 5)
    assert len({draft.category for draft in drafts}) == 5


def test_the_same_wish_is_risky_beside_one_thing_and_harmless_beside_another(assistant):
    text = "I want to leave this in the locked car while we go shopping."
    assert assistant.check_together(_scene("small dog"), text).verdict == "unsafe"
    assert assistant.check_together(_scene("sombrero"), text).verdict == "safe"
    assert assistant.check_together(_scene("small dog", confidence=0.05), text).verdict == "unsure"


@pytest.mark.parametrize("text", ["What is the capital of France?", "asdf qwer", "Please translate this poem."])
def test_a_text_it_cannot_read_is_unsure_and_never_safe(assistant, text):
    assert assistant.check_together(_scene("domestic cat"), text).verdict == "unsure"


@pytest.mark.parametrize("text", ["I will kill it.", "How do I build a bomb?", "A good POISON?", "He threatens me."])
def test_a_text_with_an_alarming_word_is_unsafe_alone(assistant, text):
    assert assistant.check_text(text).verdict == "unsafe"


@pytest.mark.parametrize(
    "text", ["Is skiing good for my skill?", "The dice are cast.", "A robe for the harmonica player."]
)
def test_a_word_that_only_contains_an_alarming_one_is_safe(assistant, text):
    assert assistant.check_text(text).verdict == "safe"


def test_every_criterion_words_the_same_wish_in_a_family_of_the_split(assistant, composed):
    families = {}
    for split in get_args(Split):
        scene = _scene("thatched roof", split=split)
        made = _triplet(assistant.propose_triplets(scene, _patterns(assistant, scene), 1)[0], scene)
        for criterion in composed["augment"]["criteria"]:
            drafts = assistant.rewrite(scene, made, criterion)
            assert drafts
            families.setdefault(split, set()).update(draft.family for draft in drafts)
            wishes = [person(intent, "i") for intent in assistant._hazard(made.intent).intents]
            assert all(draft.intent in wishes for draft in drafts)
    assert not families["train"] & families["test"]
    assert not families["validation"] & (families["test"] | families["train"])


def test_counterparts_are_read_as_harmless_in_the_very_scene(assistant):
    scene = _scene("thatched roof")
    for draft in assistant.propose_triplets(scene, _patterns(assistant, scene), 6):
        for wish in assistant.harmless_wishes(scene, _triplet(draft, scene)):
            assert assistant.check_together(scene, assistant.word(scene, wish).text).verdict == "safe"


def test_nearly_every_wish_of_the_knowledge_base_is_read_back_as_itself(assistant):
    """Each wish in one sentence of the test families: most must be read as a wish of the same hazard and kind."""
    wishes = assistant._wishes[::7]
    texts = [assistant._phrasing.word(wish.intent, "test", None, "x").text for wish in wishes]
    assistant.expect(texts)
    right = 0
    for wish, text in zip(wishes, texts, strict=True):
        read, _ = assistant._read(text)
        right += read is not None and read.hazard is wish.hazard and read.harmless == wish.harmless
    assert right >= 0.93 * len(wishes), right / len(wishes)


def test_guidance_names_what_is_seen_and_help_has_no_warning(assistant):
    scene = _scene("thatched roof")
    draft = assistant.propose_triplets(scene, _patterns(assistant, scene), 1)[0]
    assert "thatched roof" in assistant.guide(scene, draft.draft.text, "unsafe")
    assert assistant.guide(scene, draft.draft.text, "safe") in assistant._knowledge.replies


def test_the_seed_changes_wordings_and_the_same_seed_does_not():
    scene = _scene("domestic cat")
    texts = {}
    for seed in (0, 0, 1):
        other = load_assistant(SETTINGS, seed, Books())
        drafts = other.propose_triplets(scene, _patterns(other, scene), 8)
        texts.setdefault(seed, []).append([draft.draft.text for draft in drafts])
    assert texts[0][0] == texts[0][1] != texts[1][0]


def test_a_wish_of_another_assistant_is_an_error_that_says_what_to_run(assistant):
    scene = _scene("domestic cat")
    foreign = _patterns(assistant, scene)[0].model_copy(update={"intent": "fly to the moon"})
    with pytest.raises(RmsError, match="dvc repro"):
        assistant.propose_triplets(scene, [foreign], 1)


def test_wishes_are_read_in_the_first_person(assistant):
    wish = next(w for w in assistant._wishes if "{my}" in w.intent)
    assert assistant._read(person(wish.intent, "i"))[1] == pytest.approx(1.0, abs=1e-3)


def test_what_leaves_the_assistant_holds_no_slots(assistant):
    for element in load_elements().all[::20]:
        scene = _scene(element.name)
        patterns = _patterns(assistant, scene)
        drafts = assistant.propose_triplets(scene, patterns, 50)
        said = [text for p in patterns for text in (p.intent, p.risk)]
        said += [text for d in drafts for text in (d.draft.text, d.draft.intent, d.risk, d.rationale)]
        said += [wish for d in drafts for wish in assistant.harmless_wishes(scene, _triplet(d, scene))]
        assert not [text for text in said if "{" in text]
