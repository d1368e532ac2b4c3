import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from fine_tune import fine_tune
from tiny_models import POLICY, examples

from rms.errors import RmsError
from rms.judge.vlm.checkpoints import Checkpoints
from rms.judge.vlm.launch import FAULT, run_worker, write_job
from rms.judge.vlm.model import find_base
from rms.judge.vlm.training import COMPLETE, Training

COUNT = 48


def _kill_after_two_checkpoints(settings, folder: Path) -> None:
    """Kill -9 a training once two of its checkpoints are complete."""
    script = Path(__file__).with_name("fine_tune.py")
    with subprocess.Popen([sys.executable, script, settings.model_dump_json(), folder, str(COUNT)]) as process:
        deadline = time.monotonic() + 120
        while len(list(folder.glob(f"checkpoints/*/checkpoint-*/{COMPLETE}"))) < 2:
            assert process.poll() is None, "the training ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert not (folder / "judge").exists()
    assert not (folder / "curves").exists()


def test_a_killed_training_goes_on_from_its_last_checkpoint_to_the_same_weights(settings, tmp_path):
    chosen = settings(epochs=2, batch_size=4, evaluations=6, method="lora", lr=1e-2, patience=12)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    fine_tune(chosen, whole, COUNT)
    _kill_after_two_checkpoints(chosen, killed)
    latest = max(killed.glob(f"checkpoints/*/checkpoint-*/{COMPLETE}"), key=lambda file: file.stat().st_mtime).parent
    state = json.loads((latest / "trainer_state.json").read_text())
    assert 0 < state["global_step"] < 24
    # A sign that only a training which goes on from here can hand on to its curves.
    state["log_history"].insert(0, {"step": 0, "epoch": 0.0, "loss": 123.0})
    (latest / "trainer_state.json").write_text(json.dumps(state))
    cut = latest.with_name("checkpoint-999")  # a checkpoint that the kill cut short
    cut.mkdir()
    (cut / "trainer_state.json").write_text("{")
    fine_tune(chosen, killed, COUNT)
    first, second = ((folder / "judge/model/adapter_model.safetensors").read_bytes() for folder in (whole, killed))
    assert first == second
    curves = [(folder / "curves/plots/metrics/loss.tsv").read_text().splitlines() for folder in (whole, killed)]
    assert curves[1] == [curves[0][0], "0\t123.0", *curves[0][1:]]
    assert not list((killed / "checkpoints").iterdir())


def test_a_judge_that_was_trained_before_the_kill_is_not_trained_again(settings, tmp_path):
    with pytest.raises(KeyboardInterrupt), Checkpoints(tmp_path) as checkpoints:
        _fit(settings(), tmp_path, checkpoints)
        raise KeyboardInterrupt
    (trained,) = tmp_path.glob("*/trained/model/model.safetensors")
    before = trained.stat().st_mtime_ns
    with Checkpoints(tmp_path) as checkpoints:
        _fit(settings(), tmp_path, checkpoints)
        assert trained.stat().st_mtime_ns == before
    assert not trained.exists()


def _fit(settings, folder: Path, checkpoints: Checkpoints) -> None:
    from rms.judge.vlm import Plan, VlmJudge  # noqa: PLC0415

    judge = VlmJudge.untrained("full", Plan(settings, 0, folder / "curves", checkpoints))
    judge.fit(examples(8), examples(4))


def test_each_training_has_a_folder_of_its_own_and_one_run_at_a_time(tmp_path):
    rows = examples(4)
    with Checkpoints(tmp_path) as one, Checkpoints(tmp_path) as other:
        folder = one.folder(["lr=1"], rows)
        assert one.folder(["lr=1"], rows) == folder
        assert other.folder(["lr=2"], rows) != folder
        assert other.folder(["lr=1"], rows[:3]) != folder
        changed = rows[0]._replace(label=1 - rows[0].label)
        assert other.folder(["lr=1"], [changed, *rows[1:]]) != folder
        with pytest.raises(RmsError, match="another run trains the same judge"):
            other.folder(["lr=1"], rows)
    assert not list(tmp_path.iterdir())


def test_a_training_that_no_run_comes_back_to_is_removed_after_a_month(tmp_path):
    for name, days in (("old", 31), ("young", 29)):
        (tmp_path / name / "checkpoint-3").mkdir(parents=True)
        os.utime(tmp_path / name, (0, time.time() - days * 24 * 3600))
    with pytest.raises(KeyboardInterrupt), Checkpoints(tmp_path) as checkpoints:
        kept = checkpoints.folder(["lr=1"], examples(2))
        (kept / "checkpoint-1").mkdir()
        checkpoints.folder(["lr=2"], examples(2))  # fails before it has anything to keep
        raise KeyboardInterrupt
    assert sorted(tmp_path.iterdir()) == sorted([kept, tmp_path / "young"])


def test_a_folder_that_another_run_removes_meanwhile_is_no_matter(tmp_path):
    (tmp_path / "gone").symlink_to(tmp_path / "removed")
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.folder([], examples(2)).is_dir()


def _curve(folder: Path, name: str) -> np.ndarray:
    return np.loadtxt(folder / f"curves/plots/metrics/{name}.tsv", skiprows=1, ndmin=2)


@pytest.mark.skipif(torch.cuda.device_count() == 1, reason="two processes take two GPUs, or none")
def test_two_processes_learn_as_one_with_twice_the_accumulation(settings, tmp_path):
    launch = {"processes": 2, "nodes": 1, "address": "127.0.0.1", "port": 29500}
    chosen = {"batch_size": 2, "epochs": 2, "lr": 1e-2, "class_weights": "balanced", "rationale": True}
    one = fine_tune(settings(**chosen, gradient_accumulation=4), tmp_path / "one", 32)
    two = fine_tune(settings(**chosen, gradient_accumulation=2, launch=launch), tmp_path / "two", 32)
    for name in ("loss", "eval_loss", "eval_auroc"):
        single, double = (_curve(tmp_path / folder, name) for folder in ("one", "two"))
        assert len(single) >= 4
        assert double == pytest.approx(single, abs=1e-4)
    queries = [row.query for row in examples(6)]
    assert two.p_unsafe(queries) == pytest.approx(one.p_unsafe(queries), abs=1e-4)


def test_a_mistake_in_one_of_several_processes_is_left_for_who_started_them(settings, base, tmp_path):
    found = find_base(str(base), None, trust_remote_code=False)
    training = Training(settings(max_tokens=40), found, POLICY, "full", 0, tmp_path)
    write_job(training, examples(4), examples(4))
    with pytest.raises(RmsError):
        run_worker(tmp_path)
    told = (tmp_path / FAULT).read_text()
    assert "judge.max_tokens = 40" in told
    assert "\n" not in told
    assert not training.trained.exists()
