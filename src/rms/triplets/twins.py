"""Harmless twins: without them a judge could learn the text or the image alone.

`twin_image` puts an unsafe text beside an image of the same split where it is harmless; `twin_text` puts a harmless
text beside the same image. Each is checked to be safe together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rms.assistant import Assistant, Scene, TextDraft
from rms.params import Augment
from rms.records import Candidate, TextReject, Triplet
from rms.seeds import content_id, stream
from rms.triplets.complementarity import check_twin
from rms.triplets.generation import provenance

T = TypeVar("T")


class TwinMaker:
    """Finds one twin for each unsafe candidate, and keeps the books that balance the labels.

    Image and text both owe: each was seen unsafe so and so often, and should be seen harmless as often. What owes most is
    tried first, so that in the end neither the image alone nor the text alone tells the label.
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
        for candidate, triplet in unsafe:
            scene = self._scenes[candidate.image_id]
            twin = self._twin(scene, candidate, triplet)
            if twin is None:
                yield TextReject(
                    image_id=candidate.image_id,
                    text=candidate.text,
                    kind="twin",
                    failed="no_harmless_twin",
                    detail=f"none among {self._settings.twin_tries} images, as many texts, and the harmless wishes",
                    parent_id=candidate.parent_id,
                )
                continue
            self._taken.add((twin.image_id, twin.text))
            self._owed_by_image[twin.image_id] -= 1
            self._owed_by_text[scene.split][_draft(twin)] -= 1
            yield twin

    def _twin(self, scene: Scene, candidate: Candidate, triplet: Triplet) -> Candidate | None:
        counterpart = self._by_counterpart(scene, candidate, triplet)
        others = (self._by_image(scene, candidate), self._by_text(scene, candidate))
        draw = stream(self._seed, "twin", candidate.candidate_id).random()
        ways = [counterpart, *others] if draw < self._settings.counterpart_share else [*others, counterpart]
        return next((twin for way in ways for twin in way), None)

    def _by_image(self, scene: Scene, candidate: Candidate) -> Iterator[Candidate]:
        """The same text beside another image."""
        others = self._sample(self._by_split[scene.split], "twin_images", candidate)
        for other in sorted(others, key=lambda other: -self._owed_by_image[other.image_id]):
            if other.image_id != scene.image_id:
                yield from self._checked(other, _draft(candidate), candidate)

    def _by_text(self, scene: Scene, candidate: Candidate) -> Iterator[Candidate]:
        """A text that is unsafe beside some other image, harmless beside this one."""
        owed = self._owed_by_text[scene.split]
        drafts = self._sample(self._texts[scene.split], "twin_texts", candidate)
        for draft in sorted(drafts, key=lambda draft: -owed[draft]):
            yield from self._checked(scene, draft, candidate)

    def _by_counterpart(self, scene: Scene, candidate: Candidate, triplet: Triplet) -> Iterator[Candidate]:
        """A wish that is harmless everywhere."""
        for wish in self._proposer.harmless_wishes(scene, triplet):
            yield from self._checked(scene, self._proposer.word(scene, wish), candidate)

    def _sample(self, items: Sequence[T], name: str, candidate: Candidate) -> list[T]:
        draw = stream(self._seed, name, candidate.candidate_id)
        return draw.sample(items, min(len(items), self._settings.twin_tries))

    def _checked(self, scene: Scene, draft: TextDraft, candidate: Candidate) -> Iterator[Candidate]:
        """The twin, if it is new and harmless."""
        if (scene.image_id, draft.text) in self._taken:
            return
        outcome = check_twin(self._checker, scene, draft.text)
        if outcome.failed:
            return
        yield Candidate(
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
            checks=outcome.checks,
            provenance=provenance(self._proposer, self._seed, draft.family),
        )


def _draft(candidate: Candidate) -> TextDraft:
    return TextDraft(candidate.text, "", candidate.provenance.family)
