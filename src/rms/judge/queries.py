"""What judges are asked, in one shape: queries, whose pictures are bytes and known to be pictures."""

from collections.abc import Sequence
from pathlib import Path

from rms.errors import RmsError
from rms.images.decode import Limits, decode, normalise
from rms.images.faults import ImageFault
from rms.judge.interface import Picture, Query, QueryLike

LIMITS = Limits(max_bytes=50_000_000, max_pixels=100_000_000, min_side=16, max_side=1024)
"""Of a picture that is given; larger sides are scaled down, as a corpus' pictures are."""


def as_queries(batch: Sequence[QueryLike]) -> list[Query]:
    """`batch` with every plain tuple (images, text[, response]) made a query; queries stay as they are.

    An image is encoded bytes or a path, and a single one needs no list around it. RmsError names the picture that is
    missing or none, or the tuple that has no text.
    """
    return [item if isinstance(item, Query) else _query(*item) for item in batch]


def _query(images: Picture | Sequence[Picture], text: str, response: str = "") -> Query:
    if not text.strip():
        raise RmsError("the text of a query is empty; a judge needs words to go with the image")
    if not is_writable(text + response):
        raise RmsError("the text or response of a query cannot be written in UTF-8; give it in UTF-8")
    given = [images] if isinstance(images, bytes | str | Path) else images
    return Query(tuple(read_picture(image) for image in given), text, response)


def is_writable(text: str) -> bool:
    """Whether `text` is whole characters: JSON and command lines can bring halves of some, which no model reads."""
    return text.encode("utf-8", "ignore").decode() == text


def read_picture(given: Picture) -> bytes:
    """An upright JPEG within `LIMITS` of encoded bytes or of what a file holds."""
    name = "image" if isinstance(given, bytes) else str(given)
    try:
        if not isinstance(given, bytes):
            with Path(given).open("rb") as file:
                given = file.read(LIMITS.max_bytes + 1)  # enough to be refused as too large
        return normalise(decode(given, LIMITS), LIMITS.max_side)
    except ImageFault as fault:
        raise RmsError(f"{name}: cannot be taken as a picture: {fault}") from None
    except (OSError, ValueError) as error:
        what = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "no usable path"
        raise RmsError(f"{name}: cannot be read: {what}; check the path") from None
