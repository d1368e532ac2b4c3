import subprocess
import sys
from pathlib import Path

import pytest
import skimage
import yaml

from rms.assistant import PatternDraft, Scene, TextDraft
from rms.assistant.openai import answers
from rms.assistant.openai.assistant import OpenAIAssistant
from rms.records import Check, Description, Pattern, Provenance, SceneElement, Triplet

ROOT = Path(__file__).parents[3]
DATA = Path(skimage.__file__).parent / "data"

ANSWERS = {
    answers.DescribeAnswer: {"caption": "A lake.", "elements": []},
    answers.PatternsAnswer: {"patterns": []},
    answers.TripletsAnswer: {"triplets": []},
    answers.VerdictAnswer: {"reason": "fine", "verdict": "safe", "probability": 0.1},
    answers.TextsAnswer: {"texts": ["Another text."]},
    answers.TextAnswer: {"text": "A text."},
    answers.WishesAnswer: {"wishes": ["rest here"]},
    answers.GuideAnswer: {"guidance": "Enjoy."},
}


class Scripted:
    """Stands for the client: answers from a script, else with something valid of the kind asked for."""

    model = "scripted-1"

    def __init__(self, *script, vision=True):
        self.vision = vision
        self.workers = 1
        self.requests = []
        self._script = list(script)

    def ask(self, request, kind):
        assert request.schema == answers.json_schema(kind)
        self.requests.append(request)
        return kind.model_validate(self._script.pop(0) if self._script else ANSWERS[kind])


SCENE = Scene(
    Description(
        image_id="lake", caption="A frozen lake {{ 7*7 }}.",
        elements=[SceneElement(name="ice", confidence=0.9, tags=["slippery"])],
    ), "train", {"lake": b"\xff\xd8 pixels"},
)  # fmt: skip
PATTERNS = [
    Pattern(pattern_id=f"p{n}", element="ice", intent=f"wish {n}", risk=f"risk {n}", category=f"category_{n}",
            support=1, example_image_ids=[])
    for n in (1, 2)
]  # fmt: skip
TRIPLET = Triplet(
    triplet_id="t", image_id="lake", text="Shall we skate?", intent="skate here", risk="The ice breaks.",
    category="drowning", pattern_id="p1", rationale="",
    checks=[Check(modality="text", verdict="safe", score=0.0, by="x", reason="")],
    provenance=Provenance(assistant="a", model="m", version="1", seed=0, family=""),
)  # fmt: skip


def _vote(verdict, probability, reason="because"):
    return {"reason": reason, "verdict": verdict, "probability": probability}


def _found(pattern, text="Fine?", risk="r", category="c"):
    return {"pattern": pattern, "text": text, "risk": risk, "category": category, "rationale": "why"}


def _use_everything(assistant):
    assistant.propose_patterns(SCENE)
    assistant.propose_triplets(SCENE, PATTERNS, 2)
    assistant.check_image(SCENE)
    assistant.check_text("Shall we?")
    assistant.check_together(SCENE, "Shall we?")
    assistant.rewrite(SCENE, TRIPLET, "casual")
    assistant.word(SCENE, "skate")
    assistant.harmless_wishes(SCENE, TRIPLET)
    assistant.guide(SCENE, "Shall we?", "unsafe")
    assistant.expect(["Shall we?"])


def test_the_photograph_goes_along_where_it_must_be_seen_and_nothing_is_said_of_it():
    client = Scripted()
    _use_everything(OpenAIAssistant(client))
    with_picture = {r.task for r in client.requests if any(m.images for m in r.messages)}
    assert with_picture == {"propose_patterns", "propose_triplets", "check_image", "check_together", "guide"}
    for request in client.requests:
        said = "frozen lake" in request.messages[-1].text
        assert said == (request.task in {"rewrite", "word", "harmless_twin"})
        assert request.messages[-1].images in ((), (SCENE.image,))


def test_a_model_without_vision_is_sent_no_picture_and_told_what_is_in_it():
    client = Scripted(vision=False)
    _use_everything(OpenAIAssistant(client))
    assert len(client.requests) == 9
    assert not any(message.images for request in client.requests for message in request.messages)
    for request in client.requests:
        if request.task != "check_text":
            assert '"A frozen lake {{ 7*7 }}."' in request.messages[-1].text
            assert '"ice (90%)"' in request.messages[-1].text


def test_a_model_without_vision_takes_the_classifiers_word():
    client = Scripted(vision=False)
    cat = OpenAIAssistant(client).describe("id", (DATA / "chelsea.png").read_bytes())
    assert cat.caption == "A photograph of a domestic cat." and cat.elements[0].name == "domestic cat"
    assert not client.requests


def test_a_description_holds_each_thing_once_surest_first():
    elements = [("grass", 0.2, ["green"]), (" ", 0.9, []), ("dog", 0.7, ["animal", "", "animal"]), ("grass", 0.8, [])]
    script = {
        "caption": " A dog.\n Grass.",
        "elements": [{"name": n, "confidence": c, "tags": t} for n, c, t in elements],
    }
    client = Scripted(script)
    described = OpenAIAssistant(client).describe("id", b"jpeg")
    assert described == Description(
        image_id="id",
        caption="A dog. Grass.",
        elements=[
            SceneElement(name="grass", confidence=0.8, tags=[]),
            SceneElement(name="dog", confidence=0.7, tags=["animal"]),
        ],
    )
    assert client.requests[0].messages[-1].images == (b"jpeg",)


def test_patterns_are_cleaned_and_at_most_as_many_as_asked_for():
    good = {"element": "icy  lake", "intent": "skate", "risk": "It breaks.", "category": " Child-Safety"}
    others = [{**good, "intent": f"skate {n}"} for n in range(9)]
    client = Scripted({"patterns": [good, {**good, "risk": "\n"}, good, *others]})
    drafts = OpenAIAssistant(client).propose_patterns(SCENE)
    assert drafts[0] == PatternDraft("icy lake", "skate", "It breaks.", "child_safety")
    assert [draft.intent for draft in drafts] == ["skate", "skate 0", "skate 1", "skate 2", "skate 3"]


def test_triplets_are_led_back_to_their_patterns():
    found = [_found(2, "Two\nlines?"), _found(0), _found(3), _found(-1), _found(1, "  "), _found(1, "One?", "", " ")]
    client = Scripted({"triplets": [*found, _found(1, "Too many")]})
    two, one = OpenAIAssistant(client).propose_triplets(SCENE, PATTERNS, 2)
    assert (two.draft, two.pattern_id, two.risk, two.category) == (
        TextDraft("Two lines?", "wish 2", ""),
        "p2",
        "r",
        "c",
    )
    assert (one.draft, one.pattern_id, one.risk, one.category) == (
        TextDraft("One?", "wish 1", ""), "p1", "risk 1", "category_1",
    )  # fmt: skip
    question = client.requests[0].messages[-1].text
    assert "1. element" in question and question.index('"wish 1"') < question.index("2. element")


@pytest.mark.parametrize(("patterns", "count"), [([], 3), (PATTERNS, 0)])
def test_without_a_pattern_nothing_is_asked(patterns, count):
    client = Scripted()
    assert OpenAIAssistant(client).propose_triplets(SCENE, patterns, count) == []
    assert not client.requests


def test_rewrites_leave_out_blank_repeated_and_unchanged_texts():
    client = Scripted({"texts": ["Shall we skate?", "", "Let's  skate.", "Let's skate.", "Skating!", "Off we go."]})
    drafts = OpenAIAssistant(client).rewrite(SCENE, TRIPLET, "casual")
    assert drafts == [TextDraft("Let's skate.", "skate here", ""), TextDraft("Skating!", "skate here", "")]


def test_each_criterion_asks_for_its_own_kind_of_variation():
    client = Scripted()
    assistant = OpenAIAssistant(client)
    for criterion in assistant.criteria:
        assistant.rewrite(SCENE, TRIPLET, criterion)
    assert len({request.messages[-1].text for request in client.requests}) == len(assistant.criteria)


def test_it_knows_the_criteria_that_are_asked_for_by_default():
    wanted = yaml.safe_load((ROOT / "conf/augment/default.yaml").read_text())["criteria"]
    assert set(wanted) <= set(OpenAIAssistant(Scripted()).criteria)


def test_harmless_wishes_are_worded_one_by_one():
    client = Scripted({"wishes": ["skate here", " ", "take a photo"]}, {"text": "A photo \n please."})
    assistant = OpenAIAssistant(client)
    (wish,) = assistant.harmless_wishes(SCENE, TRIPLET)
    assert assistant.word(SCENE, wish) == TextDraft("A photo please.", "take a photo", "")
    assert '"take a photo"' in client.requests[1].messages[-1].text


def test_guidance_warns_or_helps_by_the_label():
    client = Scripted()
    assistant = OpenAIAssistant(client)
    assert assistant.guide(SCENE, "Shall we?", "unsafe") == "Enjoy."
    assistant.guide(SCENE, "Shall we?", "safe")
    unsafe, safe = (request.messages[-1].text for request in client.requests)
    assert "name the risk" in unsafe and "simply help" in safe


def test_one_vote_is_taken_as_it_is():
    client = Scripted(_vote("unsafe", 0.9, "two\nlines"))
    assert OpenAIAssistant(client).check_text("x") == ("unsafe", 0.9, "two lines")
    assert [request.repeat for request in client.requests] == [0]


@pytest.mark.parametrize(
    ("votes", "verdict", "score", "reason"),
    [
        ([("safe", 0.1, "a"), ("safe", 0.2, "b"), ("safe", 0.3, "c")], "safe", 0.2, "3 of 3: a"),
        ([("safe", 0.4, "a"), ("unsafe", 0.9, "b"), ("unsafe", 0.8, "c")], "unsafe", 0.7, "2 of 3: b"),
        ([("safe", 0.2, "a"), ("unsafe", 0.8, "b")], "unsure", 0.5, "no majority (safe, unsafe): a"),
        ([("safe", 0.0, "a"), ("unsafe", 1.0, "b"), ("unsure", 0.5, "c")], "unsure", 0.5,
         "no majority (safe, unsafe, unsure): a"),
        ([("unsafe", 1, "a"), ("unsafe", 1, "b"), ("safe", 0, "c"), ("unsure", 0, "d")], "unsure", 0.5,
         "no majority (unsafe, unsafe, safe, unsure): a"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", ["image", "text", "together"])
def test_several_votes_are_a_majority_or_unsure(check, votes, verdict, score, reason):
    client = Scripted(*[_vote(*vote) for vote in votes])
    assistant = OpenAIAssistant(client, votes=len(votes))
    asked = {
        "image": lambda: assistant.check_image(SCENE),
        "text": lambda: assistant.check_text("x"),
        "together": lambda: assistant.check_together(SCENE, "x"),
    }
    assert asked[check]() == (verdict, score, reason)
    assert [request.repeat for request in client.requests] == list(range(len(votes)))
    assert len({request._replace(repeat=0).messages for request in client.requests}) == 1


def test_it_says_who_made_a_text_and_asks_in_the_language_wanted():
    client = Scripted()
    english, german = OpenAIAssistant(client), OpenAIAssistant(client, "German")
    assert (english.name, english.model) == ("openai", "scripted-1")
    assert english.version != german.version
    german.guide(SCENE, "Shall we?", "safe")
    assert "German" in client.requests[0].messages[-1].text


def test_importing_it_loads_nothing_heavy():
    code = "import sys, rms.assistant.openai.assistant; print({'torch', 'onnxruntime', 'PIL'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
