"""VLGuard: safe images with a safe and an unsafe instruction, and unsafe images with one instruction."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Row, Split
from rms.corpora.files import table

KINDS = {True: ("safe_instruction", "unsafe_instruction"), False: ("instruction",)}
"""Which instructions an image that is safe, or not, comes with."""


class VLGuard(Adapter):
    name = "vlguard"
    source = "ys-zong/VLGuard"
    homepage = "https://huggingface.co/datasets/ys-zong/VLGuard"
    revision = "a2f85c90"  # of the repository of the same name, which holds the same annotation files
    licence = "unknown"
    gated = True
    label_of = "query"
    classes = "both"
    splits = (
        Split("test", 1558, Download("ys-zong/VLGuard", ("test.json", "test.zip"))),
        Split("train", 2977, Download("ys-zong/VLGuard", ("train.json", "train.zip"))),
    )
    trainable = True
    layout = "test.json, train.json and the unpacked folders test/ and train/"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:
        return table(folder, (f"{split}.json",))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:
        safe = entry.values.get("safe")
        if not isinstance(safe, bool):
            reason = "wrong_type" if "safe" in entry.values else "missing_field"
            yield entry.fault(entry.field("safe"), reason, "must be true or false")
            return
        for pair in entry.items("instr-resp"):
            if not isinstance(pair.value, dict):
                yield entry.fault(pair, "wrong_type", "must hold an instruction and a response")
                continue
            part = entry._replace(values=pair.value, prefix=f"{pair.name}.")
            kinds = [name for name in KINDS[safe] if name in pair.value]
            if not kinds:
                yield entry.fault(pair, "missing_field", f"has none of {', '.join(KINDS[safe])}")
            for kind in kinds:
                yield Row(
                    entry,
                    images=(entry.field("image"),),
                    roots=(split, ""),
                    text=part.field(kind),
                    label="safe" if kind == "safe_instruction" else "unsafe",
                    categories=(entry.field("harmful_category"), entry.field("harmful_subcategory")),
                )
