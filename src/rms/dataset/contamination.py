"""Candidates of ours that a test set holds: found before rows are selected, so that pairs stay whole."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from rms.contamination import Held, Row, find
from rms.dataset.files import sample_id
from rms.records import Candidate, Contaminated, CorpusFingerprint, ImageInfo

REASONS: tuple[str, ...] = get_args(Contaminated.model_fields["reason"].annotation)


def find_contaminated(
    rows: Iterable[Candidate], images: Mapping[str, ImageInfo], tests: Sequence[Held], bits: int
) -> list[Contaminated]:
    """What of `rows` that is learned from a test set holds; our own test split may share it, nothing learns from it."""
    learned = [row for row in rows if images[row.image_id].split != "test"]
    prints = {
        info.image_id: CorpusFingerprint(image_id=info.image_id, sha256=info.sha256, phash=info.phash)
        for info in images.values()
    }
    return find([Row(sample_id(row), [row.image_id], row.text) for row in learned], prints, tests, bits)


def without(rows: Iterable[Candidate], found: Iterable[Contaminated]) -> list[Candidate]:
    """`rows` less those that were found."""
    removed = {item.sample_id for item in found}
    return [row for row in rows if sample_id(row) not in removed]


def by_reason(found: Iterable[Contaminated]) -> dict[str, int]:
    """How many rows were found for each reason, all named; a row that several test sets hold counts once."""
    first: dict[str, str] = {}
    for item in found:
        first.setdefault(item.sample_id, item.reason)
    counts = Counter(first.values())
    return {reason: counts[reason] for reason in REASONS}
