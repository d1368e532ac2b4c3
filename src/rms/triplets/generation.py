"""Image-text-risk triplets, each checked for information complementarity."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from rms.assistant import Assistant, NoAnswerError, Scene, TripletDraft
from rms.records import Pattern, Provenance, TextReject, Triplet
from rms.seeds import content_id
from rms.triplets.complementarity import check_triplet
from rms.triplets.rejects import unanswered
from rms.turns import in_turns

CHUNK = 256
"""Scenes whose texts are checked together; what an assistant can do in one go it does for this many."""


def generate(
    proposer: Assistant,
    checker: Assistant,
    scenes: Iterable[Scene],
    own: Mapping[str, Sequence[Pattern]],
    near: Mapping[str, Sequence[Pattern]],
    per_image: int,
    seed: int,
) -> Iterator[Triplet | TextReject]:
    """Triplets that hold, and rejects with the check that failed, image by image.

    `own` are the patterns found in an image, `near` those found elsewhere that are worth a try, both by image id.
    """
    workers = max(proposer.workers, checker.workers)

    def proposed(scene: Scene) -> tuple[Scene, list[TripletDraft | TextReject]]:
        return scene, _propose(proposer, scene, own, near, per_image)

    def checked(proposal: tuple[Scene, list[TripletDraft | TextReject]]) -> list[Triplet | TextReject]:
        scene, drafts = proposal
        return list(_checked(proposer, checker, scene, drafts, seed))

    source = iter(scenes)
    while chunk := list(islice(source, CHUNK)):
        proposals = list(in_turns(proposed, chunk, workers))
        drafts = [draft for _, found in proposals for draft in found]
        checker.expect([draft.draft.text for draft in drafts if isinstance(draft, TripletDraft)])
        for outcomes in in_turns(checked, proposals, workers):
            yield from outcomes


def _propose(
    proposer: Assistant,
    scene: Scene,
    own: Mapping[str, Sequence[Pattern]],
    near: Mapping[str, Sequence[Pattern]],
    per_image: int,
) -> list[TripletDraft | TextReject]:
    """Drafts after its own patterns, then after others; where one question has no answer, the other's are kept."""
    mine = own.get(scene.image_id, [])
    ids = {pattern.pattern_id for pattern in mine}
    others = [pattern for pattern in near.get(scene.image_id, []) if pattern.pattern_id not in ids]
    proposals: list[TripletDraft | TextReject] = []
    for patterns, count in ((mine, per_image), (others, len(others))):
        try:
            proposals += proposer.propose_triplets(scene, patterns, count)
        except NoAnswerError as error:
            proposals.append(unanswered(scene.image_id, "", "proposal", "", error))
    return proposals


def _checked(
    proposer: Assistant, checker: Assistant, scene: Scene, drafts: Sequence[TripletDraft | TextReject], seed: int
) -> Iterator[Triplet | TextReject]:
    seen: set[str] = set()
    for draft in drafts:
        if isinstance(draft, TextReject):
            yield draft
            continue
        text = draft.draft.text
        try:
            outcome = check_triplet(checker, scene, text)
        except NoAnswerError as error:
            yield unanswered(scene.image_id, text, "triplet", "", error)
            continue
        failed, detail = outcome.failed, outcome.detail
        if text in seen:
            failed, detail = "duplicate", "the same text for the same image"
        seen.add(text)
        if failed:
            yield TextReject(
                image_id=scene.image_id, text=text, kind="triplet", failed=failed, detail=detail, parent_id=""
            )
            continue
        yield Triplet(
            triplet_id=content_id("triplet", scene.image_id, text),
            image_id=scene.image_id,
            text=text,
            intent=draft.draft.intent,
            risk=draft.risk,
            category=draft.category,
            pattern_id=draft.pattern_id,
            rationale=draft.rationale,
            checks=outcome.checks,
            provenance=provenance(proposer, seed, draft.draft.family),
        )


def provenance(assistant: Assistant, seed: int, family: str) -> Provenance:
    """Who made a text."""
    return Provenance(
        assistant=assistant.name, model=assistant.model, version=assistant.version, seed=seed, family=family
    )
