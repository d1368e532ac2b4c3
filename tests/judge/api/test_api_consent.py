"""Whose word it takes to send pictures and a key to an endpoint: the user's, and not that of a saved judge."""

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from api_settings import settings
from endpoint_project import NOWHERE, ROOT, inside
from test_embedded_judge import photo

import rms.judge
from rms.compose import compose, params_for
from rms.errors import RmsError
from rms.judge.api import ApiJudge
from rms.runtime import TRUSTED_ENDPOINT, is_trusted, trust


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: one with a photograph, and a saved judge whose endpoint nobody named."""
    monkeypatch.delenv(TRUSTED_ENDPOINT, raising=False)
    ApiJudge.untrained("full", settings(NOWHERE, "judge.deadline_s=5.0")).save(tmp_path / "judge")
    (tmp_path / "cat.jpg").write_bytes(photo("chelsea.png"))
    with inside(tmp_path):
        yield tmp_path


def ask() -> subprocess.CompletedProcess[str]:
    query = ["--image", "cat.jpg", "--text", "May I?", "--judge", "judge"]
    return subprocess.run(
        [sys.executable, "-m", "rms", "judge", *query], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("named", ["", NOWHERE, f"{NOWHERE} HOME", f"{NOWHERE}/other TEST_KEY"])
def test_a_saved_judge_asks_no_endpoint_with_a_key_that_the_user_did_not_name(monkeypatch, named):
    monkeypatch.setenv(TRUSTED_ENDPOINT, named)
    told = (
        rf"^judge: sends pictures and the key in TEST_KEY to {re.escape(NOWHERE)}, [^\n]*='{NOWHERE} TEST_KEY' if you"
    )
    with pytest.raises(RmsError, match=told):
        rms.judge.load("judge")
    monkeypatch.setenv(TRUSTED_ENDPOINT, f"{NOWHERE} TEST_KEY")
    assert rms.judge.load("judge").modality == "full"


@pytest.mark.usefixtures("project")
def test_what_the_environment_names_is_trusted_beside_what_params_yaml_does(monkeypatch):
    monkeypatch.setenv(TRUSTED_ENDPOINT, f"{NOWHERE} TEST_KEY")
    with contextlib.chdir(ROOT):
        trust(params_for(["judge=api", f"judge.base_url={NOWHERE}/other", "judge.model=m", "judge.api_key_env=KEY"]))
    assert rms.judge.load("judge").modality == "full"
    assert is_trusted(TRUSTED_ENDPOINT, f"{NOWHERE}/other KEY")
    monkeypatch.delenv(TRUSTED_ENDPOINT)
    assert not is_trusted(TRUSTED_ENDPOINT, "")


@pytest.mark.usefixtures("project")
def test_what_params_yaml_names_as_judge_is_asked_and_no_answer_is_no_success():
    refused = ask()
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert TRUSTED_ENDPOINT in refused.stderr
    with contextlib.chdir(ROOT):
        own = compose(["judge=api", f"judge.base_url={NOWHERE}", "judge.model=mock", "judge.api_key_env=TEST_KEY"])
    Path("params.yaml").write_text(own)
    asked = ask()
    assert asked.returncode == 1
    assert TRUSTED_ENDPOINT not in asked.stderr
    assert "Traceback" not in asked.stderr
    assert "cannot be reached" in asked.stderr.splitlines()[-1] or "no answer" in asked.stderr.splitlines()[-1]
