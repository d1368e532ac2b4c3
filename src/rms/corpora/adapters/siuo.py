"""SIUO, "safe inputs but unsafe output": each image and each text is safe, together they are not."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Row, Split
from rms.corpora.files import table


class SIUO(Adapter):
    name = "siuo"
    source = "sinwang/SIUO"
    homepage = "https://huggingface.co/datasets/sinwang/SIUO"
    revision = "18974b65"  # of the repository sinwang20/SIUO, which holds the same annotation file
    licence = "CC-BY-NC-4.0"
    gated = False
    label_of = "query"
    classes = "unsafe"
    splits = (Split("test", 167, Download("sinwang/SIUO", ("siuo_gen.json", "images/*", "*.zip"))),)
    trainable = False
    id_field = "question_id"
    layout = "siuo_gen.json and the folder images/"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        return table(folder, ("siuo_gen.json",))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        yield Row(
            entry,
            images=(entry.field("image"),),
            roots=("images", ""),
            text=entry.field("question"),
            label="unsafe",
            categories=(entry.field("category"),),
        )
