"""Harmless twins: without them a judge could learn the text or the image alone.

`twin_image` puts an unsafe text beside an image of the same split where it is harmless; `twin_text` puts a harmless
text beside the same image. Each is checked to be safe together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from rms.assistant import Assistant, Scene, TextDraft
from rms.params import Augment
from rms.records import Candidate, Check, TextReject, Triplet
from rms.seeds import content_id, stream
from rms.triplets.complementarity import check_twin
from rms.triplets.generation import provenance

T = TypeVar("T")

CHUNK = 2048
"""Unsafe texts whose twins are checked together."""


class TwinMaker:
    """Finds one twin for each unsafe candidate, and keeps the books that balance the labels.

    Image and text both owe: each was seen unsafe so and so often, and should be seen harmless as often. What owes
    most is tried first, so that in the end neither the image alone nor the text alone tells the label.
    """

    def __init__(
        self,
        checker: Assistant,
        proposer: Assistant,
        scenes: Iterable[Scene],
        unsafe: Iterable[Candidate],
        settings: Augment,
        seed: int,
    ) -> None:
        self._checker = checker
        self._proposer = proposer
        self._settings = settings
        self._seed = seed
        self._scenes = {scene.image_id: scene for scene in scenes}
        self._by_split: dict[str, list[Scene]] = {}
        for scene in self._scenes.values():
            self._by_split.setdefault(scene.split, []).append(scene)
        self._taken: set[tuple[str, str]] = set()
        self._owed_by_image: Counter[str] = Counter()
        self._owed_by_text: dict[str, Counter[TextDraft]] = {split: Counter() for split in self._by_split}
        for candidate in unsafe:
            self._taken.add((candidate.image_id, candidate.text))
            self._owed_by_image[candidate.image_id] += 1
            split = self._scenes[candidate.image_id].split
            self._owed_by_text[split][_draft(candidate)] += 1
        self._texts = {split: list(owed) for split, owed in self._owed_by_text.items()}

    def twins(self, unsafe: Iterable[tuple[Candidate, Triplet]]) -> Iterator[Candidate | TextReject]:
        """One twin for each unsafe candidate, or a reject where none was found."""
        source = iter(unsafe)
        while chunk := list(islice(source, CHUNK)):
            counterparts = [self._counterparts(candidate, triplet) for candidate, triplet in chunk]
            self._checker.expect([draft.text for drafts in counterparts for draft in drafts])
            for (candidate, _), drafts in zip(chunk, counterparts, strict=True):
                yield self._twin(candidate, drafts) or TextReject(
                    image_id=candidate.image_id,
                    text=candidate.text,
                    kind="twin",
                    failed="no_harmless_twin",
                    detail=f"none among {self._settings.twin_tries} images, as many texts, and the harmless wishes",
                    parent_id=candidate.parent_id,
                )

    def _counterparts(self, candidate: Candidate, triplet: Triplet) -> list[TextDraft]:
        """Wishes about the same scene that are harmless everywhere, in words."""
        scene = self._scenes[candidate.image_id]
        return [self._proposer.word(scene, wish) for wish in self._proposer.harmless_wishes(scene, triplet)]

    def _twin(self, candidate: Candidate, counterparts: Sequence[TextDraft]) -> Candidate | None:
        """The first twin found, booked; texts that are harmless everywhere come last but for a drawn share."""
        scene = self._scenes[candidate.image_id]
        counterpart = self._first_harmless([(scene, draft) for draft in counterparts], candidate)
        exchange = (self._by_image(scene, candidate), self._by_text(scene, candidate))
        draw = stream(self._seed, "twin", candidate.candidate_id).random()
        ways = [counterpart, *exchange] if draw < self._settings.counterpart_share else [*exchange, counterpart]
        twin = next((twin for way in ways for twin in way), None)
        if twin:
            self._taken.add((twin.image_id, twin.text))
            self._owed_by_image[twin.image_id] -= 1
            self._owed_by_text[scene.split][_draft(twin)] -= 1
        return twin

    def _by_image(self, scene: Scene, candidate: Candidate) -> Iterator[Candidate]:
        """The same text beside another image."""
        others = self._sample(self._by_split[scene.split], "twin_images", candidate)
        others.sort(key=lambda other: -self._owed_by_image[other.image_id])
        places = [(other, _draft(candidate)) for other in others if other.image_id != scene.image_id]
        yield from self._first_harmless(places, candidate)

    def _by_text(self, scene: Scene, candidate: Candidate) -> Iterator[Candidate]:
        """A text that is unsafe beside some other image, harmless beside this one."""
        drafts = self._sample(self._texts[scene.split], "twin_texts", candidate)
        drafts.sort(key=lambda draft: -self._owed_by_text[scene.split][draft])
        yield from self._first_harmless([(scene, draft) for draft in drafts], candidate)

    def _sample(self, items: Sequence[T], name: str, candidate: Candidate) -> list[T]:
        draw = stream(self._seed, name, candidate.candidate_id)
        return draw.sample(items, min(len(items), self._settings.twin_tries))

    def _first_harmless(self, places: Iterable[tuple[Scene, TextDraft]], candidate: Candidate) -> Iterator[Candidate]:
        """The twin made of the first pair that is new and harmless, if there is one."""
        for scene, draft in places:
            if (scene.image_id, draft.text) in self._taken:
                continue
            outcome = check_twin(self._checker, scene, draft.text)
            if not outcome.failed:
                yield self._made(scene, draft, candidate, outcome.checks)
                return

    def _made(self, scene: Scene, draft: TextDraft, candidate: Candidate, checks: list[Check]) -> Candidate:
        return Candidate(
            candidate_id=content_id("candidate", scene.image_id, draft.text),
            image_id=scene.image_id,
            text=draft.text,
            label="safe",
            category=candidate.category,
            risk="",
            guidance=self._proposer.guide(scene, draft.text, "safe"),
            kind="twin_image" if draft.text == candidate.text else "twin_text",
            criterion="",
            parent_id=candidate.candidate_id,
            checks=checks,
            provenance=provenance(self._proposer, self._seed, draft.family),
        )


def _draft(candidate: Candidate) -> TextDraft:
    return TextDraft(candidate.text, "", candidate.provenance.family)
