"""Harmless twins: without them a judge could learn the text or the image alone.

`twin_image` puts an unsafe text beside an image of the same split where it is harmless; `twin_text` puts a harmless
text beside the same image. Each is checked to be safe together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from rms.assistant import Assistant, NoAnswerError, Scene, TextDraft
from rms.params import Augment
from rms.progress import in_order
from rms.records import Candidate, Check, TextReject, Triplet
from rms.seeds import content_id, stream
from rms.triplets.complementarity import check_twin
from rms.triplets.generation import provenance
from rms.triplets.rejects import unanswered

T = TypeVar("T")

CHUNK = 2048
"""Unsafe texts whose twins are checked together."""


class _Counterparts(NamedTuple):
    """Harmless texts for a scene, and the question about them that had no answer."""

    drafts: list[TextDraft]
    lost: NoAnswerError | None


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
        self._workers = max(checker.workers, proposer.workers)
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
            counterparts = list(in_order(lambda pair: self._counterparts(*pair), chunk, self._workers))
            self._checker.expect([draft.text for found in counterparts for draft in found.drafts])
            searches = [(candidate, found) for (candidate, _), found in zip(chunk, counterparts, strict=True)]
            # So many are searched for side by side, each by the books as they stood before the first of them:
            # what is found then depends on their number, but not on which thread is faster.
            for start in range(0, len(searches), self._workers):
                together = searches[start : start + self._workers]
                for (candidate, _), found in zip(together, in_order(self._twin, together, self._workers), strict=True):
                    yield self._booked(candidate, found)

    def _counterparts(self, candidate: Candidate, triplet: Triplet) -> _Counterparts:
        """Wishes about the same scene that are harmless everywhere, in words, as far as there are answers."""
        scene = self._scenes[candidate.image_id]
        drafts: list[TextDraft] = []
        try:
            for wish in self._proposer.harmless_wishes(scene, triplet):
                drafts.append(self._proposer.word(scene, wish))
        except NoAnswerError as error:
            return _Counterparts(drafts, error)
        return _Counterparts(drafts, None)

    def _twin(self, search: tuple[Candidate, _Counterparts]) -> Candidate | NoAnswerError | None:
        """The first twin found; texts that are harmless everywhere come last but for a drawn share."""
        candidate, counterparts = search
        scene = self._scenes[candidate.image_id]
        counterpart = self._first_harmless([(scene, draft) for draft in counterparts.drafts], candidate)
        exchange = (self._by_image(scene, candidate), self._by_text(scene, candidate))
        draw = stream(self._seed, "twin", candidate.candidate_id).random()
        ways = [counterpart, *exchange] if draw < self._settings.counterpart_share else [*exchange, counterpart]
        try:
            # A wish without an answer is of account only where nothing else would do.
            return next((twin for way in ways for twin in way), counterparts.lost)
        except NoAnswerError as error:
            return error

    def _booked(self, candidate: Candidate, found: Candidate | NoAnswerError | None) -> Candidate | TextReject:
        """The twin, entered in the books; a reject where there is none, or another found the same one first."""
        scene = self._scenes[candidate.image_id]
        if isinstance(found, NoAnswerError):
            return unanswered(scene.image_id, candidate.text, "twin", candidate.parent_id, found)
        if found is None or (found.image_id, found.text) in self._taken:
            return TextReject(
                image_id=candidate.image_id,
                text=candidate.text,
                kind="twin",
                failed="no_harmless_twin",
                detail=f"none among {self._settings.twin_tries} images, as many texts, and the harmless wishes",
                parent_id=candidate.parent_id,
            )
        self._taken.add((found.image_id, found.text))
        self._owed_by_image[found.image_id] -= 1
        self._owed_by_text[scene.split][_draft(found)] -= 1
        return found

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
