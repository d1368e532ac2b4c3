"""Ctrl-C while an endpoint is asked: what is in flight is kept, nothing more is sent, and a second one ends at once."""

import signal
import subprocess
import sys
import time

import pytest
from endpoint_project import configure
from fault_server import Behaviour, Server, running

from rms.assistant.openai.response_cache import ResponseCache

# A shell has what it starts in the background ignore Ctrl-C, and the tests may be started so.
_HEEDING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("rms", run_name="__main__")
"""


def _interrupted_when_asked(server: Server, requests: int) -> subprocess.Popen[str]:
    """A stage that was told to end once it has sent so many requests."""
    command = [sys.executable, "-c", _HEEDING, "stage", "patterns"]
    stage = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while server.stats().requests < requests:
            assert time.monotonic() < until, "nothing was sent"
            time.sleep(0.05)
        stage.send_signal(signal.SIGINT)
    except BaseException:
        stage.kill()
        raise
    return stage


@pytest.mark.usefixtures("project")
def test_the_first_ends_a_stage_when_what_is_in_flight_is_kept() -> None:
    with running(Behaviour(latency_s=1.0)) as server:
        configure(server.url, concurrency=2)
        stage = _interrupted_when_asked(server, 3)
        _, said = stage.communicate(timeout=60)
        books = server.stats()
    assert stage.returncode == 1
    assert "Ctrl-C again ends at once" in said
    assert "Traceback" not in said
    assert books.requests == books.answered == 4
    with ResponseCache() as kept:
        assert sum(model.answers for model in kept.stats().models) == 4


@pytest.mark.usefixtures("project")
def test_the_second_ends_at_once_what_an_endpoint_holds_up() -> None:
    with running(Behaviour(share_hang=1.0)) as server:
        configure(server.url, timeout_s=600.0, deadline_s=600.0)
        stage = _interrupted_when_asked(server, 1)
        assert stage.stderr
        assert "Ctrl-C again" in stage.stderr.readline()
        stage.send_signal(signal.SIGINT)
        stage.communicate(timeout=30)
    assert stage.returncode == -signal.SIGINT


@pytest.mark.usefixtures("project")
def test_who_waits_as_long_as_the_endpoint_asked_for_waits_no_longer() -> None:
    with running(Behaviour(rpm=1)) as server:
        configure(server.url, deadline_s=600.0)
        stage = _interrupted_when_asked(server, 2)
        stage.communicate(timeout=30)
    assert stage.returncode == 1
