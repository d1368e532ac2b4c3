"""What the embedded judge takes in of a query: a vector of the text and a vector of the scene."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.encoder import DIMENSIONS, embed
from rms.judge.interface import Query
from rms.perception import Elements, perceive
from rms.progress import map_ordered
from rms.records import SceneElement

Modality = Literal["full", "text_only", "image_only"]
Floats = NDArray[np.float32]

_WORKERS = 2
_MAX_ELEMENTS = 8


class Readings(NamedTuple):
    """Queries as the network reads them; a modality the judge does not look at is zeros."""

    text: Floats
    """Sentence embeddings, shape (queries, 384)."""
    scene: Floats
    """Embedding of the scene in words and its tags by confidence, shape (queries, 384 + tags)."""


class Reader:
    """Turns queries into readings; perceives each distinct image once in its life."""

    def __init__(self, elements: Elements, modality: Modality) -> None:
        self._elements = elements
        self._modality = modality
        self._seen: dict[str, Floats] = {}

    @property
    def scene_size(self) -> int:
        """Length of a scene vector."""
        return DIMENSIONS + len(self._tags)

    def read(self, queries: Sequence[Query]) -> Readings:
        """Readings in the order of `queries`."""
        text = np.zeros((len(queries), DIMENSIONS), dtype=np.float32)
        scene = np.zeros((len(queries), self.scene_size), dtype=np.float32)
        if self._modality != "image_only":
            text = embed([" ".join(part for part in (query.text, query.response) if part) for query in queries])
        if self._modality != "text_only":
            keys = [[hashlib.sha256(image).hexdigest() for image in query.images] for query in queries]
            self._look(keys, queries)
            scene = np.stack([np.mean([self._seen[key] for key in images], axis=0) for images in keys])
        return Readings(text, scene)

    def _look(self, keys: Sequence[Sequence[str]], queries: Sequence[Query]) -> None:
        """Perceive the images not seen before."""
        new = {
            key: image
            for images, query in zip(keys, queries, strict=True)
            for key, image in zip(images, query.images, strict=True)
            if key not in self._seen
        }
        seen = map_ordered(perceive, new.values(), "perceive", workers=_WORKERS, total=len(new))
        scenes = [self._elements.seen(probabilities, _MAX_ELEMENTS) for probabilities in seen]
        words = embed([_in_words(scene) for scene in scenes])
        for key, scene, vector in zip(new, scenes, words, strict=True):
            self._seen[key] = np.concatenate([vector, self._tag_vector(scene)])

    def _tag_vector(self, scene: Sequence[SceneElement]) -> Floats:
        """Confidence behind each tag, as a unit vector of shape (tags,); zeros where nothing is seen."""
        vector = np.zeros(len(self._tags), dtype=np.float32)
        for element in scene:
            for tag in element.tags:
                vector[self._tags[tag]] += element.confidence
        length = float(np.linalg.norm(vector))
        return vector / length if length else vector

    @cached_property
    def _tags(self) -> dict[str, int]:
        """Position of each tag of the vocabulary."""
        tags = sorted({tag for element in self._elements.all for tag in element.tags})
        return {tag: position for position, tag in enumerate(tags)}


def _in_words(scene: Sequence[SceneElement]) -> str:
    """ "domestic cat, lynx (pet, predator)": what is seen, and what one can do with it."""
    tags = dict.fromkeys(tag.replace("_", " ") for element in scene for tag in element.tags)
    names = ", ".join(element.name for element in scene)
    return f"{names} ({', '.join(tags)})" if scene else "nothing certain"
