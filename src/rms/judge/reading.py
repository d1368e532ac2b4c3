"""What the embedded judge reads of a query: the scene in words, the text, and the image's features."""

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.judge.interface import Query
from rms.perception import FEATURES, Elements, perceive
from rms.progress import map_ordered
from rms.records import SceneElement

Modality = Literal["full", "text_only", "image_only"]

_WORKERS = 2
_MAX_ELEMENTS = 6


class Reading(NamedTuple):
    """One query, ready for the tokenizer."""

    scene: str
    text: str
    features: NDArray[np.float32]
    """Shape (1280,); zeros where the judge does not look at images."""


class Reader:
    """Turns queries into readings; looks at each distinct image once in its life."""

    def __init__(self, elements: Elements, modality: Modality) -> None:
        self._elements = elements
        self._modality = modality
        self._seen: dict[str, tuple[str, NDArray[np.float32]]] = {}

    def read(self, queries: Sequence[Query]) -> list[Reading]:
        """Readings in the order of `queries`."""
        keys = [[hashlib.sha256(image).hexdigest() for image in query.images] for query in queries]
        if self._modality != "text_only":
            self._look(keys, queries)
        return [self._reading(query, images) for query, images in zip(queries, keys, strict=True)]

    def _look(self, keys: Sequence[Sequence[str]], queries: Sequence[Query]) -> None:
        new = {
            key: image
            for images, query in zip(keys, queries, strict=True)
            for key, image in zip(images, query.images, strict=True)
            if key not in self._seen
        }
        percepts = map_ordered(perceive, new.values(), "perceive", workers=_WORKERS, total=len(new))
        for key, percept in zip(new, percepts, strict=True):
            seen = self._elements.seen(percept.probabilities, _MAX_ELEMENTS)
            self._seen[key] = (_in_words(seen), percept.features)

    def _reading(self, query: Query, keys: Sequence[str]) -> Reading:
        text = " ".join(part for part in (query.text, query.response) if part)
        if self._modality == "text_only":
            return Reading("", text, np.zeros(FEATURES, dtype=np.float32))
        scene = " ".join(self._seen[key][0] for key in keys)
        features = np.mean([self._seen[key][1] for key in keys], axis=0, dtype=np.float32)
        return Reading(scene, text if self._modality == "full" else "", features)


def _in_words(elements: Sequence[SceneElement]) -> str:
    """ "domestic cat 93%, lynx 2% (pet, predator)": elements with confidences, then what they are good for."""
    named = ", ".join(f"{element.name} {round(100 * element.confidence)}%" for element in elements)
    tags = dict.fromkeys(tag.replace("_", " ") for element in elements for tag in element.tags)
    return f"{named} ({', '.join(tags)})" if tags else "nothing certain"
