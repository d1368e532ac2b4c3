"""Stage `generate`: image-text-risk triplets."""

from collections import Counter
from pathlib import Path

from rms.assistant import Books, load_assistants, settle
from rms.errors import RmsError
from rms.params import Params
from rms.progress import track
from rms.records import Description, ImageInfo, Pattern, PatternFound, TextReject, Triplet
from rms.store import output_folder, read_table, write_json, write_jsonl, write_table
from rms.triplets.generation import generate
from rms.triplets.patterns import nearest
from rms.triplets.rejects import require_answers, sieve
from rms.triplets.scenes import describe, join

IMAGES = Path("data/images/images")
PATTERNS = Path("data/patterns")
OUTPUT = Path("data/triplets")


def run(params: Params) -> None:
    books = Books(params.budget_usd, earlier=[PATTERNS])
    proposer, checker = load_assistants(params, books)
    patterns = {pattern.pattern_id: pattern for pattern in read_table(PATTERNS / "patterns", Pattern)}
    own: dict[str, list[Pattern]] = {}
    for found in read_table(PATTERNS / "found", PatternFound):
        own.setdefault(found.image_id, []).append(patterns[found.pattern_id])
    rejects: list[TextReject] = []
    with output_folder(OUTPUT) as draft:
        seen = list(read_table(PATTERNS / "descriptions", Description))
        new = {info.image_id for info in read_table(IMAGES, ImageInfo)} - {known.image_id for known in seen}
        seen += sieve(describe(proposer, IMAGES, new, params.generate.workers), Description, rejects)
        scenes = join(IMAGES, seen)
        write_table(draft / "descriptions", Description, (scene.description for scene in scenes))
        near = nearest(seen, [*patterns.values()], params.generate.nearest)
        outcomes = generate(
            proposer, checker, track(scenes, "generate"), own, near, params.generate.per_image, params.seed
        )
        kept = write_table(draft / "triplets", Triplet, sieve(outcomes, Triplet, rejects))
        settle(proposer, checker)
        write_jsonl(draft / "rejects.jsonl", rejects)
        books.write(draft)
        require_answers(rejects, kept + len(rejects), params.max_failure_rate, "generate")
        failed = Counter(reject.failed for reject in rejects)
        write_json(draft / "summary.json", {"triplets": kept, "rejects": dict(sorted(failed.items()))})
    if not kept:
        raise RmsError(f"{OUTPUT}: no triplet passed its checks ({dict(failed)}); see rejects.jsonl there")
