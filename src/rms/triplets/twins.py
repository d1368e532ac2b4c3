"""Harmless twins: without them a judge could learn the text or the image alone.

`twin_image` puts an unsafe text beside an image of the same split where it is harmless; `twin_text` puts a harmless
text beside the same image. Each is checked to be safe together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from rms.assistant import Assistant, NoAnswerError, Scene, TextDraft, WaitsError
from rms.params import Augment
from rms.records import Candidate, Check, TextReject, Triplet
from rms.seeds import content_id, stream
from rms.triplets.complementarity import check_twin
from rms.triplets.generation import provenance
from rms.triplets.rejects import unanswered
from rms.turns import in_turns

T = TypeVar("T")


class _SupposedError(WaitsError):
    """Whether this text beside this image is a twin will be known later; most are."""

    def __init__(self, image_id: str, draft: TextDraft) -> None:
        super().__init__()
        self.image_id, self.draft = image_id, draft._replace(intent="")


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
        self._abreast = max(checker.abreast, proposer.abreast)
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
        # So many are searched for by the books as they stood before the first of them: what is found then depends on
        # their number, but not on how many threads there are, nor on which is faster.
        while together := list(islice(source, self._abreast)):
            twins = list(in_turns(self._twin, together, self._workers))  # all, before the books change
            for (candidate, _), found in zip(together, twins, strict=True):
                yield self._booked(candidate, found)

    def _twin(self, search: tuple[Candidate, Triplet]) -> Candidate | NoAnswerError | None:
        """The first twin found; harmless wishes, which take questions to get, come last but for a drawn share."""
        candidate, triplet = search
        scene = self._scenes[candidate.image_id]
        wishes = self._by_wish(scene, candidate, triplet)
        exchange = (self._by_image(scene, candidate), self._by_text(scene, candidate))
        draw = stream(self._seed, "twin", candidate.candidate_id).random()
        lost: NoAnswerError | None = None
        for way in (wishes, *exchange) if draw < self._settings.counterpart_share else (*exchange, wishes):
            try:
                twin = next(way, None)
            except WaitsError as error:
                return error
            except NoAnswerError as error:
                lost = error  # of account only where nothing else would do
                continue
            if twin:
                return twin
        return lost

    def _booked(self, candidate: Candidate, found: Candidate | NoAnswerError | None) -> Candidate | TextReject:
        """The twin, entered in the books; a reject where there is none, or another found the same one first."""
        scene = self._scenes[candidate.image_id]
        if isinstance(found, NoAnswerError):
            if isinstance(found, _SupposedError):  # so that the others are asked about what will be asked in the end
                self._enter(found.image_id, scene, found.draft)
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
        self._enter(found.image_id, scene, _draft(found))
        return found

    def _enter(self, image_id: str, scene: Scene, draft: TextDraft) -> None:
        self._taken.add((image_id, draft.text))
        self._owed_by_image[image_id] -= 1
        self._owed_by_text[scene.split][draft] -= 1

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

    def _by_wish(self, scene: Scene, candidate: Candidate, triplet: Triplet) -> Iterator[Candidate]:
        """A wish about the same scene that is harmless everywhere, in words."""
        drafts: list[TextDraft] = []
        lost: NoAnswerError | None = None
        for wish in self._proposer.harmless_wishes(scene, triplet):
            try:
                drafts.append(self._proposer.word(scene, wish))
            except NoAnswerError as error:  # the words for other wishes may do, or wait beside it
                lost = error
        if isinstance(lost, WaitsError):
            raise lost
        yield from self._first_harmless([(scene, draft) for draft in drafts], candidate)
        if lost:
            raise lost

    def _sample(self, items: Sequence[T], name: str, candidate: Candidate) -> list[T]:
        draw = stream(self._seed, name, candidate.candidate_id)
        return draw.sample(items, min(len(items), self._settings.twin_tries))

    def _first_harmless(self, places: Iterable[tuple[Scene, TextDraft]], candidate: Candidate) -> Iterator[Candidate]:
        """The twin made of the first pair that is new and harmless, if there is one."""
        for scene, draft in places:
            if (scene.image_id, draft.text) in self._taken:
                continue
            try:
                outcome = check_twin(self._checker, scene, draft.text)
                twin = None if outcome.failed else self._made(scene, draft, candidate, outcome.checks)
            except WaitsError:
                raise _SupposedError(scene.image_id, draft) from None
            if twin:
                yield twin
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
