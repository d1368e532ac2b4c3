"""What a judge must beat: the majority class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rms.errors import RmsError
from rms.judge.interface import CARD, Example, QueryLike
from rms.store import read_json, write_json


class Majority:
    """Answers with the share of unsafe rows it was trained on, whatever the query."""

    def __init__(self, unsafe_share: float = 0.5) -> None:
        self.unsafe_share = unsafe_share
        self.threshold = 0.5

    def fit(self, train: Sequence[Example], validation: Sequence[Example]) -> None:  # noqa: ARG002 - nothing to choose
        self.unsafe_share = round(sum(example.label for example in train) / len(train), 6)

    def p_unsafe(self, batch: Sequence[QueryLike]) -> NDArray[np.float64]:
        return np.full(len(batch), self.unsafe_share)

    def save(self, folder: Path) -> None:
        write_json(folder / CARD, {"kind": "majority", "unsafe_share": self.unsafe_share, "threshold": self.threshold})

    @classmethod
    def load(cls, folder: Path) -> "Majority":
        share = read_json(folder / CARD).get("unsafe_share")
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise RmsError(f"{folder / CARD}: unsafe_share = {share!r}: must be from 0 to 1; run `dvc repro finetune`")
        return cls(float(share))
