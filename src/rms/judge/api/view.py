"""What an endpoint is shown of a query: as much as the twin may see, in a form that its model can take."""

from functools import cache
from typing import NamedTuple

from rms.judge.interface import Modality, Query
from rms.judge.vlm.prompt import NO_TEXT
from rms.perception import Elements, load_elements, perceive
from rms.perception.elements import sentence_of
from rms.seeds import content_id

_HIDDEN = "(The picture is not shown.)"
_ELEMENTS = 8
_MIN_CONFIDENCE = 0.15

_captions: dict[str, str] = {}


class View(NamedTuple):
    """A query as it is sent."""

    images: tuple[bytes, ...]
    pictures: str
    """What stands in words for pictures that are not sent, else empty."""
    text: str
    response: str
    total: int
    """Pictures of the query, shown or not."""


def view_of(query: Query, modality: Modality, *, vision: bool) -> View:
    """What may be seen of `query`.

    The text-only twin is told that there is a picture, and not what is on it; the image-only twin gets "(nothing)"
    for words. A model without vision is told what the embedded classifier sees.
    """
    total = len(query.images)
    text, response = (NO_TEXT, "") if modality == "image_only" else (query.text, query.response)
    if modality == "text_only" or not total:
        return View((), _HIDDEN, text, response, total)
    if vision:
        return View(tuple(map(bytes, query.images)), "", text, response, total)
    said = [f"[Picture {number}] {_caption(bytes(image))}" for number, image in enumerate(query.images, start=1)]
    return View((), "\n".join(said), text, response, total)


def _caption(image: bytes) -> str:
    """One sentence on what the embedded classifier sees; each picture is looked at once in a process."""
    key = content_id(image)
    if key not in _captions:
        seen = _vocabulary().seen(perceive(image), _ELEMENTS)
        _captions[key] = sentence_of(_vocabulary(), seen, _MIN_CONFIDENCE)
    return _captions[key]


@cache
def _vocabulary() -> Elements:
    return load_elements()
