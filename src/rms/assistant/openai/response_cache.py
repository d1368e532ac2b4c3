"""Answers that were paid for once, found again by everything that could have changed them."""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from rms.assistant.openai.answer_file import AnswerFile
from rms.assistant.openai.answer_table import COLUMNS, VERSION, Row, keep, transaction
from rms.assistant.openai.request import Answer, Request
from rms.cache import cache_folder

_AT_ONCE = 500
"""Rows asked for in one statement: SQLite of old bound 999 values at most."""
_DAY_S = 86_400


def answers_file() -> Path:
    """Where answers are kept; it need not exist yet."""
    return cache_folder() / "responses" / "answers.sqlite"


def key_of(endpoint: str, model: str, sampling: Mapping[str, Any], request: Request) -> str:
    """The sha256, in hex, over all that can change an answer.

    `sampling` is everything else that goes into the body or shapes it (temperature, seed, extra body, image
    detail, ...), never a key or a header; an entry that is None counts as absent. The order of a schema's
    properties counts, because endpoints answer in that order.
    """
    ingredients = {
        "version": VERSION,
        "endpoint": endpoint.rstrip("/"),
        "model": model,
        "sampling": {name: value for name, value in sampling.items() if value is not None},
        "messages": [
            [turn.role, turn.text, [sha256(image).hexdigest() for image in turn.images]] for turn in request.messages
        ],
        "schema": json.dumps(request.schema),
        "repeat": request.repeat,
        **({"logprobs": request.logprobs} if request.logprobs else {}),
    }
    return sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()


class ModelAnswers(NamedTuple):
    """What is kept of one model; tokens are what the answers took when they were asked for."""

    model: str
    answers: int
    input_tokens: int
    output_tokens: int


class Stats(NamedTuple):
    """What is kept, by model in order of name."""

    path: Path
    bytes_on_disk: int
    models: list[ModelAnswers]


class Verification(NamedTuple):
    """How many answers are sound, how many were not and are gone, and where a damaged file was moved to."""

    ok: int
    removed: int
    aside: Path | None


class ResponseCache:
    """A store of answers that threads and processes may use at once; make another one after a fork.

    Every method raises RmsError, one line, when the disk is full or the folder cannot be written. Answers that
    are damaged on the disk are absent; a file that is damaged as a whole is moved aside with a warning.
    """

    def __init__(self, path: Path | None = None) -> None:
        path = path or answers_file()
        self._reader = AnswerFile(path)
        self._writer = AnswerFile(path)  # its own connection: who looks up does not wait while answers are synced

    def __enter__(self) -> "ResponseCache":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; a later use opens it again."""
        self._reader.close()
        self._writer.close()

    def get(self, key: str) -> Answer | None:
        """The answer kept under `key`."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Sequence[str]) -> dict[str, Answer]:
        """The answers there are, by key, in the order of `keys`."""
        found: dict[str, Answer] = {}
        for start in range(0, len(keys), _AT_ONCE):
            wanted = keys[start : start + _AT_ONCE]
            query = f"SELECT rowid, {COLUMNS} FROM answers WHERE key IN ({', '.join('?' * len(wanted))})"
            rows = _fetch(self._reader, query, wanted)
            found.update((row.key, row.answer) for row in self._intact(rows))
        return {key: found[key] for key in keys if key in found}

    def put_many(self, rows: Sequence[tuple[str, str, Answer]]) -> None:
        """Keep answers, each with its key and model, in one transaction; on return they outlive a power cut."""
        now = int(time.time())
        made = [Row.of(key, model, answer, now) for key, model, answer in rows]

        def put(db: sqlite3.Connection) -> None:
            with transaction(db):
                keep(db, made)

        if made:
            self._writer.use(put)

    def stats(self) -> Stats:
        """How much is kept, and where."""
        query = """SELECT model, count(*), sum(input_tokens), sum(output_tokens)
            FROM answers GROUP BY model ORDER BY model"""
        rows = self._reader.use(lambda db: db.execute(query).fetchall())
        path = self._reader.path
        files = [path, path.with_name(f"{path.name}-wal")]
        size = sum(file.stat().st_size for file in files if file.exists())
        models = [ModelAnswers(str(model), *(int(number) for number in numbers)) for model, *numbers in rows]
        return Stats(path, size, models)

    def prune(self, older_than_days: float | None, model: str | None) -> int:
        """Forget answers at least so old and of this model (None: of any); return how many, and shrink the file."""
        if older_than_days is None and model is None:
            raise ValueError("prune needs an age or a model: without them it would forget everything")
        until = None if older_than_days is None else time.time() - older_than_days * _DAY_S
        which = "(:until IS NULL OR created <= :until) AND (:model IS NULL OR model = :model)"

        def prune(db: sqlite3.Connection) -> int:
            return db.execute(f"DELETE FROM answers WHERE {which}", {"until": until, "model": model}).rowcount

        removed = self._writer.use(prune)
        self._writer.use(_shrink)
        return removed

    def verify(self) -> Verification:
        """Check the file's structure and every answer in it; what is not sound is removed."""
        before = self._writer.use(_count)
        faults = self._writer.use(lambda db: db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        if faults != "ok":
            self._writer.give_up(f"damaged ({faults})")
        query = f"SELECT rowid, {COLUMNS} FROM answers NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT {_AT_ONCE}"
        ok, last = 0, 0
        while rows := _fetch(self._writer, query, (last,)):
            ok += len(self._intact(rows))
            last = rows[-1][0]
        return Verification(ok, max(0, before - ok), self._writer.aside or self._reader.aside)

    def _intact(self, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """The sound ones of `rows`, each led by its rowid; the others are removed."""
        checked = [(rowid, Row(*values)) for rowid, *values in rows]
        damaged = [(rowid, row.checksum) for rowid, row in checked if not row.intact]
        if damaged:  # the checksum says it is still that row, and not an answer that came in its place
            query = "DELETE FROM answers WHERE rowid = ? AND checksum IS ?"
            self._writer.use(lambda db: db.executemany(query, damaged))
        return [row for _, row in checked if row.intact]


def _fetch(file: AnswerFile, query: str, values: Sequence[Any]) -> list[Any]:
    return file.use(lambda db: db.execute(query, values).fetchall())


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM answers").fetchone()[0])


def _shrink(db: sqlite3.Connection) -> None:
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
