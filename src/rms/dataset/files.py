"""A dataset on disk: Parquet for `datasets`, JSONL in the shape of RMS2 for everyone else."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from rms.pictures import Pictures
from rms.records import Candidate, ImageInfo, Sample, SampleInfo, Split
from rms.seeds import content_id
from rms.store import read_table, write_table, write_text

SPLITS: tuple[Split, ...] = get_args(Split)


def write_dataset(folder: Path, rows: Iterable[Candidate], images: Mapping[str, ImageInfo], pictures: Pictures) -> None:
    """Write one Parquet folder for each split, with pictures; rows keep their order."""
    by_split: dict[Split, list[Candidate]] = {split: [] for split in SPLITS}
    for row in rows:
        by_split[images[row.image_id].split].append(row)
    for split, members in by_split.items():
        write_table(folder / split, Sample, _samples(members, images, pictures))


def sample_id(row: Candidate) -> str:
    """The id that a candidate has as a row of a dataset."""
    return content_id("sample", row.image_id, row.text)


def _samples(rows: Sequence[Candidate], images: Mapping[str, ImageInfo], pictures: Pictures) -> Iterator[Sample]:
    for row in rows:
        image = images[row.image_id]
        yield Sample(
            sample_id=sample_id(row),
            image_id=row.image_id,
            text=row.text,
            label=row.label,
            category=row.category,
            risk=row.risk,
            guidance=row.guidance,
            kind=row.kind,
            parent_id=row.parent_id,
            family=row.provenance.family,
            split=image.split,
            image=pictures[row.image_id],
            licence=image.licence,
            attribution=image.attribution,
        )


def write_rms2(folder: Path, dataset: Path, pictures: Pictures) -> None:
    """Write `<split>.jsonl` and `images/`, a record a line as in RMS2: image file, text, risk, category, guidance."""
    (folder / "images").mkdir(parents=True)
    for split in SPLITS:
        lines = []
        for sample in read_table(dataset / split, SampleInfo):
            name = f"images/{sample.image_id}.jpg"
            if not (folder / name).exists():
                (folder / name).write_bytes(pictures[sample.image_id])
            record = {
                "id": sample.sample_id,
                "image": name,
                "text": sample.text,
                "risk": sample.risk,
                "category": sample.category,
                "guidance": sample.guidance,
                "label": sample.label,
            }
            lines.append(json.dumps(record, ensure_ascii=False))
        write_text(folder / f"{split}.jsonl", "".join(f"{line}\n" for line in lines))
