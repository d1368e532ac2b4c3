"""Stage `augment`: variations, guidance and harmless twins."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rms.assistant import Assistant, Books, Scene, load_assistants, settle
from rms.encoder import embed
from rms.errors import RmsError
from rms.params import Params
from rms.progress import in_order, track
from rms.records import Candidate, Description, TextReject, Triplet
from rms.store import count_rows, output_folder, read_table, write_json, write_jsonl, write_table
from rms.triplets.augmentation import Proposal, keep, propose
from rms.triplets.rejects import require_answers, sieve
from rms.triplets.scenes import join
from rms.triplets.twins import TwinMaker

IMAGES = Path("data/images/images")
PATTERNS = Path("data/patterns")
TRIPLETS = Path("data/triplets")
OUTPUT = Path("data/augmented")

CHUNK = 2048
"""Triplets whose variations are embedded together."""


def run(params: Params) -> None:
    books = Books(params.budget_usd, earlier=[PATTERNS, TRIPLETS])
    proposer, checker = load_assistants(params, books)
    unknown = [name for name in params.augment.criteria if name not in proposer.criteria]
    if unknown:
        raise RmsError(f"augment.criteria: {unknown[0]!r}: the assistant knows {', '.join(proposer.criteria)}")
    scenes = join(IMAGES, read_table(TRIPLETS / "descriptions", Description))
    triplets = {triplet.triplet_id: triplet for triplet in read_table(TRIPLETS / "triplets", Triplet)}
    total = count_rows(TRIPLETS / "triplets")
    rejects: list[TextReject] = []
    with output_folder(OUTPUT) as draft:
        varied = _vary(params, proposer, checker, scenes, track(triplets.values(), "vary", total))
        unsafe = write_table(draft / "unsafe", Candidate, sieve(varied, Candidate, rejects))
        settle(proposer, checker)  # twins are balanced by the books of all unsafe texts
        pairs = (
            (candidate, triplets[candidate.parent_id])
            for candidate in track(read_table(draft / "unsafe", Candidate), "harmless twins", unsafe)
        )
        known = read_table(draft / "unsafe", Candidate)
        maker = TwinMaker(checker, proposer, scenes, known, params.augment, params.seed)
        safe = write_table(draft / "twins", Candidate, sieve(maker.twins(pairs), Candidate, rejects))
        settle(proposer, checker)
        write_jsonl(draft / "rejects.jsonl", rejects)
        books.write(draft)
        require_answers(rejects, unsafe + safe + len(rejects), params.max_failure_rate, "augment")
        failed = dict(sorted(Counter(reject.failed for reject in rejects).items()))
        write_json(draft / "summary.json", {"unsafe": unsafe, "twins": safe, "rejects": failed})
        if not safe:
            raise RmsError(f"{OUTPUT}: no harmless twin was found for any of {unsafe} texts; take more varied images")


def _vary(
    params: Params, proposer: Assistant, checker: Assistant, scenes: list[Scene], triplets: Iterator[Triplet]
) -> Iterator[Candidate | TextReject]:
    scene_of = {scene.image_id: scene for scene in scenes}
    workers = max(proposer.workers, checker.workers)

    def proposed(triplet: Triplet) -> list[Proposal | TextReject]:
        return propose(proposer, scene_of[triplet.image_id], triplet, params.augment.criteria, params.seed)

    while chunk := list(islice(triplets, CHUNK)):
        proposals = list(in_order(proposed, chunk, workers))
        worded = [p.draft.text for group in proposals for p in group if isinstance(p, Proposal)]
        texts = list(dict.fromkeys([t.text for t in chunk] + worded))
        checker.expect(texts)
        vectors = dict(zip(texts, embed(texts, "embed variations"), strict=True))
        kept = partial(_kept, params, proposer, checker, scene_of, vectors)
        for outcomes in in_order(kept, list(zip(chunk, proposals, strict=True)), workers):
            yield from outcomes


def _kept(
    params: Params,
    proposer: Assistant,
    checker: Assistant,
    scene_of: Mapping[str, Scene],
    vectors: Mapping[str, NDArray[np.float32]],
    proposal: tuple[Triplet, list[Proposal | TextReject]],
) -> list[Candidate | TextReject]:
    triplet, group = proposal
    scene = scene_of[triplet.image_id]
    return list(keep(checker, proposer, scene, triplet, group, vectors, params.augment, params.seed))
