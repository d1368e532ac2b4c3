"""A training set as judges take it."""

from pathlib import Path

from rms.judge.interface import Example, Query
from rms.records import CorpusImage, TrainSample
from rms.store import read_table
from rms.train_sets.sampling import cut
from rms.train_sets.sources import LearnedSplit


class TrainSet:
    """The rows of a folder that `write_train_set` wrote; a picture that several rows share is held once."""

    def __init__(self, folder: Path) -> None:
        self._rows = list(read_table(folder / "samples", TrainSample))
        self.benign_pool = next((row.source for row in self._rows if row.source != folder.name), "")
        self._pictures = {picture.image_id: picture.image for picture in read_table(folder / "images", CorpusImage)}

    def examples(self, split: LearnedSplit, fraction: float = 1.0) -> list[Example]:
        """The rows of a split, or a share of them that lies within every larger share."""
        rows = [row for row in self._rows if row.split == split]
        return [self._example(row) for row in cut(rows, max(2, round(fraction * len(rows))))]

    def _example(self, row: TrainSample) -> Example:
        pictures = tuple(self._pictures[image_id] for image_id in row.image_ids)
        return Example(Query(pictures, row.text, row.response), int(row.label == "unsafe"), row.risk)
