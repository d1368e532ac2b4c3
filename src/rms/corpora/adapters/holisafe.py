"""HoliSafe-Bench: every combination of a safe or unsafe image and a safe or unsafe query."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Row, Split
from rms.corpora.files import table
from rms.corpora.labels import spelled
from rms.records import Label

TYPES: dict[str, Label] = {"sss": "safe", "ssu": "unsafe", "suu": "unsafe", "usu": "unsafe", "uuu": "unsafe"}
"""Safe or unsafe: the image, the query, and both together. SSU is the kind that RMS builds."""

FILES = ("holisafe_bench.json", "images/*", "*.zip", "data/*.parquet")


class HoliSafe(Adapter):
    name = "holisafe"
    source = "etri-vilab/holisafe-bench"
    homepage = "https://huggingface.co/datasets/etri-vilab/holisafe-bench"
    revision = None
    licence = "CC-BY-NC-4.0"
    gated = True
    label_of = "query"
    classes = "both"
    splits = (Split("test", 4031, Download("etri-vilab/holisafe-bench", FILES)),)
    trainable = False
    layout = "holisafe_bench.json and the folder images/, or data/test-*.parquet"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        return table(folder, ("holisafe_bench.json", "data/test-*.parquet"), ("image", "query", "type"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        yield Row(
            entry,
            images=(entry.field("image"),),
            roots=("images", ""),
            text=entry.field("query"),
            label=spelled(entry, "type", TYPES),
            categories=entry.filled("category", "subcategory"),
        )
