"""The rows of one training set before any is chosen: out of a dataset of ours, or of a corpus' training split."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from rms.contamination import Held, Row, find
from rms.images.fingerprints import clusters, look_alikes, words
from rms.images.splits import assign_splits
from rms.pictures import Pictures
from rms.records import Contaminated, CorpusFingerprint, CorpusSample, SampleInfo, TrainSample
from rms.seeds import content_id
from rms.store import read_jsonl, read_table

LearnedSplit = Literal["train", "validation"]


class Member(NamedTuple):
    """A row with its group: what is drawn together as far as numbers allow."""

    row: TrainSample
    group: str
    """Of our rows an unsafe text and its harmless twin; of a corpus all rows that share an image."""


class Source(NamedTuple):
    """A training set with all that is known of its pictures."""

    name: str
    members: Sequence[Member]
    prints: Mapping[str, CorpusFingerprint]
    """By image id."""
    pictures: Pictures
    own_texts: bool = True
    """False where the label is the image's, and all rows are asked the same."""
    removed: Sequence[Contaminated] = ()
    """Rows that a test set holds, and so are none of `members`."""


def dataset_source(name: str, dataset: Path, images: Path) -> Source:
    """A dataset of ours, in the Parquet folders `train` and `validation` of `dataset`; `images` are as collected."""
    prints = {item.image_id: item for item in read_table(images, CorpusFingerprint)}
    members = [
        Member(_of_ours(name, sample, split), _pair(sample))
        for split in get_args(LearnedSplit)
        for sample in read_table(dataset / split, SampleInfo)
    ]
    removed = read_jsonl(dataset / "contamination.jsonl", Contaminated)
    return Source(name, members, prints, Pictures(images), removed=removed)


def corpus_source(name: str, folder: Path, validation_share: float, bits: int, seed: int) -> Source:
    """A training split as the stage `train_corpora` wrote it to `folder`.

    Its validation split is drawn by images: those that share a row, or are within `bits` of each other in the
    perceptual hash, go the same way.
    """
    prints = {item.image_id: item for item in read_table(folder / "images", CorpusFingerprint)}
    samples = list(read_table(folder / "samples", CorpusSample))
    cluster_of = _clusters(prints, samples, bits)
    split_of = assign_splits(list(cluster_of.values()), {}, validation_share, 0.0, seed)
    members = []
    for sample in samples:
        cluster = cluster_of[sample.image_ids[0]]
        row = TrainSample(
            sample_id=sample.sample_id,
            split="validation" if split_of[cluster] == "validation" else "train",
            image_ids=sample.image_ids,
            text=sample.text,
            response=sample.response,
            label=sample.label,
            risk="",
            source=name,
        )
        members.append(Member(row, cluster))
    own_texts = all(sample.label_of != "image" for sample in samples)
    return Source(name, members, prints, Pictures(folder / "images"), own_texts)


def decontaminated(source: Source, tests: Sequence[Held], bits: int) -> Source:
    """`source` without the rows that one of `tests` holds."""
    rows = [Row(row.sample_id, row.image_ids, row.text, source.own_texts) for row, _ in source.members]
    found = find(rows, source.prints, tests, bits)
    held = {item.sample_id for item in found}
    return source._replace(
        members=[member for member in source.members if member.row.sample_id not in held],
        removed=[*source.removed, *found],
    )


def _of_ours(name: str, sample: SampleInfo, split: LearnedSplit) -> TrainSample:
    return TrainSample(
        sample_id=sample.sample_id,
        split=split,
        image_ids=[sample.image_id],
        text=sample.text,
        response="",
        label=sample.label,
        risk=sample.risk,
        source=name,
    )


def _pair(sample: SampleInfo) -> str:
    """A harmless twin names the unsafe candidate it mirrors, which a sample's image and text give the id of."""
    return sample.parent_id if sample.label == "safe" else content_id("candidate", sample.image_id, sample.text)


def _clusters(prints: Mapping[str, CorpusFingerprint], samples: Sequence[CorpusSample], bits: int) -> dict[str, str]:
    """By image id the first image of those it is tied to, by looks or by a row."""
    if not prints:
        return {}
    ids = list(prints)
    alike = dict(zip(ids, look_alikes(words([item.phash for item in prints.values()]), bits).tolist(), strict=True))
    ties = np.array([(alike[a], alike[b]) for a, b in _ties(samples)], dtype=np.int64).reshape(-1, 2)
    tied = clusters(max(alike.values()) + 1, ties)
    first: dict[int, str] = {}
    return {image_id: first.setdefault(int(tied[alike[image_id]]), image_id) for image_id in ids}


def _ties(samples: Sequence[CorpusSample]) -> Iterator[tuple[str, str]]:
    for sample in samples:
        for other in sample.image_ids[1:]:
            yield sample.image_ids[0], other
