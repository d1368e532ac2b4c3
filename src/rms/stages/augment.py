"""Stage `augment`: variations, guidance and harmless twins."""

from collections import Counter
from pathlib import Path

from rms.assistant import Books, load_assistants, settle
from rms.errors import RmsError
from rms.params import Params
from rms.progress import track
from rms.records import Candidate, Description, TextReject, Triplet
from rms.store import output_folder, read_table, write_json, write_jsonl, write_table
from rms.triplets.augmentation import vary
from rms.triplets.rejects import require_answers, sieve
from rms.triplets.scenes import join
from rms.triplets.twins import TwinMaker

IMAGES = Path("data/images/images")
PATTERNS = Path("data/patterns")
TRIPLETS = Path("data/triplets")
OUTPUT = Path("data/augmented")


def run(params: Params) -> None:
    books = Books(params.budget_usd, earlier=[PATTERNS, TRIPLETS])
    proposer, checker = load_assistants(params, books)
    unknown = [name for name in params.augment.criteria if name not in proposer.criteria]
    if unknown:
        raise RmsError(f"augment.criteria: {unknown[0]!r}: the assistant knows {', '.join(proposer.criteria)}")
    scenes = join(IMAGES, read_table(TRIPLETS / "descriptions", Description))
    triplets = {triplet.triplet_id: triplet for triplet in read_table(TRIPLETS / "triplets", Triplet)}
    rejects: list[TextReject] = []
    with output_folder(OUTPUT) as draft:
        sources = track(triplets.values(), "vary", len(triplets))
        varied = vary(proposer, checker, scenes, sources, params.augment, params.seed)
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
