"""What a test set holds: its pictures by fingerprint, its texts by their words."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rms.contamination.texts import normalised
from rms.records import CorpusFingerprint, CorpusText, SampleInfo
from rms.store import read_table


class Held(NamedTuple):
    """One test set."""

    name: str
    images: Sequence[CorpusFingerprint]
    texts: Mapping[str, str]
    """The first sample with each `normalised` text, by the text; none where the label is the image's, because all
    rows are then asked the same, and by our adapter."""


def held_corpus(name: str, folder: Path) -> Held:
    """A corpus as the stage `corpora` wrote it to `folder`."""
    images = list(read_table(folder / "images", CorpusFingerprint))
    rows = read_table(folder / "samples", CorpusText)
    return Held(name, images, _first_of_each(row for row in rows if row.label_of != "image"))


def held_split(name: str, folder: Path, prints: Mapping[str, CorpusFingerprint]) -> Held:
    """One split of a dataset of ours, in the Parquet folder `folder`; `prints` are of the collected photographs."""
    rows = list(read_table(folder, SampleInfo))
    used = dict.fromkeys(row.image_id for row in rows)
    return Held(name, [prints[image_id] for image_id in used], _first_of_each(rows))


def _first_of_each(rows: Iterable[CorpusText | SampleInfo]) -> dict[str, str]:
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(normalised(row.text), row.sample_id)
    return first
