"""Encoded pictures on disk, to be read in any order: a training shuffles its rows anew in each epoch."""

import os
from collections.abc import Iterable
from contextlib import suppress
from tempfile import TemporaryFile
from typing import NamedTuple

from rms.cache import VARIABLE, cache_folder
from rms.errors import RmsError


class Spool:
    """A file without a name in the cache folder, gone when closed."""

    def __init__(self, pictures: Iterable[tuple[str, bytes]]) -> None:
        """RmsError where the cache folder has no room for them."""
        folder = cache_folder()
        self._places: dict[str, tuple[int, int]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
            self._fill(pictures)
        except OSError as error:
            raise RmsError(
                f"{folder}: the pictures of the training set cannot be kept here: {error.strerror or error}; make "
                f"room, or set {VARIABLE} to another folder"
            ) from None

    def __getitem__(self, image_id: str) -> "Spooled":
        return Spooled(self, *self._places[image_id])

    def read(self, start: int, length: int) -> bytes:
        """So many bytes from a place; from any thread."""
        return os.pread(self._file.fileno(), length, start)

    def close(self) -> None:
        """Its pictures can be read no more."""
        self._file.close()

    def _fill(self, pictures: Iterable[tuple[str, bytes]]) -> None:
        end = 0
        try:
            for image_id, picture in pictures:
                self._file.write(picture)
                self._places[image_id] = (end, len(picture))
                end += len(picture)
            self._file.flush()  # it is read past the buffer
        except BaseException:
            with suppress(OSError):  # what the disk had no room for is still in the buffer
                self._file.close()
            raise


class Spooled(NamedTuple):
    """A picture that is read where it is needed, by `bytes(picture)`; equal to itself and to no other."""

    spool: Spool
    start: int
    length: int

    def __bytes__(self) -> bytes:
        return self.spool.read(self.start, self.length)
