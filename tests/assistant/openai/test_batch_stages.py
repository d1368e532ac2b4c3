"""Whole stages in batch mode: what they write, what a kill costs, and two of them at once."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from endpoint_project import configure, contents, do, files_with_the_key, stage
from fault_server import Behaviour, Server, running

from rms.store import read_json

CHECKED = "safe together"
"""Stands in the question that decides whether a pair is risky."""


def in_batches(url: str, *overrides: str, **alike: str | int | float) -> None:
    configure(url, *overrides, mode="batch", **{"batch.least": 1, "batch.poll_s": 0.1, "batch.rounds": 50}, **alike)


def begin(name: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rms", "stage", name], cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip


def wait_for_batches(server: Server, count: int) -> None:
    deadline = time.monotonic() + 60
    while server.stats().batches < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("project")
def test_data_is_the_same_as_online_for_half_the_money_and_nothing_is_asked_in_vain():
    augment = ("augment.variations=2", "augment.criteria=[paraphrase,question,casual]")
    stages = {"patterns": "data/patterns", "generate": "data/triplets", "augment": "data/augmented"}
    with running(Behaviour(unsafe_if=CHECKED)) as server:
        configure(server.url, *augment, concurrency=4)
        do(*stages)
        online = {name: contents(folder) for name, folder in stages.items()}
        books = server.stats()
        shutil.rmtree("cache/responses")
        server.behave(Behaviour(unsafe_if=CHECKED), forget=True)
        in_batches(server.url, *augment, concurrency=4)
        do(*stages)
        halved = server.stats()
    assert halved.requests == 0
    assert (len(halved.batched), len(set(halved.batched))) == (books.requests, books.requests)
    assert (halved.input_tokens, halved.output_tokens) == (books.input_tokens, books.output_tokens)
    for name, folder in stages.items():
        now = contents(folder)
        spent = Path(folder) / "spending.json"
        assert read_json(spent)["cost_usd"] == pytest.approx(
            json.loads(online[name].pop(spent))["cost_usd"] / 2, abs=1e-6
        )
        assert now.pop(spent)
        assert now == online[name]


@pytest.mark.parametrize("known", [True, False])
def test_a_killed_stage_finds_its_batch_again(project, known):
    with running(Behaviour(batch_s=1.0)) as server:
        in_batches(server.url)
        killed = begin("patterns", project)
        wait_for_batches(server, 1)
        time.sleep(0.3)  # it is waiting now
        killed.kill()
        _, said = killed.communicate()
        assert "questions sent" in said
        assert not Path("data/patterns").exists()
        if not known:  # as if it had been killed before it was told how its batch is called
            note = next(Path("cache/batches").glob("*.json"))
            note.write_text(json.dumps(read_json(note) | {"batch_id": None}))
        do("patterns")
        books = server.stats()
    assert (books.requests, books.batches) == (0, 2)  # descriptions, and the patterns after them
    assert set(Counter(books.batched).values()) == {1}
    assert files_with_the_key(project) == []


def test_two_at_once_send_no_question_twice(project, tmp_path_factory):
    with running(Behaviour(batch_s=0.5)) as server:
        in_batches(server.url)
        other = tmp_path_factory.mktemp("other")
        shutil.copytree(project, other, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cache"))
        both = [begin("patterns", folder) for folder in (project, other)]  # with the one cache of the environment
        for process in both:
            _, said = process.communicate(timeout=120)
            assert process.returncode == 0, said
        books = server.stats()
    assert books.requests == 0
    assert set(Counter(books.batched).values()) == {1}
    assert [path.read_bytes() for path in sorted((other / "data/patterns").rglob("*.parquet"))] == [
        path.read_bytes() for path in sorted((project / "data/patterns").rglob("*.parquet"))
    ]


@pytest.mark.usefixtures("project")
def test_an_endpoint_without_batches_is_one_line():
    with running(Behaviour(no_batches=True)) as server:
        in_batches(server.url)
        done = stage("patterns")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"rms: {server.url}: has no batches API; set assistant.mode=online\n"
