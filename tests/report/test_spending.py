"""What was spent, as the report says it."""

import pytest

from rms.assistant import Spending
from rms.report.spending import in_words, spending
from rms.store import write_json


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        (Spending(), "nothing: no endpoint was asked"),
        (Spending(1200, 5, 6, 0, 3.456), "3.46 US dollars (1,200 answers)"),
        (Spending(10, 5, 6, 4, 0.5), "0.50 US dollars (10 answers, 4 of them with estimated tokens)"),
        (Spending(10, 5, 6, 0, None), "unknown: no price was given (10 answers)"),
    ],
)
def test_cost_is_told_with_what_is_unsure_about_it(spent, words):
    assert in_words(spent) == words


def test_an_unknown_price_makes_the_total_unknown_but_not_the_tokens(tmp_path):
    for name, spent in (("one", Spending(1, 10, 5, 0, 0.25)), ("two", Spending(2, 20, 6, 1, None))):
        write_json(tmp_path / name / "spending.json", spent._asdict())
    found = spending({name: tmp_path / name for name in ("one", "two")})
    assert found["one"].cost_usd == 0.25
    assert found["total"] == Spending(3, 30, 11, 1, None)
