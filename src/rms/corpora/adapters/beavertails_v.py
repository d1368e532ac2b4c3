"""BeaverTails-V: each question about an image with two responses, and a verdict on every response."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Row, Split
from rms.corpora.files import table
from rms.corpora.labels import SAFE_IF_TRUE, spelled

REPO = "PKU-Alignment/BeaverTails-V"
PARTS = {"test": "evaluation", "train": "train"}


class BeaverTailsV(Adapter):
    name = "beavertails_v"
    source = REPO
    homepage = "https://huggingface.co/datasets/PKU-Alignment/BeaverTails-V"
    revision = None
    licence = "CC-BY-NC-4.0"
    gated = False
    label_of = "response"
    classes = "both"
    splits = (
        Split("test", None, Download(REPO, ("data/*/evaluation*.parquet",))),
        Split("train", None, Download(REPO, ("data/*/train*.parquet",))),
    )
    trainable = True
    layout = "data/CATEGORY/evaluation.parquet and data/CATEGORY/train.parquet for each of its twenty categories"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:
        part = PARTS[split]
        files = (f"data/*/{part}*.parquet", f"*/{part}*.parquet")
        return table(folder, files, ("image", "question", "response", "is_response_safe"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002 - both are alike
        yield Row(
            entry,
            images=(entry.field("image"),),
            text=entry.field("question"),
            response=entry.field("response"),
            label=spelled(entry, "is_response_safe", SAFE_IF_TRUE),
            categories=entry.filled("category"),
        )
