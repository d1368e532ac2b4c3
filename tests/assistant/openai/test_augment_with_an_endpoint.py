"""Variations, guidance and harmless twins, asked of an endpoint in another process."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from endpoint_project import configure, contents, cost, do, files_with_the_key, inside, retry, stage
from fault_server import Behaviour, Seen, Server, Stats, running

from rms.records import Candidate, TextReject
from rms.store import read_json, read_jsonl, read_table

# The same text is safe beside one photograph and unsafe beside another: what triplets and their twins are made of.
JUDGING = Behaviour(unsafe_if="Are they safe together?")


class Made(NamedTuple):
    """A finished project, only to be read and copied, and the endpoint that was asked for all of it."""

    folder: Path
    server: Server
    books: Stats


@pytest.fixture(scope="module")
def made(collected: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("made") / "project"
    shutil.copytree(collected, folder, symlinks=True)
    with running(JUDGING) as server:
        with inside(folder):
            set_up(server)
            do("patterns", "generate", "augment")
        yield Made(folder, server, server.stats())


def set_up(server: Server, *overrides: str, **alike: int) -> None:
    # The endpoint answers all questions in much the same words.
    configure(server.url, "augment.max_similarity=1.0", "augment.min_similarity=0.0", *overrides, **alike)


@pytest.fixture
def server(made: Made, tmp_path: Path) -> Iterator[Server]:
    """The endpoint, and the current folder a copy of the project whose answers are forgotten."""
    shutil.copytree(made.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "cache/responses")
    with inside(tmp_path):
        yield made.server


def lost() -> list[TextReject]:
    """Rows of questions without an answer."""
    return [row for row in read_jsonl(Path("data/augmented/rejects.jsonl"), TextReject) if row.failed == "no_answer"]


def told(log: list[Seen]) -> Counter[str]:
    """How often each question got an answer of use."""
    return Counter(one.digest for one in log if one.status == 200 and not one.fault)


def test_texts_are_varied_guided_and_mirrored(made: Made) -> None:
    unsafe, twins = (list(read_table(made.folder / "data/augmented" / name, Candidate)) for name in ("unsafe", "twins"))
    assert {one.kind for one in unsafe} == {"triplet", "variation"}
    assert {one.criterion for one in unsafe} == {"", "paraphrase"}
    assert {one.kind for one in twins} == {"twin_image", "twin_text"}
    assert all(one.guidance for one in [*unsafe, *twins])
    assert {one.provenance.assistant for one in [*unsafe, *twins]} == {"openai"}


def test_no_question_is_asked_twice_and_a_rerun_asks_none_and_gives_the_same_to_the_byte(made: Made) -> None:
    assert set(told(made.books.log).values()) == {1}
    with inside(made.folder):
        first = contents("data")
        do("augment")
        assert contents("data") == first
    assert made.server.stats().requests == made.books.requests
    assert files_with_the_key(made.folder) == []


def test_an_answer_that_several_stages_use_is_in_the_books_of_one(made: Made) -> None:
    folders = (made.folder / "data" / name for name in ("patterns", "triplets", "augmented"))
    spent = [read_json(folder / "spending.json") for folder in folders]
    took = (made.books.input_tokens, made.books.output_tokens)
    assert all(one["cost_usd"] > 0 for one in spent)
    assert tuple(sum(one[name] for one in spent) for name in ("input_tokens", "output_tokens")) == took
    assert sum(one["cost_usd"] for one in spent) == pytest.approx(cost(*took))


def test_what_has_no_answer_is_a_row_and_only_that_is_asked_again(server: Server) -> None:
    set_up(server, "max_failure_rate=1.0", retries=0)
    server.behave(Behaviour(unsafe_if=JUDGING.unsafe_if, share_refusal=0.2, share_500=0.1), forget=True)
    do("augment")
    before, rows = server.log(), lost()
    assert {row.kind.partition(":")[0] for row in rows} >= {"variation"}
    assert all(row.image_id and row.parent_id and row.detail.startswith(("refused", "HTTP 500")) for row in rows)

    server.behave(JUDGING, forget=True)
    retry("augment")
    again = server.log()
    failed = {one.digest for one in before} - told(before).keys()
    assert failed & told(again).keys()
    assert not told(before).keys() & told(again).keys()
    assert lost() == []


def test_above_the_rate_the_stage_names_the_commonest_cause_and_leaves_what_there_was(server: Server) -> None:
    first = contents("data")
    set_up(server, "max_failure_rate=0.05", retries=0)
    server.behave(Behaviour(unsafe_if=JUDGING.unsafe_if, share_refusal=0.4, share_500=0.05))
    outcome = stage("augment")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("rms: augment: ")
    assert "have no answer, more than max_failure_rate = 0.05; most often (" in outcome.stderr
    assert "): refused: I'm sorry, I can't help with that." in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert contents("data") == first
