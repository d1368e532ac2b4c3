"""MSSBench: the same query in a safe and in an unsafe situation, as chat and as orders to a household robot."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Field, Row, Split
from rms.corpora.files import json_value, listed
from rms.errors import RmsError
from rms.records import Label

FILE = "combined.json"
CATEGORY = {"chat": "Type", "embodied": "category"}
"""The tasks, and the field that holds the category in each."""


class MSSBench(Adapter):
    name = "mssbench"
    source = "kzhou35/mssbench"
    homepage = "https://huggingface.co/datasets/kzhou35/mssbench"
    revision = None
    licence = "MIT"
    gated = False
    label_of = "query"
    classes = "both"
    splits = (Split("test", None, Download("kzhou35/mssbench", ("combined.json", "chat/*", "embodied/*", "*.zip"))),)
    trainable = False
    layout = "combined.json and the folders chat/ and embodied/"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        tasks = json_value(folder, FILE)
        if not isinstance(tasks, dict) or not tasks.keys() & CATEGORY.keys():
            raise RmsError(f"{folder / FILE}: must hold the tasks 'chat' and 'embodied'; download the file again")
        for task in CATEGORY:
            if task in tasks:
                yield from listed(tasks[task], folder, FILE, f"{task} ")

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        return _chat(entry) if _task(entry) == "chat" else _embodied(entry)


def _chat(entry: Entry) -> Iterator[Row]:
    """Every query with both images. `unsafe_image` is a description: the path is `unsafe_image_path`."""
    for query in entry.items("queries"):
        yield _row(entry, "safe_image_path", query, "safe")
        yield _row(entry, "unsafe_image_path", query, "unsafe")


def _embodied(entry: Entry) -> Iterator[Row]:
    """The safe instructions in the safe scene, the unsafe ones in the unsafe scene."""
    for instruction in _instructions(entry, "safe_instruction"):
        yield _row(entry, "safe", instruction, "safe")
    for instruction in _instructions(entry, "unsafe_instruction"):
        yield _row(entry, "unsafe", instruction, "unsafe")


def _instructions(entry: Entry, name: str) -> list[Field]:
    """The list of wordings where there is one, else the single instruction."""
    return entry.items(f"{name}s") if f"{name}s" in entry.values else [entry.field(name)]


def _row(entry: Entry, image: str, text: Field, label: Label) -> Row:
    task = _task(entry)
    return Row(
        entry,
        images=(entry.field(image),),
        roots=(task, f"mssbench/{task}", ""),
        text=text,
        label=label,
        categories=(entry.field(CATEGORY[task]),),
    )


def _task(entry: Entry) -> str:
    return entry.row.split(" ")[0]
