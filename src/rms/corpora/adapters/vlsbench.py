"""VLSBench: what makes the query harmful is visible in the image, and only there."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Row, Split
from rms.corpora.files import table


class VLSBench(Adapter):
    name = "vlsbench"
    source = "Foreshhh/vlsbench"
    homepage = "https://huggingface.co/datasets/Foreshhh/vlsbench"
    revision = "68f54dea"  # of the repository AI45Lab/VLSBench, which holds the same annotation file
    licence = "Apache-2.0"
    gated = False
    label_of = "query"
    classes = "unsafe"
    splits = (Split("test", 2241, Download("Foreshhh/vlsbench", ("data.json", "imgs.tar"))),)
    trainable = False
    id_field = "instruction_id"
    layout = "data.json and the folder imgs/ out of imgs.tar"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        return table(folder, ("data.json",))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        yield Row(
            entry,
            images=(entry.field("image_path"),),
            text=entry.field("instruction"),
            label="unsafe",
            categories=entry.filled("category", "sub_category"),
        )
