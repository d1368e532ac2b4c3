"""Settings of a judge that asks the endpoint of a test."""

import contextlib
from functools import cache
from pathlib import Path

import pytest
from endpoint_project import KEY, ROOT
from fault_server import Behaviour

from rms.cache import VARIABLE
from rms.compose import params_for
from rms.params import ApiJudge as Settings
from rms.runtime import TRUSTED_ENDPOINT

UNSAFE = Behaviour(instead={"OK": "unsafe"}, first_tokens={"unsafe": 0.8, "safe": 0.2})


def may_ask(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give judges of `url` a key, the user's word, and a cache in `folder`."""
    monkeypatch.setenv(VARIABLE, str(folder / "cache"))
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv(TRUSTED_ENDPOINT, f"{url} TEST_KEY")


@cache
def settings(url: str, *overrides: str) -> Settings:
    plain = [f"judge.base_url={url}", "judge.model=mock", "judge.api_key_env=TEST_KEY", "judge.retries=1"]
    group = [item for item in overrides if item.startswith("judge=")] or ["judge=api"]
    with contextlib.chdir(ROOT):
        chosen = params_for([*group, *plain, *(item for item in overrides if item not in group)]).judge
    assert isinstance(chosen, Settings)
    return chosen
