"""A training set as judges take it."""

from pathlib import Path
from types import TracebackType
from typing import Self

from rms.judge.interface import Example, Query
from rms.records import CorpusImage, TrainSample
from rms.store import read_table
from rms.train_sets.sampling import cut
from rms.train_sets.sources import LearnedSplit
from rms.train_sets.spool import Spool


class TrainSet:
    """The rows of a folder that `write_train_set` wrote, as long as `with TrainSet(folder) as rows:` lasts.

    Memory holds rows, not pictures: those of the examples are read where they are looked at.
    """

    def __init__(self, folder: Path) -> None:
        self._rows = list(read_table(folder / "samples", TrainSample))
        self.benign_pool = next((row.source for row in self._rows if row.source != folder.name), "")
        self._spool = Spool((item.image_id, item.image) for item in read_table(folder / "images", CorpusImage))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def examples(self, split: LearnedSplit, fraction: float = 1.0) -> list[Example]:
        """The rows of a split, or a share of them that lies within every larger share."""
        rows = [row for row in self._rows if row.split == split]
        return [self._example(row) for row in cut(rows, max(2, round(fraction * len(rows))))]

    def _example(self, row: TrainSample) -> Example:
        pictures = tuple(self._spool[image_id] for image_id in row.image_ids)
        return Example(Query(pictures, row.text, row.response), int(row.label == "unsafe"), row.risk)
