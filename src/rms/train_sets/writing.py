"""A training set on disk: its rows with their pictures, and what has to be known to read a score of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rms.errors import RmsError, one_line
from rms.records import CorpusImage, Record, TrainSample
from rms.store import read_json, write_json, write_jsonl, write_table
from rms.train_sets.sources import Source


class SplitSize(Record):
    """One split as judges learn from it."""

    there: int
    """Rows it could have: decontaminated, completed."""
    samples: int
    unsafe: int
    images: int
    of_pool: int
    """Rows of the benign pool among `samples`."""


class TrainSetFacts(Record):
    """What a score of its judges has to be read with."""

    train_set: str
    benign_pool: str
    """Training set whose safe rows complete it; empty where it has its own."""
    derivation: str
    """The rule that labels were derived by, where the dataset states none."""
    licence: str
    splits: dict[str, SplitSize]
    removed: dict[str, int]
    """By test set: rows that were left out because it holds their picture or text."""
    removed_rows: int
    """Each once."""


def write_train_set(
    folder: Path, source: Source, pool: Source | None, chosen: Sequence[TrainSample], about: Mapping[str, Any]
) -> None:
    """Write `chosen` to `folder/<name>/`, and beside it the facts and the list of what was removed.

    The folder holds nothing but what judges learn from, so that they are fine-tuned again only when that changes.
    """

    def images() -> Iterator[CorpusImage]:
        done: set[str] = set()
        for item in filter(None, (source, pool)):
            used = {image_id for row in chosen if row.source == item.name for image_id in row.image_ids} - done
            done |= used
            for image_id in sorted(used, key=item.pictures.position):
                yield CorpusImage(**item.prints[image_id].model_dump(), image=item.pictures[image_id])

    write_table(folder / source.name / "samples", TrainSample, chosen)
    write_table(folder / source.name / "images", CorpusImage, images())
    write_removed(folder, source)
    facts = TrainSetFacts(
        train_set=source.name,
        benign_pool=next((row.source for row in chosen if row.source != source.name), ""),
        derivation=about.get("derivation", ""),
        licence=about.get("licence", ""),
        splits={split: _size(source, chosen, split) for split in ("train", "validation")},
        removed=dict(sorted(Counter(item.corpus for item in source.removed).items())),
        removed_rows=len({item.sample_id for item in source.removed}),
    )
    write_json(folder / f"{source.name}.json", facts.model_dump())


def write_removed(folder: Path, source: Source) -> None:
    """Write the list of rows that `source` lost because a test set holds them."""
    write_jsonl(folder / f"{source.name}.contamination.jsonl", source.removed)


def read_facts(folder: Path, name: str) -> TrainSetFacts:
    """The facts that `write_train_set` left in `folder`."""
    path = folder / f"{name}.json"
    try:
        return TrainSetFacts.model_validate(read_json(path))
    except ValidationError as error:
        raise RmsError(f"{path}: {one_line(error)}; run `dvc repro train_sets` again") from None


def _size(source: Source, chosen: Sequence[TrainSample], split: str) -> SplitSize:
    rows = [row for row in chosen if row.split == split]
    return SplitSize(
        there=sum(member.row.split == split for member in source.members),
        samples=len(rows),
        unsafe=sum(row.label == "unsafe" for row in rows),
        images=len({image_id for row in rows for image_id in row.image_ids}),
        of_pool=sum(row.source != source.name for row in rows),
    )
