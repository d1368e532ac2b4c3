"""Stage `augment`: variations, guidance and harmless twins."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rms.assistant import Assistant, Scene, load_assistants
from rms.encoder import embed
from rms.errors import RmsError
from rms.params import Params
from rms.progress import track
from rms.records import Candidate, Description, TextReject, Triplet
from rms.store import count_rows, output_folder, read_table, write_json, write_jsonl, write_table
from rms.triplets.augmentation import keep, propose
from rms.triplets.generation import sieve
from rms.triplets.scenes import join
from rms.triplets.twins import TwinMaker

IMAGES = Path("data/images/images")
TRIPLETS = Path("data/triplets")
OUTPUT = Path("data/augmented")

CHUNK = 2048
"""Triplets whose variations are embedded together."""


def run(params: Params) -> None:
    proposer, checker = load_assistants(params)
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
        pairs = (
            (candidate, triplets[candidate.parent_id])
            for candidate in track(read_table(draft / "unsafe", Candidate), "harmless twins", unsafe)
        )
        known = read_table(draft / "unsafe", Candidate)
        maker = TwinMaker(checker, proposer, scenes, known, params.augment, params.seed)
        safe = write_table(draft / "twins", Candidate, sieve(maker.twins(pairs), Candidate, rejects))
        write_jsonl(draft / "rejects.jsonl", rejects)
        failed = dict(sorted(Counter(reject.failed for reject in rejects).items()))
        write_json(draft / "summary.json", {"unsafe": unsafe, "twins": safe, "rejects": failed})
        if not safe:
            raise RmsError(f"{OUTPUT}: no harmless twin was found for any of {unsafe} texts; take more varied images")


def _vary(
    params: Params, proposer: Assistant, checker: Assistant, scenes: list[Scene], triplets: Iterator[Triplet]
) -> Iterator[Candidate | TextReject]:
    scene_of = {scene.image_id: scene for scene in scenes}
    settings, seed = params.augment, params.seed
    while chunk := list(islice(triplets, CHUNK)):
        proposals = [propose(proposer, scene_of[t.image_id], t, settings.criteria, seed) for t in chunk]
        texts = list(dict.fromkeys([t.text for t in chunk] + [p.draft.text for group in proposals for p in group]))
        checker.expect(texts)
        vectors = dict(zip(texts, embed(texts, "embed variations"), strict=True))
        for triplet, group in zip(chunk, proposals, strict=True):
            scene = scene_of[triplet.image_id]
            yield from keep(checker, proposer, scene, triplet, group, vectors, settings, seed)
