"""Scene elements: what the classifier's classes stand for, and what one can do with it."""

from collections.abc import Sequence, Set
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from rms.english import Number, with_article
from rms.errors import RmsError, one_line
from rms.perception.classifier import CLASSES
from rms.records import SceneElement
from rms.store import read_list

ELEMENTS_FILE = Path(__file__).parent / "elements.yaml"

FAINT = 0.02
"""Elements below this probability are noise and left out."""

_DIGITS = 4  # rounding keeps scenes equal on machines whose arithmetic differs in the last bits


class Element(BaseModel):
    """Something the classifier can see, with its tags: what one can do with it and what it can do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    number: Number
    tags: tuple[str, ...]
    classes: tuple[int | str, ...]
    """ImageNet-1k class indices; ranges as "151-268"."""

    @cached_property
    def class_indices(self) -> list[int]:
        found: list[int] = []
        for item in self.classes:
            first, _, last = str(item).partition("-")
            found.extend(range(int(first), int(last or first) + 1))
        return found

    @property
    def noun_phrase(self) -> str:
        """With its article: "a domestic cat"."""
        return with_article(self.name, self.number)


class Elements:
    """The vocabulary of scenes."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self.all = tuple(elements)
        self._by_name = {element.name: element for element in elements}

    def __getitem__(self, name: str) -> Element:
        return self._by_name[name]

    @property
    def tags(self) -> Set[str]:
        """Every tag there is; an element's name is a tag of its own."""
        return {tag for element in self.all for tag in (element.name, *element.tags)}

    def seen(self, probabilities: NDArray[np.float32], at_most: int) -> list[SceneElement]:
        """The elements of an image, most probable first, from class probabilities of shape (1000,).

        An element is as probable as its classes together.
        """
        masses = [(min(float(probabilities[e.class_indices].sum()), 1.0), e) for e in self.all]
        ranked = sorted((pair for pair in masses if pair[0] >= FAINT), key=lambda pair: (-pair[0], pair[1].name))
        return [
            SceneElement(name=element.name, confidence=round(mass, _DIGITS), tags=list(element.tags))
            for mass, element in ranked[:at_most]
        ]


def load_elements(file: Path = ELEMENTS_FILE) -> Elements:
    """Read and check a vocabulary; RmsError names the file, the element and the fault."""
    elements = []
    owner: dict[int, str] = {}
    for number, entry in enumerate(read_list(file), start=1):
        try:
            element = Element.model_validate(entry)
            indices = element.class_indices
        except (ValidationError, ValueError) as error:
            raise RmsError(f"{file}: entry {number}: {one_line(error)}") from None
        for index in indices:
            if not 0 <= index < CLASSES or index in owner:
                fault = f"is also of {owner[index]}" if index in owner else "does not exist"
                raise RmsError(f"{file}: {element.name}: class {index} {fault}")
            owner[index] = element.name
        elements.append(element)
    return Elements(elements)


def sentence_of(elements: Elements, seen: Sequence[SceneElement], min_confidence: float) -> str:
    """One sentence on what is seen at least this surely."""
    named = [elements[e.name].noun_phrase for e in seen if e.confidence >= min_confidence]
    if not named:
        return "A photograph of something that is hard to tell."
    return f"A photograph of {' or '.join(named)}."
