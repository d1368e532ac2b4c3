"""Settings of a judge that asks the endpoint of a test."""

import contextlib
from functools import cache

from endpoint_project import ROOT
from fault_server import Behaviour

from rms.compose import params_for
from rms.params import ApiJudge as Settings

UNSAFE = Behaviour(instead={"OK": "unsafe"}, first_tokens={"unsafe": 0.8, "safe": 0.2})


@cache
def settings(url: str, *overrides: str) -> Settings:
    plain = [f"judge.base_url={url}", "judge.model=mock", "judge.api_key_env=TEST_KEY", "judge.retries=1"]
    group = [item for item in overrides if item.startswith("judge=")] or ["judge=api"]
    with contextlib.chdir(ROOT):
        chosen = params_for([*group, *plain, *(item for item in overrides if item not in group)]).judge
    assert isinstance(chosen, Settings)
    return chosen
