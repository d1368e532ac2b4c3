"""What was sent in which batch: found again by the next run, and by other processes, until its answers are kept."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rms.cache import cache_folder
from rms.errors import one_line
from rms.store import write_text

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][^/?#\s\x00-\x1f]{0,511}$")]
"""A name an endpoint gave, which becomes part of an address."""


class Asked(BaseModel):
    """One question of a batch."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: str
    """Name of the answer's type."""
    size: Annotated[int, Field(ge=0)]
    """Bytes of the request, for endpoints that do not count tokens."""


class Entry(BaseModel):
    """A batch that is under way, or about to be."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Ours; the batch carries it in its metadata."""
    endpoint: str
    model: str
    file_id: Id
    batch_id: Id | None
    """None until the endpoint has said it: a process that ended in between finds the batch by its name."""
    questions: dict[Key, Asked]


def name_of(file_id: str, questions: dict[str, Asked]) -> str:
    """A batch's own name: no other upload of these or other questions has the same."""
    return sha256("\n".join([file_id, *sorted(questions)]).encode()).hexdigest()[:32]


class Journal:
    """One file for each batch of one model at one endpoint."""

    def __init__(self, endpoint: str, model: str) -> None:
        self.folder = cache_folder() / "batches"
        self._whose = (endpoint, model)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other process submits; in the block none will."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def entries(self) -> list[Entry]:
        """Every batch that is noted, in order of name; a file that is none is passed over with a warning."""
        found = (self._read(path) for path in sorted(self.folder.glob("*.json")))
        return [entry for entry in found if entry and (entry.endpoint, entry.model) == self._whose]

    def write(self, entry: Entry) -> None:
        """Note a batch; on return the note outlives a power cut."""
        path = self.path(entry)
        write_text(path, entry.model_dump_json())
        for place in (path, self.folder):
            handle = os.open(place, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def drop(self, entry: Entry) -> None:
        """The batch is done with; another process may have found that too."""
        self.path(entry).unlink(missing_ok=True)

    def path(self, entry: Entry) -> Path:
        """Where a batch is noted."""
        return self.folder / f"{entry.name}.json"

    def _read(self, path: Path) -> Entry | None:
        try:
            entry = Entry.model_validate_json(path.read_bytes())
        except FileNotFoundError:  # another process was done with it
            return None
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            logging.getLogger(__name__).warning("%s: passed over: %s; remove it", path, one_line(fault["msg"]))
            return None
        return entry if path == self.path(entry) else None
