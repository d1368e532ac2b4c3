"""Hateful Memes: a caption and a picture, hateful only together more often than not."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Option, Row, Split
from rms.corpora.files import table
from rms.corpora.labels import spelled

MIRROR = "neuralcatcher/hateful_memes"
FILES = ("*.jsonl", "img/*")


class HatefulMemes(Adapter):
    name = "hateful_memes"
    source = MIRROR
    homepage = "https://huggingface.co/datasets/neuralcatcher/hateful_memes"
    revision = None
    licence = "non-commercial research only"
    gated = False
    label_of = "query"
    classes = "both"
    splits = (Split("test", 1000, Download(MIRROR, FILES)), Split("train", 8500, Download(MIRROR, FILES)))
    trainable = True
    options = (Option("part", ("test_seen", "test_unseen", "dev_seen", "dev_unseen")),)
    """What is read as test: the labels of all four are published."""
    layout = "test_seen.jsonl, train.jsonl and so on with the folder img/, or data/test-*.parquet and so on"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:
        part = "train" if split == "train" else self.chosen["part"]
        only = ("data/test-*.parquet",) if part == "test_seen" else ()  # mirrors with a single test part have that one
        return table(folder, (f"{part}.jsonl", f"data/{part}-*.parquet", *only), ("text", "label"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002 - both are alike
        yield Row(
            entry,
            images=(entry.field("image" if "image" in entry.values else "img"),),
            text=entry.field("text"),
            label=spelled(entry, "label"),
        )
