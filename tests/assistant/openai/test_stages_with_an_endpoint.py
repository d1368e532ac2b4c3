"""The stages that ask, over a real client and an endpoint in another process."""

from pathlib import Path

import pytest
from endpoint_project import configure, contents, cost, do, fail, files_with_the_key, retry
from fault_server import Behaviour, running

from rms.records import Pattern, TextReject
from rms.store import read_json, read_jsonl, read_table


def rejects() -> list[TextReject]:
    return read_jsonl(Path("data/patterns/rejects.jsonl"), TextReject)


def test_patterns_are_asked_for_paid_once_and_written_with_their_cost(project: Path) -> None:
    with running(Behaviour()) as server:
        configure(server.url)
        do("patterns")
        books = server.stats()
        spent = read_json(Path("data/patterns/spending.json"))
        assert (spent["answers"], spent["input_tokens"], spent["output_tokens"]) == (
            books.requests, books.input_tokens, books.output_tokens,
        )  # fmt: skip
        assert spent["cost_usd"] == pytest.approx(cost(books.input_tokens, books.output_tokens))
        assert list(read_table(Path("data/patterns/patterns"), Pattern))
        first = contents("data")
        do("patterns")
        assert server.stats().requests == books.requests
    assert contents("data") == first
    assert files_with_the_key(project) == []


@pytest.mark.usefixtures("project")
def test_generate_asks_the_checker_and_rejects_what_it_does_not_confirm() -> None:
    with running(Behaviour()) as server:
        configure(server.url)
        do("patterns")
        before = server.stats().requests
        said = fail("generate")  # this endpoint calls everything safe, so that no triplet holds
        assert server.stats().requests > before
    assert "no triplet passed its checks" in said


@pytest.mark.usefixtures("project")
def test_questions_without_an_answer_are_rows_below_the_rate_and_an_error_above() -> None:
    with running(Behaviour(share_refusal=0.2, seed=3)) as server:
        configure(server.url, "max_failure_rate=0.9")
        do("patterns")
        lost = rejects()
        assert lost
        assert {row.failed for row in lost} == {"no_answer"}
        assert all(row.detail.startswith("refused") for row in lost)
        configure(server.url, "max_failure_rate=0.0")
        said = fail("patterns")
    assert "more than max_failure_rate = 0; most often" in said
    assert rejects() == lost  # what was written stays


@pytest.mark.usefixtures("project")
def test_retry_asks_again_only_what_had_no_answer() -> None:
    with running(Behaviour(share_refusal=0.2, seed=3)) as server:
        configure(server.url, "max_failure_rate=0.9")
        retry("patterns")
        lost = rejects()
        assert lost
        server.behave(Behaviour(), forget=True)
        retry("patterns")
        # A photograph that could not be described was not asked about patterns either.
        undescribed = sum(row.kind == "description" for row in lost)
        assert server.stats().requests == len(lost) + undescribed
    assert rejects() == []
