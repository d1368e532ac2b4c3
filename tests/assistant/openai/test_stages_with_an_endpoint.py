"""The stages that ask, over a real client and an endpoint in another process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fault_server import Behaviour, running

from rms.compose import compose
from rms.records import Pattern, TextReject
from rms.store import read_json, read_jsonl, read_table

ROOT = Path(__file__).parents[3]
KEY = "sk-not-a-real-key-0123456789"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of six photographs, collected."""
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    configure("http://127.0.0.1:9/v1")
    assert stage("collect").returncode == 0
    return tmp_path


def configure(url: str, *overrides: str) -> None:
    asked = [f"{who}.{key}" for who in ("assistant", "checker") for key in (f"base_url={url}", "api_key_env=TEST_KEY")]
    text = compose(
        [
            "experiment=smoke", "images.limit=6", "assistant=openai", "checker=openai", "patterns.min_support=1",
            "assistant.deadline_s=20.0", "assistant.timeout_s=5.0", *asked, *overrides,
        ]
    )  # fmt: skip
    Path("params.yaml").write_text(text)


def stage(name: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rms", "stage", name]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_patterns_are_asked_for_paid_once_and_written_with_their_cost(project):
    with running(Behaviour()) as server:
        configure(server.url)
        done = stage("patterns")
        assert done.returncode == 0, done.stderr
        books = server.stats()
        spent = read_json(Path("data/patterns/spending.json"))
        assert (spent["answers"], spent["input_tokens"], spent["output_tokens"]) == (
            books.requests, books.input_tokens, books.output_tokens,
        )  # fmt: skip
        assert spent["cost_usd"] > 0
        assert list(read_table(Path("data/patterns/patterns"), Pattern))
        first = {path: path.read_bytes() for path in Path("data/patterns").rglob("*") if path.is_file()}
        assert stage("patterns").returncode == 0
        assert server.stats().requests == books.requests
    assert {path: path.read_bytes() for path in Path("data/patterns").rglob("*") if path.is_file()} == first
    for path in project.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


@pytest.mark.usefixtures("project")
def test_generate_asks_the_checker_and_rejects_what_it_does_not_confirm():
    with running(Behaviour()) as server:
        configure(server.url)
        assert stage("patterns").returncode == 0
        before = server.stats().requests
        done = stage("generate")
        assert server.stats().requests > before
    assert done.returncode == 1  # this endpoint calls everything safe, so that no triplet holds
    assert "no triplet passed its checks" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("project")
def test_questions_without_an_answer_are_rows_below_the_rate_and_an_error_above():
    with running(Behaviour(share_refusal=0.2, seed=3)) as server:
        configure(server.url, "max_failure_rate=0.9")
        assert stage("patterns").returncode == 0
        lost = read_jsonl(Path("data/patterns/rejects.jsonl"), TextReject)
        assert lost
        assert {row.failed for row in lost} == {"no_answer"}
        assert all(row.detail.startswith("refused") for row in lost)
        configure(server.url, "max_failure_rate=0.0")
        done = stage("patterns")
    assert done.returncode == 1
    assert "more than max_failure_rate = 0; most often" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_jsonl(Path("data/patterns/rejects.jsonl"), TextReject) == lost  # what was written stays


@pytest.mark.usefixtures("project")
def test_a_wrong_key_is_one_line():
    with running(Behaviour(status_401=True)) as server:
        configure(server.url)
        done = stage("patterns")
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert "check the key in TEST_KEY" in done.stderr
    assert KEY not in done.stderr


def test_retry_asks_again_only_what_had_no_answer(project, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    (project / "src").symlink_to(ROOT / "src")
    shutil.copyfile(ROOT / "dvc.yaml", project / "dvc.yaml")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], check=True)
    retry = [sys.executable, "-m", "rms", "retry", "patterns"]
    with running(Behaviour(share_refusal=0.2, seed=3)) as server:
        configure(server.url, "max_failure_rate=0.9")
        subprocess.run(retry, check=True, capture_output=True, timeout=120)
        lost = read_jsonl(Path("data/patterns/rejects.jsonl"), TextReject)
        assert lost
        server.behave(Behaviour(), forget=True)
        subprocess.run(retry, check=True, capture_output=True, timeout=120)
        # A photograph that could not be described was not asked about patterns either.
        undescribed = sum(row.kind == "description" for row in lost)
        assert server.stats().requests == len(lost) + undescribed
    assert read_jsonl(Path("data/patterns/rejects.jsonl"), TextReject) == []
