"""What an adapter is, and what it yields: rows not yet trusted, and faults.

An adapter never checks a text, a path or a picture: it says where they are (`Field`), and
`rms.corpora.reader` checks them all in the same way.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from rms.errors import RmsError
from rms.records import Label

MISSING = object()
"""The value of a field that is not there; `None` is what JSON's null reads as."""


class Field(NamedTuple):
    """A value as found, with the name that a reject will give it."""

    name: str
    value: object


class Fault(NamedTuple):
    """Something that cannot be read. `reason` is a stable name, `detail` says more."""

    file: str
    row: str
    field: str
    reason: str
    detail: str = ""


class EntryError(Exception):
    """Ends the reading of one entry; `Adapter.rows` yields the fault it carries."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class Entry(NamedTuple):
    """One record of an annotation file, or a mapping inside one."""

    file: str
    row: str
    values: Mapping[str, object]
    prefix: str = ""
    """Where in the record `values` is, for example `instr-resp[1].`."""

    def field(self, name: str) -> Field:
        return Field(self.prefix + name, self.values.get(name, MISSING))

    def fault(self, field: Field, reason: str, detail: str = "") -> Fault:
        return Fault(self.file, self.row, field.name, reason, detail)

    def filled(self, *names: str) -> tuple[Field, ...]:
        """The fields of these names that are there and hold something."""
        return tuple(self.field(name) for name in names if self.values.get(name) not in (None, ""))

    def items(self, name: str) -> list[Field]:
        """The members of the list `name`; a string, which would iterate too, is no list."""
        field = self.field(name)
        if field.value is MISSING:
            raise EntryError(self.fault(field, "missing_field"))
        if not isinstance(field.value, list):
            raise EntryError(self.fault(field, "wrong_type", f"{type(field.value).__name__}, not a list"))
        if not field.value:
            raise EntryError(self.fault(field, "empty_list"))
        return [Field(f"{field.name}[{index}]", value) for index, value in enumerate(field.value)]


class Row(NamedTuple):
    """One sample as its dataset states it: labelled, located, unchecked."""

    entry: Entry
    images: tuple[Field, ...]
    """Paths as published, or cells of a Parquet file."""
    text: Field
    label: Label
    categories: tuple[Field, ...] = ()
    """From coarse to fine; absent ones are left out, the others are joined by a slash."""
    response: Field | None = None
    roots: tuple[str, ...] = ("",)
    """Subfolders the images may lie in; the first that has the file is taken."""
    suffixes: tuple[str, ...] = ("",)
    """Endings to try, where paths are published without one."""


class Download(NamedTuple):
    """What to take from the Hugging Face Hub."""

    repo: str
    patterns: tuple[str, ...]
    """Of the files needed; `*` stands for anything, slashes included."""
    revision: str | None = None
    """Full commit SHA; None takes the newest state, and what it was is noted beside the files."""


class Split(NamedTuple):
    """A part of a dataset: `test` to measure on, `train` to learn from."""

    name: Literal["test", "train"]
    rows: int | None = None
    """How many its authors state, with the default options."""
    download: Download | None = None
    """None where it has to be got by hand."""


class Option(NamedTuple):
    """A setting `corpora.options.<corpus>.<name>`."""

    name: str
    values: tuple[str, ...]
    """What is allowed, the default first."""


class Adapter(ABC):
    """One public dataset: its facts, and the way its files are laid out."""

    name: ClassVar[str]
    source: ClassVar[str]
    """Hub id or repository."""
    homepage: ClassVar[str]
    revision: ClassVar[str | None]
    """Commit whose annotation files the adapter was written for, where it is known."""
    licence: ClassVar[str]
    gated: ClassVar[bool]
    label_of: ClassVar[Literal["query", "response", "image"]]
    classes: ClassVar[Literal["both", "unsafe"]]
    """A dataset with unsafe rows alone gives a detection rate, and nothing else without a benign pool."""
    derived: ClassVar[str] = ""
    """The rule that labels were derived by, where the dataset itself states none."""
    splits: ClassVar[tuple[Split, ...]]
    trainable: ClassVar[bool]
    """Whether it has a training split whose terms allow training a judge."""
    layout: ClassVar[str]
    """What belongs into the corpus' folder, in a few words."""
    options: ClassVar[tuple[Option, ...]] = ()
    id_field: ClassVar[str] = ""
    """A field that names each record of a file once; the second of a name is a fault. Empty where the published
    files repeat ids, as VLGuard's do, or have none: what a sample is, its content says."""

    def __init__(self, chosen: Mapping[str, str]) -> None:
        """`chosen` has a value for every one of `options`: see `rms.corpora.adapter`."""
        self.chosen = chosen

    def split(self, name: str) -> Split:
        """The facts about one split; RmsError for a name it does not have."""
        for split in self.splits:
            if split.name == name:
                return split
        raise RmsError(f"corpora.split = {name!r}: {self.name} has {', '.join(split.name for split in self.splits)}")

    @abstractmethod
    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:
        """The records of the annotation files of `split`; RmsError when a file as a whole is unreadable."""

    @abstractmethod
    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:
        """The rows one record stands for; may raise EntryError."""

    def rows(self, folder: Path, split: str) -> Iterator[Row | Fault]:
        """Every row of `split`, no picture opened: as cheap as reading the annotation file."""
        seen: set[tuple[str, str]] = set()
        for entry in self.entries(folder, split):
            if isinstance(entry, Fault):
                yield entry
                continue
            named = entry.values.get(self.id_field) if self.id_field else None
            if isinstance(named, (str, int)):
                if (entry.file, str(named)) in seen:
                    yield entry.fault(entry.field(self.id_field), "duplicate_id", f"{named!a:.80}")
                    continue
                seen.add((entry.file, str(named)))
            try:
                yield from self.parse(entry, split)
            except EntryError as stop:
                yield stop.fault
