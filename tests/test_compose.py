import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rms import cli
from rms.compose import compose
from rms.errors import RmsError
from rms.params import load_params

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """An otherwise empty project with our conf/."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(capsys, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(arguments))
    return int(stopped.value.code or 0), capsys.readouterr().err


def test_the_committed_file_is_the_composition_of_conf(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert (ROOT / "params.yaml").read_text("utf-8") == compose([])


@pytest.mark.usefixtures("project")
def test_params_writes_what_compose_says_and_check_agrees(capsys):
    assert _run(capsys, "params") == (0, "")
    assert Path("params.yaml").read_text("utf-8") == compose([])
    assert _run(capsys, "params", "--check") == (0, "")


@pytest.mark.parametrize("change", ["stale", "missing"])
@pytest.mark.usefixtures("project")
def test_check_fails_when_params_are_not_the_composition(capsys, change):
    _run(capsys, "params")
    file = Path("params.yaml")
    if change == "stale":
        file.write_text(file.read_text().replace("seed: 0", "seed: 1"))
    else:
        file.unlink()
    status, error = _run(capsys, "params", "--check")
    assert status == 1
    assert error == "rms: params.yaml: stale, no longer the composition of conf/; run `rms params`\n"


@pytest.mark.usefixtures("project")
def test_overrides_change_what_they_name_and_nothing_else(capsys):
    _run(capsys, "params")
    before = yaml.safe_load(Path("params.yaml").read_text())
    assert _run(capsys, "params", "judge.lr=0.002", "seed=5")[0] == 0
    after = load_params()
    assert (after.judge.lr, after.seed) == (0.002, 5)
    changed = yaml.safe_load(Path("params.yaml").read_text())
    assert changed["finetune"].pop("seeds") == [5]  # judges are fine-tuned with the seed of the run
    before["finetune"].pop("seeds")
    changed["judge"]["lr"], changed["seed"] = before["judge"]["lr"], before["seed"]
    assert changed == before


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("judge.lr=abc", "judge.lr = 'abc'"),
        ("judge.nothing=1", "nothing"),
        ("images=folder", "images.source.path"),
        ("images=nowhere", "nowhere"),
        ("((", "(("),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_faulty_override_is_one_line_and_leaves_the_file(capsys, override, word):
    _run(capsys, "params")
    before = Path("params.yaml").read_bytes()
    status, error = _run(capsys, "params", override)
    assert status == 1
    assert error.count("\n") == 1
    assert error.startswith("rms: conf: ")
    assert word in error
    assert Path("params.yaml").read_bytes() == before


@pytest.mark.parametrize("experiment", sorted(path.stem for path in (ROOT / "conf/experiment").glob("*.yaml")))
@pytest.mark.usefixtures("project")
def test_every_experiment_composes(experiment):
    text = compose([f"experiment={experiment}"])
    assert yaml.safe_load(text)["experiment"] == experiment


@pytest.mark.usefixtures("project")
def test_check_takes_no_overrides(capsys):
    status, error = _run(capsys, "params", "--check", "seed=1")
    assert status == 2
    assert "takes no overrides" in error


def test_outside_a_project_the_error_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RmsError, match=r"conf/config\.yaml: not found; run this in the project folder"):
        compose([])


def test_help_is_there_without_loading_anything_heavy():
    code = (
        "import sys; from rms.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'datasets', 'pandas', 'sklearn', 'hydra', 'dvc'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert "Build multimodal safety data" in done.stdout
    assert "HEAVY []" in done.stdout
