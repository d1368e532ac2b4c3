"""The books of a stage and of the stages before it."""

from pathlib import Path

import pytest

from rms.assistant import Books, Spending
from rms.assistant.books import read_spending
from rms.assistant.openai.request import Usage
from rms.assistant.openai.spending import Ledger
from rms.errors import RmsError
from rms.params import Price
from rms.store import write_json

ONE, TWO = "1" * 64, "2" * 64
PRICE = Price(input=1.0, output=2.0)


def written(folder: Path, *keys: str) -> Path:
    """The folder of a stage that used the answers with these keys, each of 100,000 tokens."""
    folder.mkdir()
    books = Books()
    ledger = Ledger(PRICE, books)
    for key in keys:
        ledger.use(key, Usage(100_000, 0))
    books.write(folder)
    return folder


def test_an_answer_that_two_stages_use_is_counted_by_the_first(tmp_path):
    first = written(tmp_path / "first", ONE)
    books = Books(earlier=[first])
    ledger = Ledger(PRICE, books)
    for key in (ONE, TWO, TWO):
        ledger.use(key, Usage(100_000, 0))
    assert read_spending(first) == Spending(1, 100_000, 0, 0, 0.1)
    assert books.spending() == Spending(1, 100_000, 0, 0, 0.1)


def test_an_answer_paid_for_again_is_counted_again(tmp_path):
    """As when the cache was pruned between two stages."""
    books = Books(earlier=[written(tmp_path / "first", ONE)])
    ledger = Ledger(PRICE, books)
    ledger.paid(ONE, Usage(100_000, 0))
    assert books.spending().input_tokens == 100_000  # paid for, though nothing came of it yet
    ledger.use(ONE, Usage(100_000, 0))
    assert books.spending() == Spending(1, 100_000, 0, 0, 0.1)


def test_the_budget_is_shared_by_models_and_with_the_stages_before(tmp_path):
    books = Books(0.35, [written(tmp_path / "first", ONE)])
    proposer, checker = Ledger(PRICE, books), Ledger(Price(input=2.0, output=2.0), books)
    proposer.use(TWO, Usage(100_000, 0))
    checker.check()
    checker.paid("3" * 64, Usage(100_000, 0))
    with pytest.raises(RmsError, match=r"budget_usd = 0.35: 0.4000 US dollars are spent, 0.3000 of them on the 2"):
        proposer.check()


def test_a_stage_that_asked_no_endpoint_leaves_no_list_of_answers(tmp_path):
    assert [path.name for path in written(tmp_path / "first").iterdir()] == ["spending.json"]


def test_damaged_books_are_one_line(tmp_path):
    first = written(tmp_path / "first", ONE)
    (first / "answers.npy").write_bytes(b"\x93NUMPY and no more")
    with pytest.raises(RmsError, match=r"answers\.npy: damaged"):
        Books(earlier=[first])


def test_a_budget_is_refused_where_a_cost_is_not_known(tmp_path):
    first = written(tmp_path / "first", ONE)
    write_json(first / "spending.json", Spending(1, 1, 1, 0, None)._asdict())
    with pytest.raises(RmsError, match="what the stages before cost is not known"):
        Books(1.0, [first])
    with pytest.raises(RmsError, match=r"conf/prices\.yaml"):
        Ledger(None, Books(1.0))
