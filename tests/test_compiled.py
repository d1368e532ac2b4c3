import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from rms import compiled
from rms.cache import cache_folder


@pytest.fixture(autouse=True)
def a_cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled, "_sessions", {})


def doubling(calls: list[int]) -> compiled.Source:
    calls.append(1)
    network = torch.nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        network.weight.copy_(2 * torch.eye(3))
    return compiled.Source(network, {"x": torch.zeros(1, 3)}, ["y"], {"x": {0: "rows"}, "y": {0: "rows"}})


def run(identity: str, calls: list[int]) -> np.ndarray:
    session = compiled.load("doubling", identity, lambda: doubling(calls), threads=1)
    return session.run(None, {"x": np.ones((2, 3), np.float32)})[0]


def test_it_computes_what_the_network_does_for_any_number_of_rows():
    assert (run("a", []) == 2).all()


def test_it_is_compiled_once_for_all_threads_and_all_processes(monkeypatch):
    calls: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: run("a", calls), range(8)))
    monkeypatch.setattr(compiled, "_sessions", {})  # as another process finds it
    run("a", calls)
    assert len(calls) == 1
    run("b", calls)
    assert len(calls) == 2


def test_a_damaged_file_is_made_again_and_no_draft_is_left(monkeypatch):
    calls: list[int] = []
    run("a", calls)
    (file,) = (cache_folder() / "compiled").iterdir()
    file.write_bytes(file.read_bytes()[:40])
    monkeypatch.setattr(compiled, "_sessions", {})
    assert (run("a", calls) == 2).all()
    assert len(calls) == 2
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_cache_is_where_the_variable_says_or_in_the_users_cache(monkeypatch):
    assert cache_folder() == Path(os.environ["RMS_CACHE_DIR"])
    monkeypatch.delenv("RMS_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/rms")
