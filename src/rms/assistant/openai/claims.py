"""Of several processes that want the same answer, one asks for it and the others wait."""

import errno
import fcntl
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

_HELD = (errno.EACCES, errno.EAGAIN)
_DIGITS = 15
"""Of a key, in hex: what fits in the offset of a lock."""


class Claims:
    """Locks on single bytes of an empty file, one for each key; the system lets go of those of a process that ends.

    Between processes only: within one `Sharing` does the same. Where there can be no such file or no locks on it,
    every key is had: what is wrong there the cache says, which lies beside it.
    """

    def __init__(self, path: Path) -> None:
        self._file = _opened(path.absolute())

    def take(self, key: str) -> bool:
        """Whether no other process has the key now; this one has it then."""
        if self._file is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(key[:_DIGITS], 16))
        except OSError as error:
            return error.errno not in _HELD
        return True

    def give_back(self, key: str) -> None:
        """Let others have the key."""
        if self._file is not None:
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, int(key[:_DIGITS], 16))


@cache
def _opened(path: Path) -> int | None:
    """Opened once and never closed: to close a file lets go of all locks that this process has on it."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    return None
