"""What a probe finds out about endpoints that can do this and that."""

import contextlib
import subprocess
import sys

import pytest
from endpoint_project import KEY, ROOT, inside
from fault_server import Behaviour, Server, running

from rms.assistant.openai.probe import Report, probe
from rms.compose import params_for
from rms.errors import RmsError
from rms.params import OpenAIAssistant

SEES = Behaviour(instead={'"red"': '"blue"'})


@pytest.fixture(scope="module")
def settings() -> OpenAIAssistant:
    with contextlib.chdir(ROOT):
        assistant = params_for(["assistant=openai", "assistant.model=mock", "assistant.api_key_env=TEST_KEY"]).assistant
    assert isinstance(assistant, OpenAIAssistant)
    return assistant


@pytest.fixture(autouse=True)
def a_key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)


def probed(server: Server, settings: OpenAIAssistant) -> Report:
    return probe(settings.model_copy(update={"base_url": server.url}))


def found(report: Report) -> dict[str, str]:
    return {finding.capability: finding.found for finding in report.findings}


def test_an_endpoint_that_can_do_everything_keeps_its_settings(settings):
    with running(SEES) as server:
        report = probed(server, settings)
        books = server.stats()
    assert found(report) == {
        "model": "yes", "max_completion_tokens": "yes", "usage": "yes", "reasoning": "no", "temperature": "yes",
        "seed": "yes", "json_schema": "yes", "json_object": "yes", "text": "yes", "vision": "yes", "logprobs": "yes",
        "batch": "yes",
    }  # fmt: skip
    assert report.usable
    assert report.settings == {name: getattr(settings, name) for name in report.settings}
    assert (report.usage.input_tokens, report.usage.output_tokens) == (books.input_tokens, books.output_tokens)
    assert report.requests == books.requests + 2  # the lists of models and of batches are no completions


def test_what_an_endpoint_refuses_is_left_out_of_the_settings(settings):
    lacking = Behaviour(
        no_json_schema=True, no_vision=True, no_logprobs=True, no_seed=True, no_usage=True, no_batches=True,
        unknown_parameters=("temperature", "max_completion_tokens"),
    )  # fmt: skip
    with running(lacking) as server:
        report = probed(server, settings)
    assert report.usable
    assert report.settings == {
        "answers": "json_object", "vision": False, "max_tokens_name": "max_tokens", "temperature": None, "seed": None,
    }  # fmt: skip
    refused = {"usage", "temperature", "seed", "json_schema", "vision", "logprobs", "batch"}
    assert {name for name, answer in found(report).items() if answer == "no"} == refused | {"reasoning"}
    assert report.usage.estimated


def test_what_is_taken_but_not_done_counts_as_missing(settings):
    """Servers ignore what they do not know: this one answers to another schema and sees no colour."""
    with running(Behaviour(instead={'"season"': '"month"'})) as server:
        blind = probed(server, settings)
    assert not blind.usable
    assert [found(blind)[name] for name in ("json_schema", "json_object", "text")] == ["no"] * 3
    with running(Behaviour()) as server:
        report = probed(server, settings)
    assert found(report)["vision"] == "no"
    assert report.settings["vision"] is False


def test_thinking_is_noticed(settings):
    with running(Behaviour(reasoning_tokens=40)) as server:
        assert found(probed(server, settings))["reasoning"] == "yes"


def test_a_model_that_is_not_listed_is_told(settings):
    with running(Behaviour()) as server:
        report = probed(server, settings.model_copy(update={"model": "mokc"}))
    assert report.findings[0] == ("model", "no", "mokc is not among the models listed: mock")


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (Behaviour(status_401=True, echo_key=True), "check the key in TEST_KEY"),
        (Behaviour(unknown_model_404=True), "check base_url and model (mock)"),
        (Behaviour(html=True), "should it end in /v1?"),
        (Behaviour(unknown_parameters=("max_tokens", "max_completion_tokens")), "Unsupported parameter"),
    ],
)
def test_an_endpoint_that_cannot_be_asked_is_one_line_without_the_key(settings, behaviour, said):
    with running(behaviour) as server, pytest.raises(RmsError) as error:
        probed(server, settings)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert KEY not in str(error.value)


def test_an_unreachable_host_and_a_missing_key_are_one_line(settings, monkeypatch):
    with pytest.raises(RmsError, match="cannot be reached"):
        probe(settings.model_copy(update={"base_url": "http://127.0.0.1:9/v1"}))
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(RmsError, match="no key in this environment variable"):
        probe(settings)


def test_the_command_prints_a_table_and_settings_to_paste(tmp_path):
    def rms(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rms", "assistant", "probe", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    with inside(tmp_path), running(SEES) as server:
        named = [f"checker.{name}" for name in ("model=mock", "api_key_env=TEST_KEY", f"base_url={server.url}")]
        done = rms("--checker", "checker=openai", *named)
        assert done.returncode == 0, done.stderr
        assert f"mock at {server.url}" in done.stdout
        assert "checker.answers=json_schema checker.vision=true" in done.stdout.splitlines()[-1]
        assert KEY not in done.stdout + done.stderr
        server.behave(Behaviour(instead={'"season"': '"month"'}))
        assert rms("--checker", "checker=openai", *named).returncode == 1
        embedded = rms("assistant=embedded")
    assert embedded.returncode == 1
    assert embedded.stderr.startswith("rms: assistant.kind = embedded: there is no endpoint to probe")
