"""MIS: a question that is unsafe only with two images together."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import MISSING, Adapter, Download, Entry, EntryError, Fault, Field, Option, Row, Split
from rms.corpora.files import table

LEVELS = ("easy", "hard", "real")
PLACEHOLDER = "<image>"
"""Where a picture goes in a turn of the training file's conversations."""


class MIS(Adapter):
    name = "mis"
    source = "Tuwhy/MIS_Test, Tuwhy/MIS_Train"
    homepage = "https://huggingface.co/datasets/Tuwhy/MIS_Test"
    revision = None
    licence = "Apache-2.0"
    gated = False
    label_of = "query"
    classes = "unsafe"
    splits = (
        Split("test", 2285, Download("Tuwhy/MIS_Test", ("mis_*.json", "*_image/*", "*.zip"))),
        Split("train", 3927, Download("Tuwhy/MIS_Train", ("mis_train.json", "images.zip"))),
    )
    trainable = True
    options = (Option("level", ("all", *LEVELS)),)
    layout = (
        "mis_easy.json, mis_hard.json, mis_real.json with the folders easy_image/ and so on, and for training "
        "mis_train.json with the folders out of images.zip"
    )

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:
        level = self.chosen["level"]
        levels = LEVELS if level == "all" else (level,)
        for part in ("train",) if split == "train" else levels:
            yield from table(folder, (f"mis_{part}.json",))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:
        test = split == "test"
        yield Row(
            entry,
            images=(entry.field("image_path1"), entry.field("image_path2")) if test else tuple(entry.items("image")),
            roots=("", "images"),
            text=entry.field("question") if test else _question(entry),
            label="unsafe",
            categories=entry.filled("category", "sub_category"),
        )


def _question(entry: Entry) -> Field:
    """The question of a training record: a field of its own, or the first turn of its conversation."""
    if "question" in entry.values:
        return entry.field("question")
    turn = entry.items("conversations")[0]
    if not isinstance(turn.value, dict):
        raise EntryError(entry.fault(turn, "wrong_type", f"{type(turn.value).__name__}, not a turn"))
    said = turn.value.get("value", MISSING)
    return Field(f"{turn.name}.value", said.replace(PLACEHOLDER, "").strip() if isinstance(said, str) else said)
