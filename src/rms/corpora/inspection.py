"""What a corpus' folder holds: the fields of its records, and what becomes of its rows."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rms.corpora.base import Adapter, Fault
from rms.corpora.parquet import Cell
from rms.corpora.reader import read
from rms.records import CorpusImage, CorpusReject, CorpusSample, Label


class FieldFound(NamedTuple):
    """A field of the annotation files."""

    name: str
    types: tuple[str, ...]
    records: int
    """How many have it."""


class Schema(NamedTuple):
    """What the annotation files of a split hold, before any of it is checked."""

    files: tuple[str, ...]
    records: int
    fields: tuple[FieldFound, ...]


class Inspection(NamedTuple):
    """What `read` made of a split."""

    samples: int
    images: int
    labels: Counter[Label]
    categories: Counter[tuple[str, Label]]
    rejects: Sequence[CorpusReject]

    @property
    def skipped(self) -> float:
        """Share of rows that were rejects."""
        return len(self.rejects) / max(1, self.samples + len(self.rejects))


def schema(adapter: Adapter, folder: Path, split: str) -> Schema:
    """The fields of every record of `split`; RmsError as `read`, but for nothing that a row holds."""
    adapter.split(split)
    files: dict[str, None] = {}
    types: dict[str, Counter[str]] = {}
    records = 0
    for entry in adapter.entries(folder, split):
        files[entry.file] = None
        records += 1
        for name, value in () if isinstance(entry, Fault) else entry.values.items():
            types.setdefault(name, Counter())[_type(value)] += 1
    fields = [FieldFound(name, tuple(sorted(found)), found.total()) for name, found in types.items()]
    return Schema(tuple(files), records, tuple(fields))


def inspect(adapter: Adapter, folder: Path, split: str) -> Inspection:
    """Read a split, its pictures included, and count; RmsError as `read`."""
    rejects = []
    images = samples = 0
    labels: Counter[Label] = Counter()
    categories: Counter[tuple[str, Label]] = Counter()
    for record in read(adapter, folder, split):
        match record:
            case CorpusImage():
                images += 1
            case CorpusSample():
                samples += 1
                labels[record.label] += 1
                categories[record.category, record.label] += 1
            case CorpusReject():
                rejects.append(record)
    return Inspection(samples, images, labels, categories, rejects)


def _type(value: object) -> str:
    if isinstance(value, Cell):
        return "picture"
    return {"NoneType": "null", "dict": "object", "str": "string"}.get(type(value).__name__, type(value).__name__)
