"""The self-adaptive part: patterns of latent risk are found in the images, then merged and counted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.assistant import Assistant, NoAnswerError, PatternDraft, Scene
from rms.encoder import embed
from rms.progress import track
from rms.records import Description, Pattern, TextReject
from rms.seeds import content_id, derive
from rms.triplets.rejects import unanswered
from rms.turns import in_turns

EXAMPLES = 5
"""Image ids kept with a pattern as examples."""


class Found(NamedTuple):
    """The merged patterns, and which of them each image showed."""

    patterns: list[Pattern]
    by_image: dict[str, list[str]]
    """Pattern ids by image id, in the order the assistant named them."""


def inspiration_order(image_ids: Iterable[str], seed: int) -> list[str]:
    """The order in which images are taken to look for patterns in, whatever order they are stored in."""
    return sorted(image_ids, key=lambda image_id: derive(seed, "inspiration", image_id))


def discover(
    assistant: Assistant, scenes: Sequence[Scene], rejects: list[TextReject]
) -> Iterator[tuple[str, PatternDraft]]:
    """Patterns the assistant sees, with the id of the image; a scene without an answer goes to `rejects`."""

    def seen(scene: Scene) -> tuple[str, list[PatternDraft] | TextReject]:
        try:
            return scene.image_id, assistant.propose_patterns(scene)
        except NoAnswerError as error:
            return scene.image_id, unanswered(scene.image_id, "", "patterns", "", error)

    found = in_turns(seen, scenes, assistant.workers)
    for image_id, drafts in track(found, "find patterns", len(scenes)):
        if isinstance(drafts, TextReject):
            rejects.append(drafts)
        else:
            yield from ((image_id, draft) for draft in drafts)


def merge(drafts: Iterable[tuple[str, PatternDraft]], similarity: float, min_support: int) -> Found:
    """Merge drafts `(image_id, draft)` of one category whose texts are at least `similarity` (cosine) alike.

    The pattern seen in most images leads and takes in the less frequent ones that are close to it, so that the
    result does not depend on the order of the images.
    """
    named = list(drafts)
    images: dict[PatternDraft, list[str]] = defaultdict(list)
    for image_id, draft in named:
        images[draft].append(image_id)
    ranked = sorted(images, key=lambda draft: (-len(images[draft]), draft))
    leader_of: dict[PatternDraft, PatternDraft] = {}
    for category in sorted({draft.category for draft in ranked}):
        leader_of |= _leaders([draft for draft in ranked if draft.category == category], similarity)
    members: dict[PatternDraft, list[str]] = defaultdict(list)
    for draft in ranked:
        members[leader_of[draft]].extend(images[draft])
    kept = {leader: sorted(set(ids)) for leader, ids in members.items() if len(set(ids)) >= min_support}
    by_image: dict[str, list[str]] = defaultdict(list)
    for image_id, draft in named:
        leader = leader_of[draft]
        if leader in kept and _pattern_id(leader) not in by_image[image_id]:
            by_image[image_id].append(_pattern_id(leader))
    patterns = [_pattern(leader, ids) for leader, ids in kept.items()]
    return Found(sorted(patterns, key=lambda p: (-p.support, p.pattern_id)), dict(by_image))


def nearest(descriptions: Sequence[Description], patterns: Sequence[Pattern], count: int) -> dict[str, list[Pattern]]:
    """For each image the `count` patterns closest to its caption, by image id."""
    if not patterns or not count:
        return {description.image_id: [] for description in descriptions}
    vectors = _vectors([(pattern.element, pattern.intent) for pattern in patterns])
    captions = embed([description.caption for description in descriptions], "embed captions")
    close: dict[str, list[Pattern]] = {}
    for description, row in zip(descriptions, captions @ vectors.T, strict=True):
        order = np.argsort(-np.round(row, 4), kind="stable")[:count]
        close[description.image_id] = [patterns[index] for index in order]
    return close


def _leaders(drafts: Sequence[PatternDraft], similarity: float) -> dict[PatternDraft, PatternDraft]:
    """Each draft's leader: the first earlier leader that is close enough, or itself."""
    vectors = _vectors([(draft.element, draft.intent) for draft in drafts])
    leaders: list[int] = []
    chosen: dict[PatternDraft, PatternDraft] = {}
    for index, draft in enumerate(drafts):
        close = np.round(vectors[leaders] @ vectors[index], 4) >= similarity
        if close.any():
            chosen[draft] = drafts[leaders[int(close.argmax())]]
        else:
            leaders.append(index)
            chosen[draft] = draft
    return chosen


def _vectors(parts: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
    """Unit vectors of patterns, shape (len(parts), 384): the element's and the wish's, added.

    There are far fewer elements and wishes than pairs of them, and each is embedded once.
    """
    elements = embed([element for element, _ in parts], "embed elements")
    wishes = embed([wish for _, wish in parts], "embed wishes")
    both = elements + wishes
    vectors: NDArray[np.float32] = both / np.linalg.norm(both, axis=1, keepdims=True)
    return vectors


def _pattern_id(draft: PatternDraft) -> str:
    return content_id("pattern", draft.element, draft.intent, draft.risk)


def _pattern(draft: PatternDraft, image_ids: list[str]) -> Pattern:
    return Pattern(
        pattern_id=_pattern_id(draft),
        element=draft.element,
        intent=draft.intent,
        risk=draft.risk,
        category=draft.category,
        support=len(image_ids),
        example_image_ids=image_ids[:EXAMPLES],
    )
