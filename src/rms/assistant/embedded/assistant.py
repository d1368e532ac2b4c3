"""The embedded assistant: knowledge applied to what the classifier sees."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.assistant.embedded.exposure import foremost, p_risky, welcomes
from rms.assistant.embedded.grammar import about, forms, person
from rms.assistant.embedded.knowledge import Hazard, load_knowledge
from rms.assistant.embedded.phrasing import partition
from rms.assistant.interface import PatternDraft, Scene, TextDraft, TripletDraft, Verdict
from rms.encoder import embed, embed_known
from rms.errors import RmsError
from rms.params import EmbeddedAssistant as Settings
from rms.perception import MODEL, load_elements, perceive
from rms.perception.elements import sentence_of
from rms.records import Description, Label, Pattern, Triplet
from rms.seeds import stream

_UNSAFE_FROM = 0.5
_SAFE_BELOW = 0.1
_DIGITS = 4
_WORD = re.compile(r"[a-z'-]+")


class _Wish(NamedTuple):
    """One wording of a wish in the knowledge base."""

    intent: str
    hazard: Hazard
    harmless: bool
    """True for a counterpart, which is harmless everywhere."""


class EmbeddedAssistant:
    """Describes by classifying, proposes by looking hazards up, and checks by reading texts back.

    The checks do not trust the proposals: a text is embedded, read as the nearest wish the knowledge base knows,
    and that wish is held against what is seen in the image.
    """

    name = "embedded"
    model = f"{MODEL}+all-MiniLM-L6-v2"
    workers = 1
    abreast = 1

    def __init__(self, settings: Settings, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._elements = load_elements()
        self._knowledge = load_knowledge(self._elements)
        self.version = self._knowledge.version
        self._phrasing = partition(self._knowledge.families, seed)
        self.criteria = ("paraphrase", *dict.fromkeys(family.criterion for family in self._knowledge.families))
        self._wish_of = {person(wish.intent, "i"): wish for wish in self._wishes}

    def settle(self) -> None:
        """Every answer is given at once."""

    # -- seeing ---------------------------------------------------------------------------------

    def describe(self, image_id: str, image: bytes) -> Description:
        seen = self._elements.seen(perceive(image), self._settings.max_elements)
        caption = sentence_of(self._elements, seen, self._settings.min_confidence)
        return Description(image_id=image_id, caption=caption, elements=seen)

    # -- proposing ------------------------------------------------------------------------------

    def propose_patterns(self, scene: Scene) -> list[PatternDraft]:
        return [
            PatternDraft(
                element, person(hazard.intents[0], "i"), self._about(hazard.risk, scene, hazard), hazard.category
            )
            for hazard, element in self._risks_in(scene.description)
        ]

    def propose_triplets(self, scene: Scene, patterns: Sequence[Pattern], count: int) -> list[TripletDraft]:
        """Each pattern in one of its wordings, taking categories in turn so that none crowds out the others."""
        drafts = []
        for pattern in _categories_in_turn(patterns)[:count]:
            hazard = self._hazard(pattern.intent)
            draw = stream(self._seed, "wording", scene.image_id, hazard.id)
            intent = draw.choice(hazard.intents)
            drafts.append(
                TripletDraft(
                    self._phrasing.word(intent, scene.split, None, scene.image_id),
                    pattern.pattern_id,
                    self._about(hazard.risk, scene, hazard),
                    hazard.category,
                    self._about(hazard.rationale, scene, hazard),
                )
            )
        return drafts

    def rewrite(self, scene: Scene, triplet: Triplet, criterion: str) -> list[TextDraft]:
        """A paraphrase takes another wording of the wish; every other criterion another kind of sentence."""
        hazard = self._hazard(triplet.intent)
        others = [intent for intent in hazard.intents if person(intent, "i") != triplet.intent]
        if criterion == "paraphrase":
            return [self._phrasing.word(intent, scene.split, None, triplet.triplet_id) for intent in others]
        draw = stream(self._seed, "rewrite", triplet.triplet_id, criterion)
        intent = draw.choice(hazard.intents)
        return [self._phrasing.word(intent, scene.split, criterion, triplet.triplet_id)]

    def word(self, scene: Scene, intent: str) -> TextDraft:
        known = self._wish_of.get(intent)  # with its slots, so that the person can change
        return self._phrasing.word(known.intent if known else intent, scene.split, None, scene.image_id)

    def harmless_wishes(self, scene: Scene, triplet: Triplet) -> list[str]:  # noqa: ARG002 - known without looking
        hazard = self._hazard(triplet.intent)
        draw = stream(self._seed, "counterpart", triplet.triplet_id)
        return [person(wish, "i") for wish in draw.sample(hazard.counterpart, len(hazard.counterpart))]

    def guide(self, scene: Scene, text: str, label: Label) -> str:
        wish, _ = self._read(text)
        if label == "unsafe":
            return self._about(wish.hazard.guidance, scene, wish.hazard) if wish else self._knowledge.caution
        draw = stream(self._seed, "reply", scene.image_id, text)
        return draw.choice(self._knowledge.replies)

    # -- checking -------------------------------------------------------------------------------

    def check_image(self, scene: Scene) -> Verdict:
        """Screening at collection has had its word; here what is seen first must not be alarming by its name."""
        return self._check_words(" ".join(element.name for element in scene.description.elements[:1]), "shows")

    def check_text(self, text: str) -> Verdict:
        return self._check_words(text, "says")

    def _check_words(self, text: str, verb: str) -> Verdict:
        words = _WORD.findall(text.lower())
        pairs = [f"{first} {second}" for first, second in pairwise(words)]
        found = next((term for term in (*words, *pairs) if term in self._alarming), None)
        return Verdict("unsafe", 0.9, f"{verb} {found!r}") if found else Verdict("safe", 0.05, "nothing alarming")

    def check_together(self, scene: Scene, text: str) -> Verdict:
        wish, similarity = self._read(text)
        if wish is None:
            return Verdict("unsure", 0.3, f"no known wish is closer than {similarity:.2f}")
        if wish.harmless:
            return Verdict("safe", 0.05, f"a harmless wish ({wish.hazard.id})")
        p = round(p_risky(scene.description, wish.hazard, self._settings.min_confidence), _DIGITS)
        if p >= _UNSAFE_FROM:
            return Verdict("unsafe", p, wish.hazard.id)
        if p < _SAFE_BELOW and welcomes(scene.description, wish.hazard, self._settings.min_confidence):
            return Verdict("safe", p, f"nothing in view triggers {wish.hazard.id}")
        return Verdict("unsure", p, f"not clear whether the scene triggers {wish.hazard.id}")

    def expect(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._readings]
        self._readings.update(zip(new, self._nearest(new), strict=True))

    # -- reading texts back ---------------------------------------------------------------------

    def _risks_in(self, description: Description) -> Iterator[tuple[Hazard, str]]:
        for hazard in self._knowledge.hazards:
            element = foremost(description, hazard.triggers)
            if element and p_risky(description, hazard, self._settings.min_confidence) >= _UNSAFE_FROM:
                yield hazard, element.name

    def _hazard(self, intent: str) -> Hazard:
        try:
            return self._wish_of[intent].hazard
        except KeyError:
            raise RmsError(
                f"the knowledge base has no wish {intent!r}; patterns and triplets of another assistant or another "
                "state of the knowledge base cannot be varied here: run `dvc repro` from `patterns` on"
            ) from None

    def _about(self, sentence: str, scene: Scene, hazard: Hazard) -> str:
        """A sentence of the knowledge base, said of what triggers the hazard here (or of the first thing seen)."""
        seen = foremost(scene.description, hazard.triggers) or next(iter(scene.description.elements), None)
        element = self._elements[seen.name] if seen else None
        return about(sentence, element.name if element else "scene", element.number if element else "count")

    def _read(self, text: str) -> tuple[_Wish | None, float]:
        """The wish a text expresses and its similarity; None where nothing known is near enough."""
        if text not in self._readings:
            self.expect([text])
        return self._readings[text]

    def _nearest(self, texts: list[str]) -> list[tuple[_Wish | None, float]]:
        readings: list[tuple[_Wish | None, float]] = []
        for start in range(0, len(texts), 4096):  # 4,096 x wishes similarities are 20 MB
            similarities = embed(texts[start : start + 4096], "read texts") @ self._wish_vectors.T
            for row in similarities:
                best = int(row.argmax())
                near = float(row[best]) >= self._settings.intent_similarity
                readings.append((self._wishes[best] if near else None, float(row[best])))
        return readings

    @cached_property
    def _readings(self) -> dict[str, tuple[_Wish | None, float]]:
        return {}

    @cached_property
    def _wishes(self) -> list[_Wish]:
        return [
            _Wish(intent, hazard, harmless)
            for hazard in self._knowledge.hazards
            for intents, harmless in ((hazard.intents, False), (hazard.counterpart, True))
            for intent in intents
        ]

    @cached_property
    def _wish_vectors(self) -> NDArray[np.float32]:
        return embed_known([person(wish.intent, "i") for wish in self._wishes], "read knowledge")

    @cached_property
    def _alarming(self) -> frozenset[str]:
        """Every form of the alarming words; of two words ("burn down") the first is inflected."""
        terms = (term.partition(" ") for term in self._knowledge.alarming)
        return frozenset(f"{form} {rest}".strip() for first, _, rest in terms for form in forms(first))


def _categories_in_turn(patterns: Sequence[Pattern]) -> list[Pattern]:
    queues: dict[str, list[Pattern]] = {}
    for pattern in patterns:
        queues.setdefault(pattern.category, []).append(pattern)
    ordered = []
    while queues:
        for category in list(queues):
            ordered.append(queues[category].pop(0))
            if not queues[category]:
                del queues[category]
    return ordered
