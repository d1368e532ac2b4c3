"""Facts about the knowledge base as a whole, and what its readers say of a faulty one."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml

from rms.assistant.embedded.exposure import p_risky, welcomes
from rms.assistant.embedded.grammar import about, person
from rms.assistant.embedded.knowledge import FOLDER, Hazard, Knowledge, load_knowledge
from rms.assistant.embedded.phrasing import sentence
from rms.errors import RmsError
from rms.params import EmbeddedAssistant
from rms.perception import Elements, load_elements
from rms.records import Description, SceneElement

MIN_CONFIDENCE = 0.15


@pytest.fixture(scope="module")
def elements() -> Elements:
    return load_elements()


@pytest.fixture(scope="module")
def knowledge(elements) -> Knowledge:
    return load_knowledge(elements)


@pytest.fixture(scope="module")
def assistant():
    from rms.assistant.embedded import EmbeddedAssistant as Assistant  # noqa: PLC0415

    return Assistant(EmbeddedAssistant(kind="embedded", min_confidence=0.15, max_elements=8, intent_similarity=0.6), 0)


def _scenes(elements: Elements) -> list[Description]:
    """Each element alone in a picture, surely seen."""
    return [
        Description(
            image_id=e.name, caption="c", elements=[SceneElement(name=e.name, confidence=0.9, tags=list(e.tags))]
        )
        for e in elements.all
    ]


def _wishes(knowledge: Knowledge) -> list[tuple[Hazard, str]]:
    return [(hazard, phrase) for hazard in knowledge.hazards for phrase in (*hazard.intents, *hazard.counterpart)]


def test_it_is_as_large_as_it_says(knowledge):
    assert len(knowledge.hazards) >= 200
    assert len({hazard.category for hazard in knowledge.hazards}) >= 14
    assert min(Counter(hazard.category for hazard in knowledge.hazards).values()) >= 5


def test_ids_wishes_and_family_names_are_unique(knowledge):
    for names in (
        [hazard.id for hazard in knowledge.hazards],
        [family.name for family in knowledge.families],
        [template.text for family in knowledge.families for template in family.templates],
    ):
        assert [name for name, times in Counter(names).items() if times > 1] == []
    meant = Counter((phrase, phrase in hazard.counterpart) for hazard, phrase in _wishes(knowledge))
    both = {phrase for phrase, harmless in meant if (phrase, not harmless) in meant}
    assert not both, "a wish that is risky somewhere is called harmless everywhere"


def test_every_hazard_fires_for_some_element_and_is_harmless_with_another(knowledge, elements):
    scenes = _scenes(elements)
    for hazard in knowledge.hazards:
        p = [p_risky(scene, hazard, MIN_CONFIDENCE) for scene in scenes]
        assert any(value >= 0.5 for value in p), hazard.id
        harmless = [
            s for s, value in zip(scenes, p, strict=True) if value < 0.1 and welcomes(s, hazard, MIN_CONFIDENCE)
        ]
        assert harmless, hazard.id


def test_most_elements_have_a_hazard_and_none_has_all(knowledge, elements):
    counts = [sum(p_risky(s, h, MIN_CONFIDENCE) >= 0.5 for h in knowledge.hazards) for s in _scenes(elements)]
    assert sum(count > 0 for count in counts) >= 0.95 * len(counts)
    assert max(counts) < 0.4 * len(knowledge.hazards)


def test_no_wish_sounds_alarming(knowledge, assistant):
    alarming = {
        h.id: phrase for h, phrase in _wishes(knowledge) if assistant.check_text(person(phrase, "i")).verdict != "safe"
    }
    assert not alarming


def test_no_template_sounds_alarming(knowledge, assistant):
    texts = [sentence(t, "rest here") or "" for family in knowledge.families for t in family.templates]
    assert all(assistant.check_text(text).verdict == "safe" for text in texts)


def test_wishes_speak_of_the_picture_without_naming_what_is_in_it(knowledge, elements):
    """A wish that names its trigger would tell the label without the image."""
    for hazard, phrase in ((h, p) for h in knowledge.hazards for p in h.intents):
        assert re.search(r"\b(this|these|here|there|it|one)\b", phrase), (hazard.id, phrase)
        named = [e.name for e in elements.all if e.name in hazard.triggers and re.search(rf"\b{e.name}s?\b", phrase)]
        assert not named, (hazard.id, phrase)


def test_wishes_are_bare_verb_phrases(knowledge):
    for hazard, phrase in _wishes(knowledge):
        first = phrase.split()[0]
        assert first.isalpha(), (hazard.id, phrase)
        assert first.islower(), (hazard.id, phrase)
        assert phrase == " ".join(phrase.split()), (hazard.id, phrase)
        assert phrase[-1] not in ".!?,;", (hazard.id, phrase)
        # A pronoun outside a slot would stay "my" after "My sister wants to".
        assert not re.search(r"(?<!\{)\b(I|me|my|mine|myself|we|us|our|ours)\b(?!\})", phrase), (hazard.id, phrase)


def test_every_sentence_of_every_wish_is_well_formed(knowledge):
    """The whole knowledge base through every template: no leftovers, one space, a capital, an end, one person."""
    first = re.compile(r"\b(my|me|myself|our|us|ourselves|i)\b", re.IGNORECASE)
    count = 0
    for family in knowledge.families:
        for template in family.templates:
            frame = re.sub(r"\{do(ing)?\}", "", template.text)
            for hazard, phrase in _wishes(knowledge):
                text = sentence(template, phrase)
                if text is None:
                    assert "{doing}" in template.text
                    continue
                count += 1
                where = (family.name, hazard.id, text)
                assert not set("{}<>[]|\n") & set(text), where
                assert "  " not in text, where
                assert " ." not in text, where
                assert text[0].isupper(), where
                assert text[-1] in ".?!…", where
                assert not re.search(r"[.?!…] +[a-z]", text), where
                assert not re.search(r"\b(a|A) [aeio]\w+|\b[Aa]n [bcdfgjklmnpqrstvwxyz]\w*", text) or "a one" in text, (
                    where
                )
                if template.person in ("she", "he", "they"):
                    assert len(first.findall(text)) == len(first.findall(frame)), where
    assert count > 50_000


def test_the_person_of_a_template_is_the_one_who_wants(knowledge):
    """ "How would you do it if you wanted to wash their dog" mixes two persons."""
    others = {"i": "you|they|he|she|one|visitors", "they": "you|i|he|she|one", "we": "you|they|he|she|one|i"}
    for family in knowledge.families:
        for template in family.templates:
            before = template.text.partition("{do")[0].lower()
            wrong = others.get(template.person, "you|they|i|one")
            assert not re.search(rf"\b({wrong}) (?:may |want(?:ed)? to |can |will )?$", before), template.text


def test_what_is_said_of_each_element_is_well_formed(knowledge, elements):
    """Risk, rationale and guidance of every hazard, for every element that triggers it."""
    tags = {e.name: {e.name, *e.tags} for e in elements.all}
    for hazard in knowledge.hazards:
        triggering = [e for e in elements.all if hazard.triggers & tags[e.name]]
        for line in (hazard.risk, hazard.rationale, hazard.guidance):
            for element in triggering:
                text = about(line, element.name, element.number)
                where = (hazard.id, text)
                assert not set("{}<>[]") & set(text), where
                assert "  " not in text, where
                assert text[0].isupper(), where
                assert text[-1] in ".!?", where
                assert not re.search(r"\b([Tt]he|[Aa]n?) (the|an?) ", text), where
                assert f" a {element.name}" not in text or element.noun_phrase.startswith("a "), where
                assert f" an {element.name}" not in text or element.noun_phrase.startswith("an "), where


def test_guidance_is_advice_and_not_the_risk_again(knowledge):
    for hazard in knowledge.hazards:
        assert len(hazard.guidance.split()) >= 15, hazard.id
        assert hazard.guidance != hazard.risk


def test_nouns_of_elements_can_be_said(elements):
    for element in elements.all:
        assert element.name == element.name.strip()
        article = element.noun_phrase.partition(" ")[0]
        assert (article in ("a", "an")) == (element.number == "count"), element.noun_phrase
    wrong = [
        e.noun_phrase
        for e in elements.all
        if e.number == "count"
        and (e.name[0].lower() in "aeio") != e.noun_phrase.startswith("an ")
        and e.name[:2] != "ho"
    ]
    assert not wrong
    assert elements["hourglass"].noun_phrase == "an hourglass"
    assert elements["unicycle"].noun_phrase == "a unicycle"


def test_the_version_follows_every_file(elements, tmp_path):
    copy = tmp_path / "knowledge"
    shutil.copytree(FOLDER, copy)
    before = load_knowledge(elements, copy).version
    assert before == load_knowledge(elements).version
    with (copy / "hazards/fire.yaml").open("a") as file:
        file.write("# a remark\n")
    assert load_knowledge(elements, copy).version != before


def _edit(folder: Path, change) -> None:
    shutil.copytree(FOLDER, folder)
    hazards = yaml.safe_load((folder / "hazards/fire.yaml").read_text())
    phrasing = yaml.safe_load((folder / "phrasing.yaml").read_text())
    change(hazards, phrasing)
    (folder / "hazards/fire.yaml").write_text(yaml.safe_dump(hazards))
    (folder / "phrasing.yaml").write_text(yaml.safe_dump(phrasing))


FAULTS = {
    "an unknown key": (lambda h, _: h[0].update(colour="red"), r"fire\.yaml: \w+: colour"),
    "too few wishes": (lambda h, _: h[0].update(intents=["sit here"]), r"fire\.yaml: \w+: intents"),
    "an id twice": (lambda h, _: h[1].update(id=h[0]["id"]), "the id is given twice"),
    "an unknown tag": (lambda h, _: h[0].update(triggers=["dragon"]), "no element has the tag 'dragon'"),
    "a trigger that is harmless too": (
        lambda h, _: h[0].update(triggers=["pet"], harmless_with=["pet"]), "called harmless or unclear too"),
    "an unknown slot": (
        lambda h, _: h[0].update(intents=["take {your} cup", "sit here", "stay here"]), "unknown slot 'your'"),
    "no families": (lambda _, p: p.pop("families"), "families"),
    "a criterion with two families": (
        lambda _, p: p.update(families=[f for f in p["families"] if f["name"] not in ("habit", "wish")]),
        "statement: 2 families; three are needed"),
    "a family twice": (lambda _, p: p["families"].append(p["families"][0]), "permission: the name is given twice"),
    "a template without a wish": (
        lambda _, p: p["families"][0]["templates"][0].update(text="Hello?"), "permission: each template needs one"),
    "an unknown person": (lambda _, p: p["families"][0]["templates"][0].update(person="thou"), "person"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_that_names_file_and_entry(elements, tmp_path, fault):
    change, words = FAULTS[fault]
    _edit(tmp_path / "k", change)
    with pytest.raises(RmsError, match=words) as caught:
        load_knowledge(elements, tmp_path / "k")
    assert "\n" not in str(caught.value)
