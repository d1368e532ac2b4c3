"""A corpus' pictures, in files or in table cells, to records."""

from pathlib import Path
from typing import NamedTuple

from rms.corpora.parquet import Content
from rms.corpora.paths import Refusal, locate
from rms.errors import one_line
from rms.images.decode import Limits, decode, normalise
from rms.images.faults import ImageFault
from rms.images.fingerprints import phash, sha256
from rms.records import CorpusImage
from rms.seeds import content_id

LIMITS = Limits(max_bytes=50_000_000, max_pixels=100_000_000, min_side=16, max_side=1024)
"""Wider than for collecting: a corpus is measured on as it is, and only what cannot be a picture stays out.
The longest side keeps typographic images readable, and is about what vision-language judges look at."""


class Place(NamedTuple):
    """Where a row says its picture is."""

    path: str
    roots: tuple[str, ...] = ("",)
    suffixes: tuple[str, ...] = ("",)


def load(folder: Path, source: Place | Content) -> CorpusImage | Refusal:
    """Read, check and fingerprint one picture; `folder` must be resolved.

    The id is of the original bytes, as for collected photographs, so that a photograph used in both
    places has the same id in both.
    """
    if isinstance(source, Content):
        if source.data is not None:
            return _record(source.data)
        if not source.path:
            return Refusal("missing_image", "the cell is empty")
        source = Place(source.path)
    found = locate(folder, source.path, source.roots, source.suffixes)
    if isinstance(found, Refusal):
        return found
    try:
        if found.stat().st_size > LIMITS.max_bytes:
            return Refusal("too_large", f"over {LIMITS.max_bytes} bytes")
        return _record(found.read_bytes())
    except OSError as error:
        return Refusal("unreadable", one_line(error.strerror))


def _record(data: bytes) -> CorpusImage | Refusal:
    try:
        picture = decode(data, LIMITS)
    except ImageFault as fault:
        return Refusal(fault.reason, fault.detail)
    return CorpusImage(
        image_id=content_id(data),
        sha256=sha256(data),
        phash=phash(picture),
        image=normalise(picture, LIMITS.max_side),
    )
