"""What every judge can do, and how a saved one is found again."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rms.errors import RmsError
from rms.store import read_json

CARD = "judge.json"
"""In every judge's folder: its kind and threshold, and what it takes to load it."""


class Query(NamedTuple):
    """What a judge reads: encoded images (one or more), the text, and the response where there is one."""

    images: tuple[bytes, ...]
    text: str
    response: str = ""


class Example(NamedTuple):
    """A query with its label: 1 is unsafe."""

    query: Query
    label: int


@runtime_checkable
class Judge(Protocol):
    """A model that says how likely an image-text pair is unsafe."""

    threshold: float
    """Chosen on the validation split: at or above it, the verdict is unsafe."""

    def fit(self, train: Sequence[Example], validation: Sequence[Example]) -> None:
        """Learn from `train`; choose the threshold, and nothing else, on `validation`."""

    def p_unsafe(self, batch: Sequence[Query]) -> NDArray[np.float64]:
        """Probability of unsafe for each query, shape (len(batch),)."""

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into the existing folder, `judge.json` among it."""


def load(folder: str | Path) -> Judge:
    """The judge saved in `folder`; needs no training data and opens no connection."""
    folder = Path(folder)
    card = read_json(folder / CARD)
    kind = card.get("kind") if isinstance(card, dict) else None
    match kind:
        case "majority":
            from rms.judge.baselines import Majority  # noqa: PLC0415

            return Majority.load(folder)
        case "embedded":
            from rms.judge.embedded import EmbeddedJudge  # noqa: PLC0415 - loads torch

            return EmbeddedJudge.load(folder)
    raise RmsError(f"{folder / CARD}: kind = {kind!r}: must be one of embedded, majority")
