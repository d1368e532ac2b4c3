"""Variations of a triplet's text, kept only by criteria.

A variation holds the risk (together still unsafe), stays innocent (text alone still safe), says something new
(between a floor and a ceiling of similarity to every kept sibling) and reads naturally.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.assistant import Assistant, NoAnswerError, Scene, TextDraft, WaitsError
from rms.encoder import embed
from rms.params import Augment
from rms.records import Candidate, Check, TextReject, Triplet
from rms.seeds import content_id, stream
from rms.triplets.complementarity import check_triplet
from rms.triplets.generation import provenance
from rms.triplets.rejects import unanswered
from rms.turns import in_turns

_LEFTOVERS = re.compile(r"[{}<>\[\]|]|\b(?:as an ai|sure, here|rewritten|variation \d)\b|\?\?\?|\s{2,}", re.IGNORECASE)

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese letters: nothing stands between words."""


CHUNK = 2048
"""Triplets whose variations are embedded together."""


class Proposal(NamedTuple):
    """A worded variation and the criterion that made it."""

    criterion: str
    draft: TextDraft


def vary(
    proposer: Assistant,
    checker: Assistant,
    scenes: Iterable[Scene],
    triplets: Iterable[Triplet],
    settings: Augment,
    seed: int,
) -> Iterator[Candidate | TextReject]:
    """Each triplet as it is, followed by its variations that pass, and rejects with what failed."""
    scene_of = {scene.image_id: scene for scene in scenes}
    workers = max(proposer.workers, checker.workers)
    source = iter(triplets)

    def proposed(triplet: Triplet) -> list[Proposal | TextReject]:
        return propose(proposer, scene_of[triplet.image_id], triplet, settings.criteria, seed)

    def kept(
        vectors: Mapping[str, NDArray[np.float32]], varied: tuple[Triplet, list[Proposal | TextReject]]
    ) -> list[Candidate | TextReject]:
        triplet, proposals = varied
        return list(keep(checker, proposer, scene_of[triplet.image_id], triplet, proposals, vectors, settings, seed))

    while chunk := list(islice(source, CHUNK)):
        proposals = list(in_turns(proposed, chunk, workers))
        worded = [p.draft.text for group in proposals for p in group if isinstance(p, Proposal)]
        texts = list(dict.fromkeys([triplet.text for triplet in chunk] + worded))
        checker.expect(texts)
        vectors = dict(zip(texts, embed(texts, "embed variations"), strict=True))
        for outcomes in in_turns(partial(kept, vectors), list(zip(chunk, proposals, strict=True)), workers):
            yield from outcomes


def propose(
    assistant: Assistant, scene: Scene, triplet: Triplet, criteria: Sequence[str], seed: int
) -> list[Proposal | TextReject]:
    """Every variation under `criteria`, the criteria in an order drawn for this triplet."""
    order = list(criteria)
    stream(seed, "criteria", triplet.triplet_id).shuffle(order)
    proposals: list[Proposal | TextReject] = []
    for name in order:
        try:
            proposals += [Proposal(name, draft) for draft in assistant.rewrite(scene, triplet, name)]
        except NoAnswerError as error:
            proposals.append(unanswered(scene.image_id, triplet.text, f"variation:{name}", triplet.triplet_id, error))
    return proposals


def keep(
    checker: Assistant,
    proposer: Assistant,
    scene: Scene,
    triplet: Triplet,
    proposals: Sequence[Proposal | TextReject],
    vectors: Mapping[str, NDArray[np.float32]],
    settings: Augment,
    seed: int,
) -> Iterator[Candidate | TextReject]:
    """The triplet itself, then its variations that pass, at most `settings.variations` of them.

    `vectors` holds the unit embedding of every text involved.
    """
    original = TextDraft(triplet.text, triplet.intent, triplet.provenance.family)
    try:
        yield _candidate(proposer, scene, triplet, original, "", triplet.checks, seed)
    except NoAnswerError as error:
        yield unanswered(scene.image_id, triplet.text, "triplet", triplet.triplet_id, error)
        return
    siblings = [vectors[triplet.text]]
    waiting = 0  # counted as kept: what may turn out not to be needed is not asked about yet
    for proposal in proposals:
        if isinstance(proposal, TextReject):
            yield proposal
            continue
        if len(siblings) + waiting > settings.variations:
            return
        criterion, draft = proposal
        vector = vectors[draft.text]
        try:
            outcome = check_triplet(checker, scene, draft.text)
        except NoAnswerError as error:
            waiting += isinstance(error, WaitsError)
            yield unanswered(scene.image_id, draft.text, f"variation:{criterion}", triplet.triplet_id, error)
            continue
        failed, detail = unnatural(draft.text, settings.max_words) or (outcome.failed, outcome.detail)
        failed, detail = (failed, detail) if failed else stale(vector, siblings, settings)
        if failed:
            yield TextReject(
                image_id=scene.image_id,
                text=draft.text,
                kind=f"variation:{criterion}",
                failed=failed,
                detail=detail,
                parent_id=triplet.triplet_id,
            )
            continue
        try:
            varied = _candidate(proposer, scene, triplet, draft, criterion, outcome.checks, seed)
        except NoAnswerError as error:
            waiting += isinstance(error, WaitsError)
            yield unanswered(scene.image_id, draft.text, f"variation:{criterion}", triplet.triplet_id, error)
            continue
        siblings.append(vector)
        yield varied


def unnatural(text: str, max_words: int) -> tuple[str, str] | None:
    """Why a text does not read naturally: too long, or with leftovers of a template or a prompt."""
    words = _words(text)
    if not 2 <= words <= max_words:
        return "length", f"{words} words; 2 to {max_words} are allowed"
    leftover = _LEFTOVERS.search(text)
    return ("leftover", f"contains {leftover[0]!r}") if leftover else None


def _words(text: str) -> int:
    """Words by the blanks between them; where a script has none, two of its letters count as one."""
    unspaced = sum(map(len, _UNSPACED.findall(text)))
    return len(_UNSPACED.sub(" ", text).split()) + math.ceil(unspaced / 2)


def stale(
    vector: NDArray[np.float32], siblings: Sequence[NDArray[np.float32]], settings: Augment
) -> tuple[str, str]:  # fmt: skip
    """Whether a variation repeats a sibling or has left the subject; ("", "") if neither."""
    similarities = np.round(np.stack(siblings) @ vector, 4)
    if similarities.max() > settings.max_similarity:
        return "too_similar", f"cosine {similarities.max():.3f} to a sibling"
    if similarities.min() < settings.min_similarity:
        return "off_subject", f"cosine {similarities.min():.3f} to a sibling"
    return "", ""


def _candidate(
    proposer: Assistant,
    scene: Scene,
    triplet: Triplet,
    draft: TextDraft,
    criterion: str,
    checks: list[Check],
    seed: int,
) -> Candidate:
    return Candidate(
        candidate_id=content_id("candidate", scene.image_id, draft.text),
        image_id=scene.image_id,
        text=draft.text,
        label="unsafe",
        category=triplet.category,
        risk=triplet.risk,
        guidance=proposer.guide(scene, draft.text, "unsafe"),
        kind="variation" if criterion else "triplet",
        criterion=criterion,
        parent_id=triplet.triplet_id,
        checks=checks,
        provenance=provenance(proposer, seed, draft.family),
    )
