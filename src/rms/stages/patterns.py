"""Stage `patterns`: what is in the images, and which risks hide there."""

from pathlib import Path

from rms.assistant import Books, load_assistant, settle
from rms.errors import RmsError
from rms.params import Params
from rms.records import Description, ImageInfo, Pattern, PatternFound, TextReject
from rms.store import output_folder, read_table, write_json, write_jsonl, write_table
from rms.triplets.patterns import discover, inspiration_order, merge
from rms.triplets.rejects import require_answers, sieve
from rms.triplets.scenes import describe, join

IMAGES = Path("data/images/images")
OUTPUT = Path("data/patterns")


def run(params: Params) -> None:
    books = Books(params.budget_usd)
    assistant = load_assistant(params.assistant, params.seed, books)
    ids = [info.image_id for info in read_table(IMAGES, ImageInfo)]
    wanted = set(inspiration_order(ids, params.seed)[: params.patterns.inspiration])
    rejects: list[TextReject] = []
    with output_folder(OUTPUT) as draft:
        described = describe(assistant, IMAGES, wanted, params.generate.workers)
        write_table(draft / "descriptions", Description, sieve(described, Description, rejects))
        scenes = join(IMAGES, read_table(draft / "descriptions", Description))
        drafts = list(discover(assistant, scenes, rejects))
        settle(assistant)
        write_jsonl(draft / "rejects.jsonl", rejects)
        require_answers(rejects, len(wanted) + len(scenes), params.max_failure_rate, "patterns")
        found = merge(drafts, params.patterns.merge_similarity, params.patterns.min_support)
        if not found.patterns:
            raise RmsError(
                f"{OUTPUT}: no pattern of risk was found in {len(wanted)} images; take more or other images, "
                "or lower patterns.min_support or assistant.min_confidence"
            )
        books.write(draft)
        write_table(draft / "patterns", Pattern, found.patterns)
        rows = (
            PatternFound(image_id=image_id, pattern_id=pattern_id)
            for image_id, pattern_ids in found.by_image.items()
            for pattern_id in pattern_ids
        )
        write_table(draft / "found", PatternFound, rows)
        categories = sorted({pattern.category for pattern in found.patterns})
        summary = {"images": len(wanted), "patterns": len(found.patterns), "categories": categories}
        write_json(draft / "summary.json", summary)
