"""What is said of a dataset of ours: its size, labels and categories, and what was left out on the way."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rms.records import Label, Pattern, Record, SampleInfo, Split
from rms.store import read_jsonl, read_table

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class SplitFacts(NamedTuple):
    """One split in numbers."""

    name: str
    images: int
    samples: int
    unsafe: int


class DatasetFacts(NamedTuple):
    """A dataset in numbers."""

    images: int
    samples: int
    unsafe: int
    splits: list[SplitFacts]
    categories: Mapping[str, Mapping[Label, int]]
    kinds: Mapping[str, int]

    @property
    def unsafe_share(self) -> float:
        return self.unsafe / self.samples if self.samples else 0.0


def dataset_facts(folder: Path) -> DatasetFacts:
    """Count the samples of a dataset folder with `train/`, `validation/` and `test/`."""
    images: set[str] = set()
    splits = []
    pairs: Counter[tuple[str, Label]] = Counter()
    kinds: Counter[str] = Counter()
    for split in SPLITS:
        labels: Counter[Label] = Counter()
        own_images: set[str] = set()
        for row in read_table(folder / split, SampleInfo):
            labels[row.label] += 1
            pairs[row.category, row.label] += 1
            kinds[row.kind] += 1
            own_images.add(row.image_id)
        images |= own_images
        splits.append(SplitFacts(split, len(own_images), labels.total(), labels["unsafe"]))
    names = sorted({category for category, _ in pairs})
    return DatasetFacts(
        images=len(images),
        samples=sum(split.samples for split in splits),
        unsafe=sum(split.unsafe for split in splits),
        splits=splits,
        categories={name: {"safe": pairs[name, "safe"], "unsafe": pairs[name, "unsafe"]} for name in names},
        kinds=dict(sorted(kinds.items())),
    )


def most_supported_patterns(folder: Path, count: int) -> list[Pattern]:
    """The patterns found in most images."""
    found = sorted(read_table(folder, Pattern), key=lambda pattern: (-pattern.support, pattern.pattern_id))
    return found[:count]


def rejects_by_check(table: Path, kind: type[Record], field: str) -> list[tuple[str, int]]:
    """How often each value of `field` occurs in a JSONL table of rejects, most frequent first."""
    counts = Counter(str(getattr(row, field)) for row in read_jsonl(table, kind))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def scalars(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """The numbers and words of nested statistics, each under its dotted name."""
    if isinstance(value, dict):
        return [
            pair for key, item in value.items() for pair in scalars(item, f"{prefix}.{key}" if prefix else str(key))
        ]
    if isinstance(value, list):
        return [(prefix, ", ".join(map(str, value)))] if all(isinstance(item, str | int) for item in value) else []
    return [(prefix, f"{value:.4g}" if isinstance(value, float) else str(value))]
