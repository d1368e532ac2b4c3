"""Estimates that ask nothing."""

import contextlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from rms.assistant.openai.prompting import TASKS
from rms.cli import rms
from rms.compose import params_for
from rms.errors import RmsError
from rms.estimate.assumptions import assumptions
from rms.estimate.forecast import Forecast, Took, offline
from rms.estimate.photographs import photographs
from rms.estimate.table import span, table
from rms.estimate.tokens import input_tokens, picture_tokens
from rms.estimate.workload import CHECKS, workload
from rms.params import Params, SentImage

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def params() -> Params:
    with contextlib.chdir(ROOT):
        return params_for(["assistant=openai", "checker=openai"])


def changed(params: Params, section: str, **values: object) -> Params:
    return params.model_copy(update={section: getattr(params, section).model_copy(update=values)})


def questions(params: Params, photographs: int = 100) -> dict[str, float]:
    asked: dict[str, float] = {}
    for work in workload(params, photographs, assumptions().rates):
        asked[work.task] = asked.get(work.task, 0.0) + work.questions
    return asked


def test_every_task_has_its_assumptions_and_is_asked_in_some_stage(params):
    assert assumptions().output_tokens.keys() == TASKS.keys() == questions(params).keys()


def test_requests_grow_with_what_is_asked_for(params):
    base = questions(params)
    assert questions(params, 200)["describe"] == 2 * base["describe"] == 200
    fewer = questions(changed(params, "patterns", inspiration=10))
    assert fewer["propose_patterns"] == 10
    assert fewer["describe"] == base["describe"]  # the others are described when texts are made for them
    without = questions(changed(params, "augment", variations=0, criteria=[]))
    assert without["rewrite"] == 0
    assert without["harmless_twin"] == pytest.approx(base["harmless_twin"] / 4)  # three variations for each triplet
    assert questions(changed(params, "generate", per_image=1, nearest=0))["check_text"] < base["check_text"] / 3
    assert questions(changed(params, "augment", twin_tries=1))["check_together"] < base["check_together"]


def test_votes_multiply_the_checks_and_nothing_else(params):
    asked = questions(params)
    checks = sum(asked[task] for task in CHECKS)
    once, thrice = offline(params, 100, assumptions()), offline(changed(params, "checker", votes=3), 100, assumptions())
    assert once.total.requests == pytest.approx(sum(asked.values()))
    assert thrice.total.requests == pytest.approx(sum(asked.values()) + 2 * checks)


def test_a_model_without_vision_is_asked_for_no_descriptions_and_sent_no_pictures(params):
    seeing, blind = params.assistant, params.assistant.model_copy(update={"vision": False})
    without = offline(changed(params, "assistant", vision=False), 100, assumptions())
    assert without.stages["patterns"].requests == 100
    told, shown = input_tokens(blind, assumptions()), input_tokens(seeing, assumptions())
    assert told["rewrite"] == shown["rewrite"]
    assert told["propose_patterns"] > shown["propose_patterns"] - 85  # words in place of the picture


def test_an_embedded_checker_costs_nothing(params):
    with contextlib.chdir(ROOT):
        alone = params_for(["assistant=openai"])
    assert offline(alone, 100, assumptions()).total.requests == pytest.approx(
        sum(count for task, count in questions(params).items() if task not in CHECKS)
    )


@pytest.mark.parametrize(
    ("model", "detail", "side", "tokens"),
    [
        ("gpt-4o", "low", 2048, 85),
        ("gpt-4o", "high", 512, 85 + 170),
        ("gpt-4o", "high", 2048, 85 + 170 * 4),  # fitted to 1024 x 768: two squares by two
        ("gpt-4o-mini", "low", 512, 2833),
        ("gpt-4o-mini-2024-07-18", "high", 512, 2833 + 5667),
        ("gpt-4.1-mini", "low", 512, 312),  # 16 x 12 patches, times 1.62
        ("something-else", "auto", 512, 85),
        ("something-else", "auto", 1024, 85 + 170 * 4),
    ],
)
def test_pictures_are_counted_by_the_rule_for_the_model(model, detail, side, tokens):
    assert picture_tokens(model, SentImage(detail=detail, side=side, quality=90), assumptions()) == tokens


def test_costs_follow_the_price_and_half_of_it_in_batches(params):
    once = offline(params, 100, assumptions())
    twice = changed(params, "assistant", price=params.assistant.price.model_copy(update={"input": 5.0, "output": 20.0}))
    twice = changed(twice, "checker", price=twice.assistant.price)
    dear = offline(twice, 100, assumptions())
    assert dear.total.usd == pytest.approx(2 * once.total.usd)
    assert once.total.batch_usd == pytest.approx(once.total.usd / 2)
    assert dear.total.requests == once.total.requests


def test_an_unknown_price_is_said_and_a_budget_compared():
    known, unknown = Took(100, 1000, 100, 4.0, 2.0), Took(100, 1000, 100, None, None)
    priceless = Forecast({"patterns": known, "generate": unknown}, 0.5, 2.0, "")
    assert "unknown" in table(priceless).splitlines()[-1]
    assert "4.00" in table(priceless)
    assert any("conf/prices.yaml" in line for line in span(priceless, None))
    forecast = Forecast({"patterns": known}, 0.5, 2.0, "")
    for budget, said in ((1.0, "will not do"), (4.0, "may not do"), (9.0, "will do")):
        assert f"budget_usd = {budget:g} {said}" in span(forecast, budget)[1]


def test_photographs_are_counted_where_that_is_cheap(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}.jpg").write_bytes(b"")
    named = ["images=folder", f"images.source.path={folder}"]
    assert photographs(params_for(named).images, collected=False) == 7
    assert photographs(params_for([*named, "images.limit=5"]).images, collected=False) == 5
    assert photographs(params_for(["seed=1"]).images, collected=False) == 30
    hub = ["images=hub", "images.source.name=some/photos"]
    assert photographs(params_for([*hub, "images.limit=1000"]).images, collected=False) == 1000
    with pytest.raises(RmsError, match="--images N"):
        photographs(params_for([*hub, "images.limit=null"]).images, collected=False)


def test_the_command_says_that_the_embedded_assistant_is_free(monkeypatch):
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(rms, ["estimate", "seed=1"])
    assert done.exit_code == 0
    assert done.output.startswith("0 requests, 0 US dollars")
    done = CliRunner().invoke(rms, ["estimate", "assistant=openai", "checker=openai", "--images", "35000"])
    assert "35,000 photographs" in done.output
    assert "nothing was asked" in done.output
