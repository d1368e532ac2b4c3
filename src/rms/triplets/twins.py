"""Harmless twins: without them a judge could learn the text or the image alone.

`twin_image` puts an unsafe text beside an image of the same split where it is harmless; `twin_text` puts a harmless
text beside the same image. Each is checked to be safe together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from rms.assistant import Assistant, Scene, TextDraft
from rms.params import Augment
from rms.records import Candidate, Check, TextReject, Triplet
from rms.seeds import content_id, stream
from rms.triplets.complementarity import check_twin
from rms.triplets.generation import provenance


def make_twins(
    checker: Assistant,
    proposer: Assistant,
    scenes: Sequence[Scene],
    unsafe: Iterable[tuple[Candidate, Triplet]],
    debt: Counter[str],
    settings: Augment,
    seed: int,
) -> Iterator[Candidate | TextReject]:
    """One twin for each unsafe candidate, or a reject where none was found.

    `debt` counts the unsafe texts of each image. Images that owe more harmless texts are tried first, so that in the
    end the image alone says as little about the label as the text alone.
    """
    by_id = {scene.image_id: scene for scene in scenes}
    neighbours: dict[str, list[Scene]] = {}
    for scene in scenes:
        neighbours.setdefault(scene.split, []).append(scene)
    taken: set[tuple[str, str]] = set()
    for candidate, triplet in unsafe:
        taken.add((candidate.image_id, candidate.text))
        scene = by_id[candidate.image_id]
        twin: Candidate | None = None
        if stream(seed, "twin", candidate.candidate_id).random() >= settings.counterpart_share:
            others = neighbours[scene.split]
            twin = _other_image(checker, proposer, scene, others, candidate, settings, debt, taken, seed)
        twin = twin or _other_text(checker, proposer, scene, triplet, candidate, taken, seed)
        if twin is None:
            yield TextReject(
                image_id=candidate.image_id,
                text=candidate.text,
                kind="twin",
                failed="no_harmless_twin",
                detail=f"none among {settings.twin_tries} images, and no harmless wish passed",
                parent_id=candidate.parent_id,
            )
            continue
        debt[twin.image_id] -= 1
        taken.add((twin.image_id, twin.text))
        yield twin


def _other_image(
    checker: Assistant,
    proposer: Assistant,
    scene: Scene,
    scenes: Sequence[Scene],
    candidate: Candidate,
    settings: Augment,
    debt: Counter[str],
    taken: set[tuple[str, str]],
    seed: int,
) -> Candidate | None:
    draw = stream(seed, "twin_images", candidate.candidate_id)
    tries = draw.sample(scenes, min(len(scenes), settings.twin_tries))
    for other in sorted(tries, key=lambda other: -debt[other.image_id]):
        if other.image_id == scene.image_id:
            continue
        if (other.image_id, candidate.text) in taken:
            continue
        outcome = check_twin(checker, other, candidate.text)
        if not outcome.failed:
            draft = TextDraft(candidate.text, "", candidate.provenance.family)
            return _twin(proposer, other, draft, candidate, "twin_image", outcome.checks, seed)
    return None


def _other_text(
    checker: Assistant,
    proposer: Assistant,
    scene: Scene,
    triplet: Triplet,
    candidate: Candidate,
    taken: set[tuple[str, str]],
    seed: int,
) -> Candidate | None:
    for wish in proposer.harmless_wishes(scene, triplet):
        draft = proposer.word(scene, wish)
        if (scene.image_id, draft.text) in taken:
            continue
        outcome = check_twin(checker, scene, draft.text)
        if not outcome.failed:
            return _twin(proposer, scene, draft, candidate, "twin_text", outcome.checks, seed)
    return None


def _twin(
    proposer: Assistant,
    scene: Scene,
    draft: TextDraft,
    candidate: Candidate,
    kind: Literal["twin_image", "twin_text"],
    checks: list[Check],
    seed: int,
) -> Candidate:
    return Candidate(
        candidate_id=content_id("candidate", scene.image_id, draft.text),
        image_id=scene.image_id,
        text=draft.text,
        label="safe",
        category=candidate.category,
        risk="",
        guidance=proposer.guide(scene, draft.text, "safe"),
        kind=kind,
        criterion="",
        parent_id=candidate.candidate_id,
        checks=checks,
        provenance=provenance(proposer, seed, draft.family),
    )
