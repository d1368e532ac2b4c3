"""What every source of photographs yields."""

from collections.abc import Iterator
from typing import NamedTuple

from rms.images.faults import ImageFault
from rms.records import Split


class RawImage(NamedTuple):
    """A file as its source gave it, or the fault that kept the source from giving it."""

    name: str
    """A path relative to the source, a row, an address."""
    data: bytes | ImageFault
    source: str
    licence: str
    attribution: str
    url: str = ""
    split: Split | None = None
    """Where the source insists that the photograph belongs."""
    extension: str = ""
    """Ending of the file's name, which promises a format; empty where names promise nothing."""


class Photographs(NamedTuple):
    """An opened source."""

    images: Iterator[RawImage]
    """In an order that never changes, one at a time: only what is being worked on is in memory."""
    total: int | None = None
    """How many there will be, where that is known beforehand."""
    ignored: int = 0
    """Files passed over because their names are not those of images."""
