"""Estimates against the books of a whole run, at an endpoint in another process."""

import re
import subprocess
import sys
from typing import NamedTuple

import pytest
from endpoint_project import configure, do
from fault_server import Behaviour, running

from rms.assistant.books import read_spending, total
from rms.report.spending import spending
from rms.stages.report import ASSISTED

# Half of the pairs hold a risk, and each list of an answer has as many entries as models tend to give.
MODEL = Behaviour(unsafe_if="Are they safe together?", items=4)
PRICES = [f"{who}.price={{input:1.0,output:2.0}}" for who in ("assistant", "checker")]
STAGES = ("patterns", "generate", "augment")


class Told(NamedTuple):
    """The numbers an estimate prints."""

    requests: dict[str, int]
    usd: float
    likely: tuple[int, int]
    text: str


def estimate(*arguments: str) -> Told:
    command = [sys.executable, "-m", "rms", "estimate", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.startswith((*STAGES, "total"))}
    low, high = re.findall(r"[\d,]+", done.stdout.partition("between ")[2])[:2]
    return Told(
        {name: _number(row[1]) for name, row in rows.items()},
        float(rows["total"][4].replace(",", "")),
        (_number(low), _number(high)),
        done.stdout,
    )


def _number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.usefixtures("project")
def test_estimates_agree_with_the_books_of_the_run_and_the_books_with_the_endpoint():
    with running(MODEL) as server:
        configure(server.url, *PRICES, "budget_usd=100")
        offline = estimate()
        assert server.stats().requests == 0
        do(*STAGES)
        books = server.stats()
        spent = total([read_spending(folder) for folder in ASSISTED.values()])
        # Over all stages, to the token: an answer that two stages use is counted by the first.
        assert spent[:3] == (books.requests, books.input_tokens, books.output_tokens)
        sampled = estimate("--sample", "5")
        # Its answers are those of the run, but for the search for twins, which knows fewer photographs here.
        assert server.stats().requests < books.requests * 1.1
    assert spent.cost_usd is not None
    # Within a third when five of ten photographs were asked about, within a factor of 2.5 when none was.
    assert sampled.usd == pytest.approx(spent.cost_usd, rel=0.33)
    assert sampled.requests["total"] == pytest.approx(spent.answers, rel=0.33)
    assert sampled.likely[0] <= spent.answers <= sampled.likely[1]
    assert spent.answers / 2.5 < offline.requests["total"] < spent.answers * 2.5
    for stage in STAGES:
        took = spending(ASSISTED)[stage].answers
        assert sampled.requests[stage] == pytest.approx(took, rel=0.4), stage
        assert took / 3 < offline.requests[stage] < took * 3, stage
    assert "budget_usd = 100 will do" in offline.text


@pytest.mark.usefixtures("project")
def test_what_came_of_nothing_is_in_the_books_too():
    with running(
        Behaviour(share_refusal=0.1, share_truncated_json=0.1, share_wrong_schema=0.1, items=4, seed=2)
    ) as server:
        configure(server.url, *PRICES, "max_failure_rate=0.9")
        do("patterns")
        books = server.stats()
        spent = read_spending(ASSISTED["patterns"])
    assert (spent.input_tokens, spent.output_tokens) == (books.input_tokens, books.output_tokens)


@pytest.mark.usefixtures("project")
def test_a_sample_without_answers_or_without_texts_says_so():
    with running(Behaviour(share_refusal=1.0)) as server:
        configure(server.url, *PRICES)
        command = [sys.executable, "-m", "rms", "estimate", "--sample", "2"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("rms: none of 2 photographs could be described")
        assert "refused" in done.stderr
        server.behave(Behaviour())  # calls every pair safe
        assert "take more photographs" in estimate("--sample", "2").text
