"""The assistant that asks an OpenAI-compatible endpoint."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from pydantic import BaseModel

from rms.assistant.interface import PatternDraft, Scene, TextDraft, TripletDraft, Verdict, Waiting, WaitsError
from rms.assistant.openai.answers import (
    DescribeAnswer,
    GuideAnswer,
    PatternsAnswer,
    TextAnswer,
    TextsAnswer,
    TripletsAnswer,
    VerdictAnswer,
    WishesAnswer,
)
from rms.assistant.openai.prompting import load_prompts
from rms.assistant.openai.request import Request
from rms.errors import one_line
from rms.records import Description, Label, Pattern, SceneElement, Triplet

M = TypeVar("M", bound=BaseModel)

_ELEMENTS = 8
_PATTERNS = 5
_REWRITES = 2
_WISHES = 2
_MIN_CONFIDENCE = 0.15
"""Of what is named in a caption where a classifier sees for a model that cannot."""
_DIGITS = 4


class Endpoint(Protocol):
    """What is needed of a client."""

    @property
    def model(self) -> str: ...

    @property
    def vision(self) -> bool: ...

    @property
    def workers(self) -> int: ...

    def ask(self, request: Request, kind: type[M]) -> M:
        """The answer to one request, blocking; called from many threads."""

    def settle(self) -> Waiting | None:
        """The questions that wait, where any do; the client takes no more then."""


class OpenAIAssistant:
    """Asks one question at a time and holds no state; the client caches, paces and counts.

    Where something must be seen, the photograph goes along, and no words about it that could prejudge it. A model
    without vision is given the description instead. What only words a text gets the description in either case.
    """

    name = "openai"
    abreast = 64

    def __init__(self, client: Endpoint, language: str = "English", votes: int = 1) -> None:
        self._client = client
        self._prompts = load_prompts(language=language)
        self._votes = votes
        self.model = client.model
        self.workers = client.workers
        self.version = self._prompts.version
        self.criteria = tuple(self._prompts.criteria)

    def settle(self) -> Waiting | None:
        return self._client.settle()

    # -- seeing ---------------------------------------------------------------------------------

    def describe(self, image_id: str, image: bytes) -> Description:
        if not self._client.vision:
            return _perceived(image_id, image)
        answer = self._client.ask(self._prompts.render("describe", [image], count=_ELEMENTS), DescribeAnswer)
        elements: dict[str, SceneElement] = {}
        for seen in sorted(answer.elements, key=lambda element: -element.confidence):
            name = one_line(seen.name)
            if name:
                tags = _distinct(seen.tags, len(seen.tags))
                elements.setdefault(name, SceneElement(name=name, confidence=seen.confidence, tags=tags))
        return Description(
            image_id=image_id, caption=one_line(answer.caption), elements=list(elements.values())[:_ELEMENTS]
        )

    # -- proposing ------------------------------------------------------------------------------

    def propose_patterns(self, scene: Scene) -> list[PatternDraft]:
        answer = self._client.ask(self._seen("propose_patterns", scene, count=_PATTERNS), PatternsAnswer)
        drafts = [
            PatternDraft(one_line(found.element), one_line(found.intent), one_line(found.risk), _label(found.category))
            for found in answer.patterns
        ]
        return list(dict.fromkeys(draft for draft in drafts if all(draft)))[:_PATTERNS]

    def propose_triplets(self, scene: Scene, patterns: Sequence[Pattern], count: int) -> list[TripletDraft]:
        """Without patterns there is nothing to ask."""
        if not patterns or count < 1:
            return []
        listed = [{"element": p.element, "intent": p.intent, "risk": p.risk, "category": p.category} for p in patterns]
        request = self._seen("propose_triplets", scene, patterns=listed, count=count)
        drafts = []
        for found in self._client.ask(request, TripletsAnswer).triplets:
            if not 1 <= found.pattern <= len(patterns) or not found.text:
                continue
            pattern = patterns[found.pattern - 1]
            drafts.append(
                TripletDraft(
                    TextDraft(one_line(found.text), pattern.intent, ""),
                    pattern.pattern_id,
                    one_line(found.risk) or pattern.risk,
                    _label(found.category) or pattern.category,
                    one_line(found.rationale),
                )
            )
        return drafts[:count]

    def rewrite(self, scene: Scene, triplet: Triplet, criterion: str) -> list[TextDraft]:
        request = self._told(
            "rewrite", scene, text=triplet.text, risk=triplet.risk, criterion=criterion, count=_REWRITES
        )
        texts = self._client.ask(request, TextsAnswer).texts
        return [TextDraft(text, triplet.intent, "") for text in _distinct(texts, _REWRITES, but=triplet.text)]

    def word(self, scene: Scene, intent: str) -> TextDraft:
        answer = self._client.ask(self._told("word", scene, wish=intent), TextAnswer)
        return TextDraft(one_line(answer.text), intent, "")

    def harmless_wishes(self, scene: Scene, triplet: Triplet) -> list[str]:
        request = self._told("harmless_twin", scene, text=triplet.text, risk=triplet.risk, count=_WISHES)
        return _distinct(self._client.ask(request, WishesAnswer).wishes, _WISHES, but=triplet.intent)

    def guide(self, scene: Scene, text: str, label: Label) -> str:
        return self._client.ask(self._seen("guide", scene, text=text, label=label), GuideAnswer).guidance

    # -- checking -------------------------------------------------------------------------------

    def check_image(self, scene: Scene) -> Verdict:
        return self._voted(self._seen("check_image", scene))

    def check_text(self, text: str) -> Verdict:
        return self._voted(self._prompts.render("check_text", text=text))

    def check_together(self, scene: Scene, text: str) -> Verdict:
        return self._voted(self._seen("check_together", scene, text=text))

    def expect(self, texts: Sequence[str]) -> None:
        """Nothing to prepare: each check is a question of its own."""

    def _voted(self, request: Request) -> Verdict:
        votes: list[VerdictAnswer] = []
        waits: WaitsError | None = None
        for index in range(self._votes):
            try:
                votes.append(self._client.ask(request._replace(repeat=index), VerdictAnswer))
            except WaitsError as error:  # the other votes may wait beside it
                waits = error
        if waits:
            raise waits
        return _majority(votes)

    # -- asking ---------------------------------------------------------------------------------

    def _seen(self, task: str, scene: Scene, **variables: object) -> Request:
        if self._client.vision:
            return self._prompts.render(task, [scene.image], caption="", elements=[], **variables)
        return self._told(task, scene, **variables)

    def _told(self, task: str, scene: Scene, **variables: object) -> Request:
        elements = [f"{element.name} ({element.confidence:.0%})" for element in scene.description.elements]
        return self._prompts.render(task, (), caption=scene.description.caption, elements=elements, **variables)


def _perceived(image_id: str, image: bytes) -> Description:
    """A description by the classifier, for models that cannot see."""
    from rms.perception import load_elements, perceive  # noqa: PLC0415 - heavy
    from rms.perception.elements import sentence_of  # noqa: PLC0415

    vocabulary = load_elements()
    seen = vocabulary.seen(perceive(image), _ELEMENTS)
    return Description(image_id=image_id, caption=sentence_of(vocabulary, seen, _MIN_CONFIDENCE), elements=seen)


def _majority(votes: Sequence[VerdictAnswer]) -> Verdict:
    """What more than half of the votes say, else unsure; the reason opens with how many agree."""
    score = round(sum(vote.probability for vote in votes) / len(votes), _DIGITS)
    (verdict, agreeing), *_ = Counter(vote.verdict for vote in votes).most_common()
    if agreeing * 2 <= len(votes):
        split = ", ".join(vote.verdict for vote in votes)
        return Verdict("unsure", score, f"no majority ({split}): {one_line(votes[0].reason)}")
    reason = one_line(next(vote.reason for vote in votes if vote.verdict == verdict))
    return Verdict(verdict, score, f"{agreeing} of {len(votes)}: {reason}" if len(votes) > 1 else reason)


def _distinct(texts: Iterable[str], count: int, but: str = "") -> list[str]:
    """At most `count` texts on one line each, without blank and repeated ones and `but`."""
    lines = dict.fromkeys(one_line(text) for text in texts)
    return [line for line in lines if line not in ("", but)][:count]


def _label(category: str) -> str:
    """Categories are compared as words, so that "Child safety" and "child_safety" are one."""
    return "_".join(category.lower().replace("_", " ").replace("-", " ").split())
