"""The endpoints that assistants are tested with serve judges as well."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "assistant/openai"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from api_settings import UNSAFE
from endpoint_project import KEY, ROOT
from fault_server import Server, running

from rms.cache import VARIABLE
from rms.runtime import TRUSTED_ENDPOINT


@pytest.fixture(scope="session")
def process() -> Iterator[Server]:
    with running(UNSAFE) as server:
        yield server


@pytest.fixture
def server(process: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv(TRUSTED_ENDPOINT, f"{process.url} TEST_KEY")
    monkeypatch.chdir(ROOT)
    process.behave(UNSAFE, forget=True)
    return process
