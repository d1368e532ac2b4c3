"""Learning curves, and what logging them leaves open."""

import gc
import subprocess
import warnings
from pathlib import Path

import pytest

from rms.judge.curves import Curves


def test_a_training_that_ends_early_leaves_no_file_of_the_repository_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in ([*git, "init", "-q"], [*git, "commit", "-qm", "a", "--allow-empty"], [*git, "gc", "-q"]):
        subprocess.run(command, check=True)
    subprocess.run(["dvc", "init", "-q"], check=True)
    assert list(Path(".git/objects/pack").glob("*.pack"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        curves = Curves(tmp_path / "curves", ["loss"], "step")
        del curves
        gc.collect()
