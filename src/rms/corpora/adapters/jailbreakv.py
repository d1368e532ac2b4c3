"""JailBreakV-28K: jailbreak texts with images that say nothing, and images that carry the attack."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Option, Row, Split
from rms.corpora.files import table

FILES = {"full": "JailBreakV_28K.csv", "mini": "mini_JailBreakV_28K.csv"}


class JailBreakV(Adapter):
    name = "jailbreakv"
    source = "JailbreakV-28K/JailBreakV-28k"
    homepage = "https://huggingface.co/datasets/JailbreakV-28K/JailBreakV-28k"
    revision = None
    licence = "MIT"
    gated = False
    label_of = "query"
    classes = "unsafe"
    splits = (Split("test", 28000, Download("JailbreakV-28K/JailBreakV-28k", ("JailBreakV_28K/*",))),)
    trainable = False
    options = (Option("part", tuple(FILES)),)
    layout = (
        "JailBreakV_28K.csv (also in JailBreakV_28K/) and the folders figstep/, llm_transfer_attack/ and "
        "query_related/ beside it; the Hub lacks some of the images"
    )

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        file = FILES[self.chosen["part"]]
        return table(folder, (f"JailBreakV_28K/{file}", file), ("jailbreak_query", "image_path", "policy"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        yield Row(
            entry,
            images=(entry.field("image_path"),),
            roots=("JailBreakV_28K", ""),
            text=entry.field("jailbreak_query"),
            label="unsafe",
            categories=entry.filled("policy"),
        )
