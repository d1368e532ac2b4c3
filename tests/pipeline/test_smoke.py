"""The smallest experiment, end to end under `dvc repro`."""

import json

import pytest
import yaml
from project import Project

STAGES = [
    "collect", "patterns", "generate", "augment", "corpora@siuo", "corpora@mssbench", "build", "risk_oriented",
    "train_sets", "finetune@rms", "evaluate@rms", "report",
]  # fmt: skip


def test_every_stage_runs_once(finished):
    assert sorted(finished.outcome.stages) == sorted(STAGES)
    assert sorted(finished.project.locked()) == sorted(STAGES)
    declared = yaml.safe_load((finished.project.folder / "dvc.yaml").read_text())["stages"]
    assert {name.partition("@")[0] for name in STAGES} == set(declared) - {"train_corpora"}  # none is configured


def test_results_are_there_and_hold_something(finished):
    reports = finished.project.folder / "reports"
    metrics = json.loads((reports / "metrics.json").read_text())
    assert metrics["dataset"]["samples"] > 0
    assert 0 <= metrics["rms"]["auroc"]["mssbench"] <= 1
    assert "mssbench" in (reports / "matrix.csv").read_text()
    assert "mssbench" in (reports / "matrix.md").read_text()
    assert (reports / "report.html").read_text().startswith("<!")
    assert list((reports / "plots").rglob("*.*"))


def test_each_split_has_safe_and_unsafe_rows(finished):
    for dataset in ("dataset", "risk_oriented"):
        facts = json.loads((finished.project.folder / "data" / dataset / "statistics.json").read_text())
        assert list(facts["splits"]) == ["train", "validation", "test"]
        assert all(0 < split["unsafe"] < split["samples"] for split in facts["splits"].values())


def test_the_summary_prints_the_result(finished):
    assert "mssbench" in finished.project.do("rms", "summary").output


def test_git_sees_nothing_of_a_run_but_its_record(finished):
    changed = finished.project.do("git", "status", "--porcelain").output.splitlines()
    assert {line.split()[1] for line in changed} <= {"params.yaml", "dvc.lock", "reports/metrics.json"}


def test_a_second_repro_runs_nothing(finished):
    assert finished.project.do("dvc", "repro").stages == []
    assert "up to date" in finished.project.do("dvc", "status").output


def test_two_cold_runs_are_equal_to_the_byte(finished, killed):
    first, second = finished.project.locked(), killed.project.locked()
    assert {name: stage["outs"] for name, stage in first.items()} == {n: s["outs"] for n, s in second.items()}
    metrics = "reports/metrics.json"
    assert (finished.project.folder / metrics).read_bytes() == (killed.project.folder / metrics).read_bytes()


def test_a_killed_stage_leaves_the_others_and_no_half_output(killed):
    whole = {name for name in killed.left if not name.startswith(".")}
    assert whole == {"images", "patterns", "train_corpora"}  # the last holds its page alone, which git keeps


def test_a_run_goes_on_after_a_kill(killed):
    assert sorted(killed.outcome.stages) == sorted(set(STAGES) - {"collect", "patterns"})
    assert not list((killed.project.folder / "data").glob(".*partial"))


def test_a_run_opens_no_connection(killed):
    assert not killed.connections.exists(), killed.connections.read_text()


@pytest.mark.parametrize("path", [None, "src"], ids=["dvc", "stages"])
def test_the_guard_would_have_refused_and_noted_a_connection(killed, tmp_path, path):
    log = tmp_path / "log"
    variables = {"CONNECTIONS_TRIED": str(log)} | ({"PYTHONPATH": path} if path else {})
    guarded = Project(killed.project.folder, killed.project.environment | variables)
    for call in ("create_connection(('127.0.0.1', 9))", "getaddrinfo('localhost', 80)"):
        refused = guarded.try_to("python", "-c", f"import socket; socket.{call}")
        assert refused.status == 1
        assert "may open no connection" in refused.output
    assert len(log.read_text().splitlines()) >= 2
