"""One budget for all stages and both assistants, over an endpoint in another process."""

from pathlib import Path

import pytest
from endpoint_project import configure, do, stage
from fault_server import Behaviour, running

from rms.assistant.books import read_spending

MODEL = Behaviour(unsafe_if="Are they safe together?", items=4)
PRICES = [f"{who}.price={{input:1.0,output:2.0}}" for who in ("assistant", "checker")]
PATTERNS = Path("data/patterns")


@pytest.mark.usefixtures("project")
def test_a_budget_is_for_all_stages_and_holds_when_run_again():
    with running(MODEL) as server:
        configure(server.url, *PRICES, concurrency=2)
        do("patterns")
        first = read_spending(PATTERNS).cost_usd
        assert first is not None
        configure(server.url, *PRICES, f"budget_usd={first + 0.3}", concurrency=2)
        before = server.stats()
        stopped = stage("generate")
        spent = (server.stats().input_tokens + 2 * server.stats().output_tokens) / 1e6
        assert stopped.returncode == 1
        assert f"budget_usd = {first + 0.3:g}" in stopped.stderr
        assert "raise the budget and run again" in stopped.stderr
        assert first + 0.3 <= spent < first + 0.6  # what was in flight is finished and kept
        kept = server.stats().requests
        assert kept > before.requests
        assert stage("generate").returncode == 1
        assert server.stats().requests == kept  # the same budget again is not spent again
        configure(server.url, *PRICES, "budget_usd=100")
        do("generate")
        assert all(times == 1 for times in server.stats().sent().values())  # and nothing was paid for twice


@pytest.mark.usefixtures("project")
def test_the_budget_counts_the_checker_and_is_refused_where_a_price_is_unknown():
    with running(MODEL) as server:
        configure(server.url, *PRICES)
        do("patterns")
        configure(server.url, PRICES[0], "checker.price=null", "budget_usd=100")
        refused = stage("generate")
        assert "budget_usd is set, but the model's price is not known" in refused.stderr
        assert refused.returncode == 1
        assert server.stats().requests == 20
        configure(server.url, "assistant.price=null", "checker.price=null")
        do("patterns")
        assert read_spending(PATTERNS).cost_usd is None
        configure(server.url, *PRICES, "budget_usd=100")
        unknown = stage("generate")
    assert "what the stages before cost is not known" in unknown.stderr
