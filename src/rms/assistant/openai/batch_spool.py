"""Questions that wait to be sent in a file: on disk, since each carries its pictures."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple


class Waiting(NamedTuple):
    """Where a question's line lies in the spool, and the name of the type of answer it wants."""

    kind: str
    start: int
    size: int
    """Bytes, the end of the line included."""


class Part(NamedTuple):
    """Some of the questions, as one file to upload."""

    questions: dict[str, Waiting]
    file: IO[bytes]


class Spool:
    """Lines by key, in a file without a name: it is gone with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        self.questions: dict[str, Waiting] = {}
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._end = 0

    def add(self, key: str, kind: str, line: bytes) -> None:
        """Put a question in line; not to be called by two threads at once."""
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - open as long as questions wait
        self._file.write(line)
        self.questions[key] = Waiting(kind, self._end, len(line))
        self._end += len(line)

    def parts(self, keys: Iterable[str], max_requests: int, max_bytes: int) -> Iterator[Part]:
        """Files of at most so many questions and bytes, one at a time; no line may be longer than `max_bytes`."""
        chosen: dict[str, Waiting] = {}
        size = 0
        for key in keys:
            question = self.questions[key]
            if chosen and (len(chosen) == max_requests or size + question.size > max_bytes):
                yield from self._part(chosen)
                chosen, size = {}, 0
            chosen[key] = question
            size += question.size
        if chosen:
            yield from self._part(chosen)

    def _part(self, chosen: dict[str, Waiting]) -> Iterator[Part]:
        assert self._file is not None  # there are questions
        with tempfile.TemporaryFile(dir=self._folder) as file:
            for question in chosen.values():
                self._file.seek(question.start)
                file.write(self._file.read(question.size))
            file.seek(0)
            yield Part(chosen, file)
        self._file.seek(0, os.SEEK_END)

    def clear(self) -> None:
        """Forget all that waits, and give its disk space back."""
        self.questions = {}
        self._end = 0
        if self._file is not None:
            self._file.close()
            self._file = None
