"""A test set of your own: `samples.jsonl` or `samples.csv` with image, text, label and, if you like, category."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import MISSING, Adapter, Entry, Fault, Row
from rms.corpora.files import csv_rows, json_lines
from rms.errors import RmsError
from rms.records import Label

LABELS: dict[str, Label] = {
    "safe": "safe",
    "0": "safe",
    "false": "safe",
    "unsafe": "unsafe",
    "1": "unsafe",
    "true": "unsafe",
}
"""Spellings of a label, in any case: 1 and true stand for unsafe."""


class Local(Adapter):
    name = "local"
    source = "local files"
    homepage = ""
    revision = None
    licence = "your own"
    gated = False
    label_of = "query"
    splits = ("test",)
    trainable = False
    layout = "samples.jsonl or samples.csv (image, text, label[, category]) and the images it names"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        lines, table = ((folder / file).is_file() for file in ("samples.jsonl", "samples.csv"))
        if lines and table:
            raise RmsError(f"{folder}: holds both samples.jsonl and samples.csv; keep the one that counts")
        if lines:
            return json_lines(folder, "samples.jsonl")
        if table:
            return csv_rows(folder, "samples.csv", ("image", "text", "label"))
        raise RmsError(f"{folder}: has neither samples.jsonl nor samples.csv; it should hold {self.layout}")

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        field = entry.field("label")
        if field.value is MISSING:
            yield entry.fault(field, "missing_field")
            return
        label = LABELS.get(str(field.value).strip().lower())
        if label is None:
            allowed = ", ".join(LABELS)
            yield entry.fault(field, "unknown_label", f"{field.value!a:.80} is none of {allowed}")
            return
        category = entry.field("category")
        yield Row(
            entry,
            images=(entry.field("image"),),
            text=entry.field("text"),
            label=label,
            categories=() if category.value in ("", None) else (category,),
        )
