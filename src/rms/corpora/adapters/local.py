"""Sets of your own: `samples` to test on, `train` to train on; image, text, label and, if you like, category."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Entry, Fault, Row, Split
from rms.corpora.files import table
from rms.corpora.labels import spelled
from rms.errors import RmsError

FILES = {"test": "samples", "train": "train"}
"""Name of the table of each split, without its ending."""


class Local(Adapter):
    name = "local"
    source = "local files"
    homepage = ""
    revision = None
    licence = "your own"
    gated = False
    label_of = "query"
    classes = "both"
    splits = (Split("test"), Split("train"))
    trainable = True
    id_field = "id"
    layout = "samples.jsonl or samples.csv (image, text, label[, category][, id]) and the images it names"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:
        lines, rows = (f"{FILES[split]}.{ending}" for ending in ("jsonl", "csv"))
        match (folder / lines).is_file(), (folder / rows).is_file():
            case True, True:
                raise RmsError(f"{folder}: holds both {lines} and {rows}; keep the one that counts")
            case False, False:
                raise RmsError(f"{folder}: has neither {lines} nor {rows}; it should hold {self.layout}")
        return table(folder, (lines, rows), ("image", "text", "label"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002 - both are alike
        several = isinstance(entry.values.get("image"), list)
        yield Row(
            entry,
            images=tuple(entry.items("image")) if several else (entry.field("image"),),
            text=entry.field("text"),
            label=spelled(entry, "label"),
            categories=entry.filled("category"),
        )
