"""Real files, real processes and real faults; nothing here stands in for SQLite or for the disk."""

import contextlib
import logging
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rms.assistant.openai.answer_table import Row, keep, transaction
from rms.assistant.openai.request import Answer, Message, Request, Usage
from rms.assistant.openai.response_cache import ResponseCache, answers_file, key_of
from rms.cache_command import cache as commands
from rms.errors import RmsError

Rows = list[tuple[str, str, Answer]]
PAGE = 4096
SCHEMA = {"title": "Reply", "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
PARTS: dict[str, Any] = {
    "endpoint": "http://localhost:8000/v1",
    "model": "gpt-4o",
    "sampling": {"temperature": 0.7, "top_p": 1.0, "seed": 1, "image_detail": "low"},
    "task": "describe",
    "messages": [Message("system", "Be brief."), Message("user", "What is this?", (b"one", b"two"))],
    "schema": SCHEMA,
    "repeat": 0,
}


def _key(**changes: Any) -> str:
    parts = PARTS | changes
    request = Request(parts["task"], parts["messages"], parts["schema"], parts["repeat"])
    return key_of(parts["endpoint"], parts["model"], parts["sampling"], request)


def _rows(count: int, owner: str = "") -> Rows:
    """Answers from a few bytes to more than one page of the file."""
    return [
        (
            sha256(f"{owner}{number}".encode()).hexdigest(),
            "m" if number % 2 else "n",
            Answer(f"{owner} answer {number} é " * (1 + number % 9), Usage(number, 2 * number, number % 3 == 0)),
        )
        for number in range(count)
    ]


def _answers(rows: Rows) -> dict[str, Answer]:
    return {key: answer for key, _, answer in rows}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path / "cache"))
    return answers_file()


def _fill(path: Path, rows: Rows) -> None:
    with ResponseCache(path) as cache:
        cache.put_many(rows)


def _flip(path: Path, *places: int) -> None:
    content = bytearray(path.read_bytes())
    for place in places:
        content[place] ^= 0x55
    path.write_bytes(content)


# --- keys


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "http://localhost:8001/v1"},
        {"model": "gpt-4o-mini"},
        {"sampling": PARTS["sampling"] | {"temperature": 0.8}},
        {"sampling": PARTS["sampling"] | {"image_detail": "high"}},
        {"sampling": PARTS["sampling"] | {"extra_body": {"min_p": 0.1}}},
        {"messages": [Message("user", "Be brief."), PARTS["messages"][1]]},
        {"messages": [PARTS["messages"][0], Message("user", "What is that?", (b"one", b"two"))]},
        {"messages": [PARTS["messages"][0], Message("user", "What is this?", (b"one", b"tw0"))]},
        {"messages": [PARTS["messages"][0], Message("user", "What is this?", (b"two", b"one"))]},
        {"messages": [PARTS["messages"][0], Message("user", "What is this?", (b"onetwo",))]},
        {"messages": [PARTS["messages"][0]]},
        {"schema": SCHEMA | {"title": "Other"}},
        {"schema": SCHEMA | {"properties": {"b": {"type": "string"}, "a": {"type": "string"}}}},
        {"repeat": 1},
    ],
)
def test_a_key_changes_with_everything_that_changes_an_answer(changes: dict[str, Any]) -> None:
    assert _key(**changes) != _key()


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "check_image"},
        {"endpoint": "http://localhost:8000/v1/"},
        {"sampling": dict(reversed(PARTS["sampling"].items()))},
        {"sampling": PARTS["sampling"] | {"max_tokens": None}},
    ],
)
def test_a_key_stays_where_the_answer_would(changes: dict[str, Any]) -> None:
    assert _key(**changes) == _key()


def test_a_key_is_the_same_in_another_process() -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1]); import test_response_cache as t; print(t._key())"
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", program, str(Path(__file__).parent)]
    assert subprocess.check_output(command, env=environment, text=True).strip() == _key()


# --- answers


def test_answers_come_back_as_they_were_and_in_the_order_asked(path: Path) -> None:
    rows = [*_rows(1200), ("f" * 64, "m", Answer("a lone \ud83d, a \0 and ünïcödé", Usage(0, 0)))]
    _fill(path, rows)
    with ResponseCache() as cache:
        wanted = [key for key, _, _ in reversed(rows)]
        found = cache.get_many([*wanted[:3], "0" * 64, *wanted[3:]])
        assert found == _answers(rows)
        assert list(found) == wanted
        assert cache.get("0" * 64) is None
        assert cache.get(wanted[0]) == rows[-1][2]


def test_a_later_answer_takes_the_place_of_the_earlier(path: Path) -> None:
    with ResponseCache(path) as cache:
        cache.put_many([("k", "m", Answer("first", Usage(1, 1)))])
        cache.put_many([("k", "m", Answer("second", Usage(2, 2)))])
        assert cache.get("k") == Answer("second", Usage(2, 2))
        assert [model.answers for model in cache.stats().models] == [1]


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(path: Path) -> None:
    good = _rows(5)
    with ResponseCache(path) as cache:
        with pytest.raises(sqlite3.ProgrammingError):
            cache.put_many([*good, ("bad", ["no model"], good[0][2])])  # type: ignore[list-item]
        assert cache.get_many([key for key, _, _ in good]) == {}
        cache.put_many(good)
        assert cache.get_many([key for key, _, _ in good]) == _answers(good)


# --- at once


def _write_in_batches(path: Path, owner: str) -> None:
    rows = _rows(300, owner)
    with ResponseCache(path) as cache:
        for start in range(0, len(rows), 10):
            cache.put_many(rows[start : start + 10])


def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    owners = ["red", "green", "blue"]
    writers = [spawn.Process(target=_write_in_batches, args=(path, owner)) for owner in owners]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with ResponseCache(path) as cache:
        for owner in owners:
            rows = _rows(300, owner)
            assert cache.get_many([key for key, _, _ in rows]) == _answers(rows)


def test_threads_share_one_cache(path: Path) -> None:
    faults = []

    def work(owner: str) -> None:
        rows = _rows(60, owner)
        try:
            for row in rows:
                cache.put_many([row])
                assert cache.get(row[0]) == row[2]
            assert cache.get_many([key for key, _, _ in rows]) == _answers(rows)
        except BaseException as fault:
            faults.append(fault)

    with ResponseCache(path) as cache:
        threads = [threading.Thread(target=work, args=(f"thread {number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not faults
        assert sum(model.answers for model in cache.stats().models) == 8 * 60


def _write_then_wait(path: Path, ready: Any) -> None:
    cache = ResponseCache(path)
    cache.put_many(_rows(50, "first"))
    cache.put_many(_rows(50, "second"))
    ready.set()
    time.sleep(60)


def test_a_killed_writer_loses_nothing_that_was_put(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    writer = spawn.Process(target=_write_then_wait, args=(path, ready))
    writer.start()
    assert ready.wait(30)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    rows = _rows(50, "first") + _rows(50, "second")
    with ResponseCache(path) as cache:
        assert cache.get_many([key for key, _, _ in rows]) == _answers(rows)


def test_every_commit_is_synced(path: Path) -> None:
    with ResponseCache(path) as cache:
        cache.put_many(_rows(1))
        pragmas = cache._writer.use(
            lambda db: [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        )
    assert pragmas == ["wal", 2]


# --- damage


def test_a_row_with_flipped_bytes_is_absent_and_removed(path: Path) -> None:
    rows = _rows(40)
    _fill(path, rows)
    victim = rows[7]
    _flip(path, path.read_bytes().index(victim[2].text.encode()) + 3)
    with ResponseCache() as cache:
        assert cache.get(victim[0]) is None
        assert cache.get_many([key for key, _, _ in rows]) == _answers(rows[:7] + rows[8:])
        assert sum(model.answers for model in cache.stats().models) == 39
        cache.put_many([victim])
        assert cache.get(victim[0]) == victim[2]


@pytest.mark.parametrize("content", [b"no database at all\n" * 500, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_file_that_is_no_database_is_moved_aside_with_one_warning(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    rows = _rows(3)
    with ResponseCache() as cache:
        assert cache.get(rows[0][0]) is None
        cache.put_many(rows)
        assert cache.get_many([key for key, _, _ in rows]) == _answers(rows)
    assert (path.parent / "answers.sqlite.damaged-1").read_bytes() == content
    assert len(caplog.records) == 1
    assert "answers.sqlite.damaged-1" in caplog.text
    path.write_bytes(content)
    with ResponseCache() as cache:
        assert cache.get(rows[0][0]) is None
    assert (path.parent / "answers.sqlite.damaged-2").exists()


@pytest.mark.parametrize("place", [0, 18, 28, 30, 103, 3900])
def test_a_damaged_first_page_costs_no_answer(path: Path, place: int) -> None:
    rows = _rows(600)
    _fill(path, rows)
    _flip(path, place)
    with ResponseCache() as cache:
        assert cache.get_many([key for key, _, _ in rows]) == _answers(rows)
        cache.put_many(_rows(1, "new"))
        assert cache.verify().ok == 601


def test_a_page_of_rubbish_costs_only_the_answers_around_it(path: Path) -> None:
    rows = _rows(600)
    _fill(path, rows)
    content = path.read_bytes()
    page = content.index(rows[300][2].text.encode()) // PAGE
    path.write_bytes(content[: page * PAGE] + bytes(range(256)) * (PAGE // 256) + content[(page + 1) * PAGE :])
    with ResponseCache() as cache:
        found = cache.get_many([key for key, _, _ in rows])
    assert 500 < len(found) < 600
    assert found.items() <= _answers(rows).items()


def test_any_flipped_bytes_leave_a_cache_that_answers_rightly_or_not_at_all(path: Path) -> None:
    rows = _rows(120)
    _fill(path, rows)
    sound = path.read_bytes()
    for round_ in range(60):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        path.write_bytes(sound)
        digest = sha256(f"round {round_}".encode()).digest()
        numbers = [int.from_bytes(digest[start : start + 4], "big") for start in range(0, 32, 4)]
        _flip(path, *(number % (PAGE if round_ % 2 else len(sound)) for number in numbers[: 1 + round_ % 8]))
        with ResponseCache() as cache:
            assert cache.get_many([key for key, _, _ in rows]).items() <= _answers(rows).items()
            cache.put_many(_rows(1, "new"))
            cache.verify()
            assert cache.get_many([key for key, _, _ in _rows(1, "new")]) == _answers(_rows(1, "new"))
            assert cache.get_many([key for key, _, _ in rows]).items() <= _answers(rows).items()


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE responses (key, answer)", "INSERT INTO responses VALUES ('k', 'v')"],
        ["CREATE TABLE answers (key, text)", "PRAGMA user_version = 99"],
    ],
)
def test_a_cache_of_another_version_is_moved_aside_with_one_warning(
    path: Path, statements: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as old:
        for statement in statements:
            old.execute(statement)
    with ResponseCache() as cache:
        cache.put_many(_rows(2))
        assert cache.get("k") is None
        assert cache.verify().ok == 2
    assert len(caplog.records) == 1
    assert "version" in caplog.text
    assert len(list(path.parent.glob("answers.sqlite.version*-1"))) == 1


def test_a_schema_with_bytes_that_are_not_text_costs_no_answer(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = _rows(5)
    _fill(path, rows)
    sound = path.read_bytes()
    for place in range(sound.index(b"CREATE TABLE") - 40, PAGE, 2):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        path.write_bytes(sound[:place] + b"\xf1" + sound[place + 1 :])
        with ResponseCache() as cache:
            assert cache.get_many([key for key, _, _ in rows]) == _answers(rows)
    assert "damaged" in caplog.text


def test_a_file_is_not_moved_aside_under_a_writer(path: Path) -> None:
    row = _rows(1)[0]
    in_transaction, go_on = threading.Event(), threading.Event()

    def put_slowly(db: sqlite3.Connection) -> None:
        with transaction(db):
            keep(db, [Row.of(*row, created=0)])
            in_transaction.set()
            go_on.wait(10)

    with ResponseCache(path) as one, ResponseCache(path) as other:
        writer = threading.Thread(target=one._writer.use, args=(put_slowly,))
        mender = threading.Thread(target=other._writer.give_up, args=("damaged",))
        writer.start()
        assert in_transaction.wait(10)
        mender.start()
        mender.join(0.2)
        assert mender.is_alive()
        go_on.set()
        writer.join()
        mender.join()
        assert one.get(row[0]) == row[2]


def test_a_damaged_file_is_moved_aside_once_by_the_many_who_find_it(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all\n" * 500)
    start = threading.Barrier(8)

    def work(number: int) -> None:
        with ResponseCache(path) as cache:
            start.wait()
            cache.put_many(_rows(5, str(number)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([file for file in path.parent.glob("*damaged-*") if file.suffix[-1].isdigit()]) == 1
    every = [row for number in range(8) for row in _rows(5, str(number))]
    with ResponseCache(path) as cache:
        assert cache.get_many([key for key, _, _ in every]) == _answers(every)


def test_who_had_the_damaged_file_open_goes_on_with_the_fresh_one(path: Path) -> None:
    with ResponseCache(path) as one, ResponseCache(path) as other:
        one.put_many(_rows(10, "before"))
        other.put_many(_rows(10, "before too"))
        one._writer.give_up("damaged")
        other.put_many(_rows(10, "after"))
        one.put_many(_rows(10, "last"))
    every = [row for owner in ("before", "before too", "after", "last") for row in _rows(10, owner)]
    with ResponseCache(path) as cache:
        assert cache.get_many([key for key, _, _ in every]) == _answers(every)


def _give_up_often(path: Path) -> None:
    logging.disable()
    with ResponseCache(path) as cache:
        for _ in range(8):
            cache._writer.give_up("damaged")


def test_nothing_is_lost_while_another_process_mends_the_file(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write_in_batches, args=(path, owner)) for owner in ("red", "green")]
    workers += [spawn.Process(target=_give_up_often, args=(path,))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    rows = _rows(300, "red") + _rows(300, "green")
    with ResponseCache(path) as cache:
        assert cache.get_many([key for key, _, _ in rows]) == _answers(rows)


def test_a_cache_folder_removed_in_the_middle_is_made_again(path: Path) -> None:
    with ResponseCache() as cache:
        cache.put_many(_rows(3))
        shutil.rmtree(path.parent)
        assert cache.get(_rows(1)[0][0]) is None
        cache.put_many(_rows(2))
        assert cache.get_many([key for key, _, _ in _rows(3)]) == _answers(_rows(2))


# --- disks

_FILL_DISK = """
import sys
sys.path.insert(0, sys.argv[1])
from test_response_cache import *
from test_response_cache import _answers, _rows
path = Path(sys.argv[2]) / "responses" / "answers.sqlite"
with ResponseCache(path) as cache:
    kept = []
    try:
        for number in range(1000):
            batch = _rows(20, str(number))
            cache.put_many(batch)
            kept += batch
    except RmsError as error:
        print(error)
    assert len(kept) >= 20
    assert cache.get_many([key for key, _, _ in kept]) == _answers(kept)
with ResponseCache(path) as cache:
    assert cache.get_many([key for key, _, _ in kept]) == _answers(kept)
"""


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0,
    reason="a small disk of its own needs user namespaces",
)
def test_a_full_disk_is_one_line_and_keeps_what_was_stored(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=900k none "$0" && exec "$@"'
    program = [sys.executable, "-c", _FILL_DISK, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, str(tmp_path), *program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert str(tmp_path / "responses" / "answers.sqlite") in done.stdout
    assert "disk" in done.stdout
    assert "full" in done.stdout
    assert "RMS_CACHE_DIR" in done.stdout


def test_a_database_at_its_limit_is_one_line_and_keeps_what_was_stored(path: Path) -> None:
    rows = _rows(2000)
    with ResponseCache(path) as cache:
        cache.put_many(rows[:20])
        cache._writer.use(lambda db: db.execute("PRAGMA max_page_count = 40").fetchone())
        with pytest.raises(RmsError, match=r"answers\.sqlite: the disk is full; free .* RMS_CACHE_DIR"):
            cache.put_many(rows)
        assert cache.get_many([key for key, _, _ in rows]) == _answers(rows[:20])


@contextlib.contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may write anywhere: be somebody else for a moment."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_one_line() -> None:
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path: its parents are closed to nobody
        Path(folder).chmod(0o555)
        path = Path(folder) / "responses" / "answers.sqlite"
        with _as_nobody(), ResponseCache(path) as cache, pytest.raises(RmsError) as caught:
            cache.put_many(_rows(1))
        assert str(path.parent) in str(caught.value)
        assert "RMS_CACHE_DIR" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_written_is_one_line_and_is_left_alone() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "answers.sqlite"
        _fill(path, _rows(3))
        path.with_name("answers.sqlite.lock").chmod(0o666)
        before = path.read_bytes()
        with (
            _as_nobody(),
            ResponseCache(path) as cache,
            pytest.raises(RmsError, match=r"answers\.sqlite: .*make the file"),
        ):
            cache.put_many(_rows(1, "new"))
        assert path.read_bytes() == before
        assert not list(path.parent.glob("*-1"))


def test_a_file_where_the_folder_should_be_is_one_line(path: Path) -> None:
    path.parent.parent.write_text("in the way")
    with ResponseCache() as cache, pytest.raises(RmsError, match="RMS_CACHE_DIR"):
        cache.get("k")


# --- commands


def _rms_cache(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(commands, list(arguments))
    return done.exit_code, done.output


def test_stats_lists_models_tokens_size_and_place(path: Path) -> None:
    _fill(path, _rows(10))
    status, out = _rms_cache("stats")
    assert status == 0
    assert f"place    {path}" in out
    assert "answers  10\n" in out
    assert ["m", "5", "25", "50"] in [line.split() for line in out.splitlines()]
    assert ["n", "5", "20", "40"] in [line.split() for line in out.splitlines()]


def test_stats_of_no_cache(path: Path) -> None:
    assert not path.exists()
    status, out = _rms_cache("stats")
    assert status == 0
    assert "answers  0\n" in out


def _age(path: Path, rows: Rows, days: float, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now - days * 86_400)
        _fill(path, rows)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--older-than", "30"], {"young m", "young n"}),
        (["--model", "m"], {"old n", "young n"}),
        (["--older-than", "30", "--model", "m"], {"old n", "young m", "young n"}),
        (["--older-than", "90"], {"old m", "old n", "young m", "young n"}),
        (["--older-than", "0"], set()),
    ],
)
def test_prune_forgets_by_age_and_model(
    path: Path, options: list[str], left: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for age, days in (("old", 60), ("young", 1)):
        rows = [(f"{age} {model}", model, Answer("text", Usage(1, 1))) for model in ("m", "n")]
        _age(path, rows, days, monkeypatch)
    assert _rms_cache("prune", *options) == (0, f"{4 - len(left)} answers forgotten\n")
    with ResponseCache() as cache:
        assert set(cache.get_many([f"{age} {model}" for age in ("old", "young") for model in ("m", "n")])) == left


def test_prune_gives_disk_space_back(path: Path) -> None:
    _fill(path, _rows(2000))
    before = path.stat().st_size
    _rms_cache("prune", "--model", "m")
    with ResponseCache() as cache:
        assert cache.stats().bytes_on_disk < 0.7 * before


@pytest.mark.parametrize("days", ["nan", "inf"])
def test_prune_by_what_is_no_number_of_days_forgets_nothing(path: Path, days: str) -> None:
    _fill(path, _rows(4))
    assert _rms_cache("prune", "--older-than", days)[0] == 2
    with ResponseCache() as cache:
        assert sum(model.answers for model in cache.stats().models) == 4


def test_prune_without_a_choice_forgets_nothing(path: Path) -> None:
    _fill(path, _rows(4))
    status, out = _rms_cache("prune")
    assert status == 2
    assert "--older-than" in out
    with ResponseCache() as cache:
        assert cache.verify().ok == 4
        with pytest.raises(ValueError, match="age or a model"):
            cache.prune(None, None)


def test_verify_is_content_with_a_sound_cache(path: Path) -> None:
    _fill(path, _rows(40))
    assert _rms_cache("verify") == (0, "40 answers are sound, 0 were damaged and are removed\n")


def test_verify_removes_damaged_answers_and_fails_once(path: Path) -> None:
    rows = _rows(40)
    _fill(path, rows)
    content = path.read_bytes()
    _flip(path, *(content.index(rows[number][2].text.encode()) + 2 for number in (8, 26)))
    assert _rms_cache("verify") == (1, "38 answers are sound, 2 were damaged and are removed\n")
    assert _rms_cache("verify")[0] == 0


def test_verify_mends_an_index_that_hides_answers(path: Path) -> None:
    rows = _rows(40)
    _fill(path, rows)
    content = path.read_bytes()
    key = rows[5][0].encode()
    places = [place for place in range(len(content)) if content.startswith(key, place)]
    for place in places:  # one of them is in the table, one in the index
        path.write_bytes(content)
        _flip(path, place + 60)
        assert _rms_cache("verify")[0] == 1
        assert _rms_cache("verify")[0] == 0
        with ResponseCache() as cache:
            assert len(cache.get_many([row[0] for row in rows])) >= 39
    assert len(places) == 2


def test_verify_says_where_a_damaged_file_went(path: Path) -> None:
    rows = _rows(40)
    _fill(path, rows)
    _flip(path, 0)
    status, out = _rms_cache("verify")
    assert status == 1
    assert "40 answers are sound" in out
    assert str(path.with_name("answers.sqlite.damaged-1")) in out
