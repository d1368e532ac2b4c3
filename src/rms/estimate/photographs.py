"""How many photographs a run will be about."""

from pathlib import Path

from rms.errors import RmsError
from rms.images.sources import open_source
from rms.params import HubSource, Images
from rms.store import count_rows

COLLECTED = Path("data/images/images")


def photographs(images: Images, *, collected: bool) -> int:
    """What the source holds at most, or with `collected`, those that were collected from it, if any were.

    RmsError where it cannot be told without a download.
    """
    kept = count_rows(COLLECTED) if collected else 0
    if kept:
        return kept
    held = None if isinstance(images.source, HubSource) else open_source(images.source, images.max_bytes).total
    known = [number for number in (held, images.limit) if number is not None]
    if not known:
        raise RmsError(
            f"images.source.kind = {images.source.kind!r}: how many photographs it holds is not known beforehand; say "
            "so with --images N, or collect them first: dvc repro collect"
        )
    return min(known)
