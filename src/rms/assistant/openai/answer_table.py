"""The table answers are kept in: rows that prove themselves by a checksum, and what can be read of a damaged one."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from rms.assistant.openai.request import Answer, Usage

VERSION = 1
"""Kept in PRAGMA user_version; raise it when the table, the checksum or the meaning of a key changes."""
COLUMNS = "key, model, created, text, input_tokens, output_tokens, estimated, checksum"
BUSY_S = 60.0
"""How long to wait for another process."""
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)  # the latter when SQLite quotes damaged names

# The columns have no types and no constraints: what flipped bytes make of a value is for the checksum to judge.
_CREATE = f"CREATE TABLE IF NOT EXISTS answers ({COLUMNS}, PRIMARY KEY (key))"
# An update in place keeps the order in which answers came, and what can be salvaged, where REPLACE would not.
_UPDATES = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split(", ")[1:])
_KEEP = f"INSERT INTO answers ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET {_UPDATES}"
_LAST_ROWID = 2**62


class Row(NamedTuple):
    """One answer as it lies in the table; after damage a value may be of any type."""

    key: str
    model: str
    created: int
    """Unix time in seconds."""
    text: bytes
    """UTF-8, with lone surrogates let through: endpoints do send them."""
    input_tokens: int
    output_tokens: int
    estimated: int | str
    """0 or 1. Where tokens came at the price of a batch, "ESTIMATED INPUT OUTPUT" says how many: had they columns of
    their own, earlier versions would take the file for damaged."""
    checksum: bytes

    @classmethod
    def of(cls, key: str, model: str, answer: Answer, created: int) -> "Row":
        text, usage = answer.text.encode("utf-8", "surrogatepass"), answer.usage
        estimated: int | str = int(usage.estimated)
        if usage.batch_input or usage.batch_output:
            estimated = f"{estimated} {usage.batch_input} {usage.batch_output}"
        bare = cls(key, model, created, text, usage.input_tokens, usage.output_tokens, estimated, checksum=b"")
        return bare._replace(checksum=_checksum(bare))

    @property
    def intact(self) -> bool:
        return self.checksum == _checksum(self)

    @property
    def answer(self) -> Answer:
        """The answer of an intact row."""
        estimated, *batch = map(int, str(self.estimated).split())
        usage = Usage(self.input_tokens, self.output_tokens, bool(estimated), *batch)
        return Answer(self.text.decode("utf-8", "surrogatepass"), usage)


def _checksum(row: Row) -> bytes:
    return blake2b(ascii((VERSION, *row[:-1])).encode(), digest_size=16).digest()


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
    try:
        connection.execute("PRAGMA synchronous = FULL")  # in WAL mode NORMAL would not sync at every commit
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")  # flipped bytes need not be UTF-8


def create_table(connection: sqlite3.Connection) -> None:
    """Make the table and set the version, in the transaction that is open."""
    connection.execute(_CREATE)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def keep(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Insert rows in the transaction that is open, in place of rows with the same key."""
    connection.executemany(_KEEP, rows)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and on the disk when the block has ended."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def take_over(damaged: Path, fresh: sqlite3.Connection) -> int:
    """Copy the intact rows of a file that was given up; return how many."""
    for opened in (connect, _with_new_first_page):
        try:
            source = opened(damaged)
        except UNREADABLE:
            continue
        with closing(source):
            keep(fresh, (row for row in _readable(source) if row.intact))
    return int(fresh.execute("SELECT count(*) FROM answers").fetchone()[0])


def _with_new_first_page(damaged: Path) -> sqlite3.Connection:
    """The file in memory, with a sound header and schema, which are the same in every such file but for its size."""
    content = damaged.read_bytes()
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(_CREATE)
    sound = bytearray(connection.serialize())
    page = int(connection.execute("PRAGMA page_size").fetchone()[0])
    pages = len(content) // page
    sound[28:32] = pages.to_bytes(4, "big")  # https://www.sqlite.org/fileformat2.html#the_database_header
    connection.deserialize(bytes(sound[:page]) + content[page : pages * page])
    connection.text_factory = _text
    return connection


def _readable(source: sqlite3.Connection) -> Iterator[Row]:
    """Rows in order of arrival, by ever longer leaps over what cannot be read."""
    position, leap = 0, 1
    while position < _LAST_ROWID and leap < _LAST_ROWID:
        try:
            rows = source.execute(f"SELECT rowid, {COLUMNS} FROM answers NOT INDEXED WHERE rowid > ?", (position,))
            for rowid, *values in rows:
                yield Row(*values)
                position, leap = max(position, rowid), 1
        except UNREADABLE:
            position, leap = position + leap, leap * 2
        else:
            return
