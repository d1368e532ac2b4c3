"""The endpoints that assistants are tested with serve judges as well."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "assistant/openai"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from api_settings import UNSAFE, may_ask
from endpoint_project import ROOT
from fault_server import Server, running


@pytest.fixture(scope="session")
def process() -> Iterator[Server]:
    with running(UNSAFE) as server:
        yield server


@pytest.fixture
def server(process: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    may_ask(process.url, tmp_path, monkeypatch)
    monkeypatch.chdir(ROOT)
    process.behave(UNSAFE, forget=True)
    return process
