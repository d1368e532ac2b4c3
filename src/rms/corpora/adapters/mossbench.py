"""MOSSBench: harmless queries that look alarming, and for contrast queries that are harmful indeed."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Entry, Fault, Field, Row, Split
from rms.corpora.files import json_value, keyed
from rms.records import Label

PARTS: dict[str, Label] = {"data": "safe", "data_contrast": "unsafe"}
"""The two folders, each with `images_information/information.json`."""


class MOSSBench(Adapter):
    name = "mossbench"
    source = "xirui-li/MOSSBench"
    homepage = "https://github.com/xirui-li/MOSSBench"
    revision = "ba1f36e6"
    licence = "CC-BY-SA-4.0, training prohibited"
    gated = False
    label_of = "query"
    classes = "both"
    splits = (Split("test"),)
    trainable = False
    layout = "the folders data/ and data_contrast/, each with images/ and images_information/information.json"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        for part in PARTS:
            file = f"{part}/images_information/information.json"
            yield from keyed(json_value(folder, file), folder, file)

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        part = entry.file.split("/")[0]
        yield Row(
            entry,
            images=(entry.field("image"),),
            roots=(part,),
            text=entry.field("question"),
            label=PARTS[part],
            categories=_category(entry),
        )


def _category(entry: Entry) -> tuple[Field, ...]:
    """The kind of alarming look ("type 1" to "type 3"), where `metadata` states it."""
    metadata = entry.values.get("metadata")
    kind = metadata.get("over") if isinstance(metadata, dict) else None
    return (Field("metadata.over", kind),) if isinstance(kind, str) and kind.strip() else ()
