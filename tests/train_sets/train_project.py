"""What a project holds before training sets are made of it: photographs, datasets of ours, and a test set."""

import io
from pathlib import Path

from PIL import Image as Pillow
from train_layouts import LAYOUTS, pixels

from rms.images.fingerprints import phash, sha256
from rms.records import CorpusImage, CorpusSample, Image, Sample
from rms.seeds import content_id
from rms.store import write_json, write_jsonl, write_table

OURS = {"rms": "dataset", "risk_oriented": "risk_oriented"}
PHOTOGRAPHS = {"train": 12, "validation": 4, "test": 4}
EVERY = ["rms", "risk_oriented", *LAYOUTS]


def write_ours() -> None:
    """Our two datasets, and the photographs they are made on."""
    _photographs()
    for name, place in OURS.items():
        for split in PHOTOGRAPHS:
            write_table(Path("data") / place / split, Sample, _samples(name, split))
        write_jsonl(Path("data") / place / "contamination.jsonl", [])


def hold(name: str, pictures: list[int], texts: list[str], images: list[CorpusImage] | None = None) -> None:
    """Write the corpus `name` with these pictures (by seed) and texts."""
    images = [picture(seed) for seed in pictures] + (images or [])
    samples = [
        CorpusSample(
            sample_id=f"{name}-{number}", corpus=name, split="test", image_ids=[images[0].image_id], text=text,
            response="", label="unsafe", label_of="query", category="",
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip
    write_table(Path("data/corpora") / name / "images", CorpusImage, images)
    write_table(Path("data/corpora") / name / "samples", CorpusSample, samples)
    write_json(Path("data/corpora") / name / "summary.json", {})


def picture(seed: int, data: bytes | None = None) -> CorpusImage:
    data = data or pixels(seed)
    with Pillow.open(io.BytesIO(data)) as opened:
        hashed = phash(opened.convert("RGB"))
    return CorpusImage(image_id=content_id(data), sha256=sha256(data), phash=hashed, image=data)


def _photographs() -> None:
    rows = []
    for split, count in PHOTOGRAPHS.items():
        for number in range(count):
            found = picture(_seed(split, number))
            rows.append(
                Image(
                    **found.model_dump(), name=f"{split}{number}", width=96, height=96, cluster_id=found.image_id,
                    split=split, source="s", licence="", attribution="", url="", nsfw=0.0,
                )
            )  # fmt: skip
    write_table(Path("data/images/images"), Image, rows)


def _seed(split: str, number: int) -> int:
    return 10 * list(PHOTOGRAPHS).index(split) * 10 + number


def _samples(name: str, split: str) -> list[Sample]:
    """Three pairs for each photograph of `rms`, two rows for each of `risk_oriented`; the rows of a pair are marked."""
    rows = []
    for number in range(PHOTOGRAPHS[split]):
        data = pixels(_seed(split, number))
        image_id = content_id(data)
        for turn in range(6 if name == "rms" else 2):
            text = f"{name} wants thing {turn // 2} of place {number} {'safely' if turn % 2 == 0 else 'not'} in {split}"
            unsafe = f"{name} wants thing {turn // 2} of place {number} not in {split}"
            rows.append(
                Sample(
                    sample_id=content_id("sample", image_id, text), image_id=image_id, text=text,
                    label="safe" if turn % 2 == 0 else "unsafe", category="c", risk="r" if turn % 2 else "",
                    guidance="g", kind="twin_text" if turn % 2 == 0 else "triplet",
                    parent_id=content_id("candidate", image_id, unsafe) if turn % 2 == 0 else "p", family="",
                    split=split, image=data, licence="", attribution="",
                )
            )  # fmt: skip
    return rows
