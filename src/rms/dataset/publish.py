"""One dataset folder: Parquet splits, statistics and card."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rms.dataset.card import card
from rms.dataset.files import SPLITS, write_dataset, write_rms2
from rms.dataset.statistics import statistics
from rms.errors import RmsError
from rms.pictures import Pictures
from rms.records import Candidate, ImageInfo, SampleInfo
from rms.store import read_table, write_json, write_text


def publish(
    folder: Path,
    title: str,
    method: str,
    rows: Sequence[Candidate],
    images: Mapping[str, ImageInfo],
    pictures: Pictures,
    removed: Mapping[str, int],
    *,
    rms2: bool,
) -> None:
    """Write `rows` into the existing folder; RmsError when a split would be empty.

    `removed` counts the rows left out because a test set holds them, by reason.
    """
    for split in SPLITS:
        if not any(images[row.image_id].split == split for row in rows):
            raise RmsError(f"{title}: no rows for the {split} split; take more images or change images.*_share")
    write_dataset(folder, rows, images, pictures)
    if rms2:
        write_rms2(folder / "rms2", folder, pictures)
    samples = (sample for split in SPLITS for sample in read_table(folder / split, SampleInfo))
    numbers = {**statistics(samples, images), "rms2": rms2, "decontaminated": dict(removed)}
    write_json(folder / "statistics.json", numbers)
    used = [images[image_id] for image_id in sorted({row.image_id for row in rows})]
    text = card(title, method, numbers, used, [row.provenance for row in rows], removed)
    write_text(folder / "README.md", text)
