"""What the embedded judge takes in of a query: a vector of the text and a vector of the scene."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, SupportsBytes

import numpy as np
from numpy.typing import NDArray

from rms.encoder import DIMENSIONS, embed
from rms.judge.interface import Modality, Query, QueryError
from rms.perception import Elements, perceive
from rms.progress import map_ordered
from rms.records import SceneElement
from rms.seeds import content_id

Floats = NDArray[np.float32]

_WORKERS = 2
_MAX_ELEMENTS = 8
_REMEMBERED = 65_536  # scenes, some 150 MB

_seen: dict[str, dict[str, Floats]] = {}
"""Scene vectors by vocabulary and picture: the judges of a run look at the same pictures."""


class Readings(NamedTuple):
    """Queries as the network reads them; a modality the judge does not look at is zeros."""

    text: Floats
    """Sentence embeddings, shape (queries, 384)."""
    scene: Floats
    """Embedding of the scene in words and its tags by confidence, shape (queries, 384 + tags)."""


class Reader:
    """Turns queries into readings; each distinct image is perceived once in a process, whatever number of readers."""

    def __init__(self, elements: Elements, modality: Modality) -> None:
        self._elements = elements
        self._modality = modality
        vocabulary = content_id(*(element.model_dump_json() for element in elements.all))
        self._seen = _seen.setdefault(vocabulary, {})

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
            keys: dict[SupportsBytes, str] = {}  # rows that share a picture share the object: it is hashed once
            for query in queries:
                if not query.images:
                    raise QueryError(f"a query has no image, and the judge needs one: {query.text[:60]!r}")
                keys.update((image, content_id(bytes(image))) for image in query.images if image not in keys)
            self._look({key: image for image, key in keys.items() if key not in self._seen})
            for row, query in enumerate(queries):
                scene[row] = np.mean([self._seen[keys[image]] for image in query.images], axis=0)
            for key in list(self._seen)[: max(0, len(self._seen) - _REMEMBERED)]:
                del self._seen[key]
        return Readings(text, scene)

    def _look(self, new: Mapping[str, SupportsBytes]) -> None:
        """Perceive images not seen before."""
        seen = map_ordered(_seen_in, new.values(), "perceive", workers=_WORKERS, total=len(new))
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


def _seen_in(image: SupportsBytes) -> Floats:
    return perceive(bytes(image))


def _in_words(scene: Sequence[SceneElement]) -> str:
    """ "domestic cat, lynx (pet, predator)": what is seen, and what one can do with it."""
    tags = dict.fromkeys(tag.replace("_", " ") for element in scene for tag in element.tags)
    names = ", ".join(element.name for element in scene)
    return f"{names} ({', '.join(tags)})" if scene else "nothing certain"
