"""One dataset folder: Parquet splits, statistics and card."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rms.dataset.card import card
from rms.dataset.contamination import by_reason
from rms.dataset.files import SPLITS, write_dataset, write_rms2
from rms.dataset.statistics import statistics
from rms.errors import RmsError
from rms.pictures import Pictures
from rms.records import Candidate, Contaminated, ImageInfo, SampleInfo
from rms.store import read_table, write_json, write_jsonl, write_text


def publish(
    folder: Path,
    title: str,
    method: str,
    rows: Sequence[Candidate],
    images: Mapping[str, ImageInfo],
    pictures: Pictures,
    removed: Sequence[Contaminated],
    *,
    rms2: bool,
) -> None:
    """Write `rows` into the existing folder; RmsError when a split would be empty.

    `removed` are the rows left out because a test set holds them: they are listed and counted.
    """
    for split in SPLITS:
        if not any(images[row.image_id].split == split for row in rows):
            raise RmsError(f"{title}: no rows for the {split} split; take more images or change images.*_share")
    write_dataset(folder, rows, images, pictures)
    if rms2:
        write_rms2(folder / "rms2", folder, pictures)
    samples = (sample for split in SPLITS for sample in read_table(folder / split, SampleInfo))
    numbers = {**statistics(samples, images), "rms2": rms2, "decontaminated": by_reason(removed)}
    write_json(folder / "statistics.json", numbers)
    write_jsonl(folder / "contamination.jsonl", removed)
    used = [images[image_id] for image_id in sorted({row.image_id for row in rows})]
    text = card(title, method, numbers, used, [row.provenance for row in rows], numbers["decontaminated"])
    write_text(folder / "README.md", text)
