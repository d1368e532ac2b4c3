"""Tiny models to fine-tune, settings to do it with, and pictures to show."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import ARCHITECTURES, POLICY, SETTINGS, examples, save_idefics3

from rms.judge.interface import Modality
from rms.judge.vlm import Plan, VlmJudge
from rms.judge.vlm.checkpoints import Checkpoints
from rms.params import VlmJudge as Settings


@pytest.fixture(scope="session", autouse=True)
def quick_collections() -> Iterator[None]:
    """Each training collects garbage thrice; what was imported need not be looked through each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sums do not depend on how many cores there are, here and in the processes that tests start."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["src", str(Path(__file__).parent)]))
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("policy") / "policy.md"
    file.write_text(POLICY)
    return file


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Idefics3, the architecture of SmolVLM 256M."""
    return save_idefics3(tmp_path_factory.mktemp("idefics3"))


@pytest.fixture(scope="session", params=ARCHITECTURES)
def any_base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each architecture in turn."""
    return ARCHITECTURES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture
def settings(base: Path, policy: Path) -> Callable[..., Settings]:
    """Settings for a tiny model, with some of them changed."""

    def make(**changes: Any) -> Settings:
        return Settings.model_validate({**SETTINGS, "model": str(base), "policy": str(policy), **changes})

    return make


@pytest.fixture
def trained(settings: Callable[..., Settings], tmp_path: Path) -> Callable[..., VlmJudge]:
    """Fine-tunes a judge on `examples(8)` by changed settings."""

    def train(modality: Modality = "full", seed: int = 0, **changes: Any) -> VlmJudge:
        with Checkpoints(tmp_path / "checkpoints") as checkpoints:
            plan = Plan(settings(**changes), seed, tmp_path / "curves", checkpoints)
            judge = VlmJudge.untrained(modality, plan)
            judge.fit(examples(8), examples(4))
            (tmp_path / "kept").mkdir(exist_ok=True)
            judge.save(tmp_path / "kept")  # what was trained goes with the checkpoints
        return judge

    return train
