"""The SQLite file answers are kept in: shared by threads and processes, and begun anew when it is damaged."""

import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from rms.assistant.openai.answer_table import BUSY_S, VERSION, connect, create_table, take_over, transaction
from rms.cache import VARIABLE
from rms.errors import RmsError, one_line

T = TypeVar("T")

_TRIES = 3
_SIDE_FILES = ("-wal", "-shm", "")  # the main file goes last: without it nothing tells what the others were
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,  # the statements here are fixed: they fail only when the file's own schema was hit
    sqlite3.SQLITE_SCHEMA,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
}
_ELSEWHERE = f"set {VARIABLE} to a folder elsewhere, and run again"
_FAULTS = {
    sqlite3.SQLITE_FULL: f"the disk is full; free some space or {_ELSEWHERE} (answers already stored are kept)",
    sqlite3.SQLITE_READONLY: f"cannot be written; make the file and its folder writable or {_ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: f"cannot be opened; make the file and its folder writable or {_ELSEWHERE}",
    sqlite3.SQLITE_BUSY: f"kept busy by another process for {BUSY_S:.0f} s; end that one and run again",
    sqlite3.SQLITE_IOERR: f"the disk fails or is full; free some space or {_ELSEWHERE} (answers stored are kept)",
}


class _UnfitError(Exception):
    """The file with this inode (None: there is none) cannot be used as it is, for `reason`; "" if it is just new."""

    def __init__(self, inode: int | None, reason: str = "", suffix: str = "damaged") -> None:
        super().__init__(reason)
        self.inode, self.reason, self.suffix = inode, reason, suffix


class AnswerFile:
    """A connection to the file that threads may share; not to be carried over a fork.

    Every use holds a shared lock on a file beside it, and who moves the file aside an exclusive one, so that
    nobody writes answers to a file that was given up. Others see by its inode that theirs was.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.aside: Path | None = None
        """Where this object last moved a file that could not be used."""
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._lock: int | None = None

    def use(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """What `act` returns, done again on a fresh file where this one turns out to be damaged.

        RmsError when the disk is full, the folder cannot be written or another process will not let go.
        """
        with self._turn:
            for _ in range(_TRIES):
                try:
                    with self._faults_explained(), self._locked(fcntl.LOCK_SH):
                        return act(self._open())
                except _UnfitError as unfit:
                    with suppress(_UnfitError), self._faults_explained():  # a new one hit too is for the next round
                        self._renew(unfit)
        raise RmsError(f"{self.path}: damaged again as soon as it was begun anew; {_ELSEWHERE}")

    def give_up(self, reason: str) -> None:
        """Move the file aside and go on with what can be read of it."""

        def refuse(_: sqlite3.Connection) -> None:
            nonlocal reason
            if reason:
                fault, reason = reason, ""
                raise _UnfitError(self._inode, fault)

        self.use(refuse)

    def close(self) -> None:
        with self._turn:
            self._disconnect()
            self._unlock()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):  # a damaged file may not even close well
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        """The connection to the file that now has the name; _UnfitError if that one cannot be used yet."""
        inode = _inode_of(self.path)
        if self._connection is not None and inode == self._inode:
            return self._connection
        self._disconnect()
        if inode is None:
            raise _UnfitError(None)
        self._inode = inode
        connection = connect(self.path)
        try:
            self._refuse_other_versions(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _refuse_other_versions(self, connection: sqlite3.Connection) -> None:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version == VERSION:
            return
        if version == 0 and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise _UnfitError(self._inode)
        reason = f"of version {version}, and this RMS keeps version {VERSION}"
        raise _UnfitError(self._inode, reason, f"version{version}")

    def _renew(self, unfit: _UnfitError) -> None:
        """Begin a fresh file in place of an unfit one, unless somebody else just did."""
        self._disconnect()
        self._unlock()
        with self._locked(fcntl.LOCK_EX):
            if _inode_of(self.path) != unfit.inode:
                return
            aside = self._move_aside(unfit.suffix) if unfit.reason else None
            with closing(connect(self.path)) as fresh:
                fresh.execute("PRAGMA journal_mode = WAL")
                with transaction(fresh):
                    create_table(fresh)
                    salvaged = take_over(aside, fresh) if aside else 0
        if aside:
            self.aside = aside
            logging.getLogger(__name__).warning(
                "%s: %s; moved to %s, %d answers taken over", self.path, unfit.reason, aside.name, salvaged
            )

    def _move_aside(self, suffix: str) -> Path:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.{suffix}-{number}")).exists():
            number += 1
        for side in _SIDE_FILES:
            with suppress(FileNotFoundError):
                Path(f"{self.path}{side}").rename(f"{aside}{side}")
        return aside

    @contextmanager
    def _locked(self, mode: int) -> Iterator[None]:
        if self._lock is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                fcntl.flock(self._lock, mode | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RmsError(f"{self.path}: {_FAULTS[sqlite3.SQLITE_BUSY]}") from None
                time.sleep(0.005)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _unlock(self) -> None:
        """Forget the lock's file: it may be another one by now, if somebody removed the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def _faults_explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._meaning_of(error) from None
        except UnicodeDecodeError as error:
            raise _UnfitError(self._inode, f"damaged ({one_line(error)})") from None
        except OSError as error:
            where = error.filename or self.path
            raise RmsError(f"{where}: {error.strerror}; mend that or {_ELSEWHERE}") from None

    def _meaning_of(self, error: sqlite3.DatabaseError) -> Exception:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # a mistake of the caller
            return error
        writable = all(os.access(place, os.W_OK, effective_ids=True) for place in (self.path, self.path.parent))
        if code & 0xFF in _DAMAGE or (code & 0xFF == sqlite3.SQLITE_READONLY and writable):
            return _UnfitError(self._inode, f"damaged ({one_line(error)})")
        return RmsError(f"{self.path}: {_FAULTS.get(code & 0xFF, f'{one_line(error)}; {_ELSEWHERE}')}")


def _inode_of(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - once for each look-up: half the time of Path.stat
    except FileNotFoundError:
        return None
