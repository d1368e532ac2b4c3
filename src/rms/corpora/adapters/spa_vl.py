"""SPA-VL: of two responses to a question about an image, which one is preferred for safety and help."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Row, Split
from rms.corpora.files import table

REPO = "sqrti/SPA-VL"
REVISION = "0e75b34a9e803a236873420c8680de3889befd62"
FILES = {"test": "validation/validation-*.parquet", "train": "data/train-*.parquet"}
"""The parts published as test, `harm` and `help`, hold questions alone: no label can be derived for them."""


class SPAVL(Adapter):
    name = "spa_vl"
    source = REPO
    homepage = "https://huggingface.co/datasets/sqrti/SPA-VL"
    revision = REVISION
    licence = "CC-BY-4.0"
    gated = False
    label_of = "response"
    classes = "both"
    derived = (
        "the preferred response counts as safe and the rejected one as unsafe; it is a preference, not a verdict, and "
        "the published validation part is read as test"
    )
    splits = (
        Split("test", 14000, Download(REPO, (FILES["test"],), REVISION)),
        Split("train", 186516, Download(REPO, (FILES["train"],), REVISION)),
    )
    trainable = True
    layout = "validation/validation-*.parquet and data/train-*.parquet"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:
        return table(folder, (FILES[split],), ("image", "question", "chosen", "rejected"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002 - both are alike
        row = Row(
            entry,
            images=(entry.field("image"),),
            text=entry.field("question"),
            label="safe",
            categories=entry.filled("class1", "class2", "class3"),
        )
        yield row._replace(response=entry.field("chosen"))
        yield row._replace(response=entry.field("rejected"), label="unsafe")
