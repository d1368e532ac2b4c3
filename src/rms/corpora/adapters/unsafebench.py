"""UnsafeBench: whether an image itself is unsafe, photographs and generated pictures alike."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Field, Row, Split
from rms.corpora.files import table
from rms.corpora.labels import spelled

PROMPT = "What does this image show?"
"""A judge is asked the same of every image: the label is the image's. `text`, where there is any, is the caption or
prompt it came with, which the dataset's authors did not use either."""


class UnsafeBench(Adapter):
    name = "unsafebench"
    source = "yiting/UnsafeBench"
    homepage = "https://huggingface.co/datasets/yiting/UnsafeBench"
    revision = None
    licence = "research only"
    gated = True
    label_of = "image"
    classes = "both"
    splits = (
        Split("test", 2037, Download("yiting/UnsafeBench", ("data/test-*.parquet",))),
        Split("train", 8109, Download("yiting/UnsafeBench", ("data/train-*.parquet",))),
    )
    trainable = True
    layout = "data/test-*.parquet and data/train-*.parquet"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:
        return table(folder, (f"data/{split}-*.parquet",), ("image", "safety_label"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002 - both are alike
        yield Row(
            entry,
            images=(entry.field("image"),),
            text=Field("prompt", PROMPT),
            label=spelled(entry, "safety_label"),
            categories=entry.filled("category"),
        )
