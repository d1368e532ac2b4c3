from importlib import import_module
from pathlib import Path

import pytest
import yaml

from rms import cli

ROOT = Path(__file__).resolve().parents[1]


def _run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(arguments))
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def test_every_stage_of_the_pipeline_has_its_command_and_its_module():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert set(stages) == set(cli.STAGES)
    for name, facts in stages.items():
        assert f"rms stage {name}" in facts["cmd"]
        assert f"src/rms/stages/{name}.py" in facts["deps"]
        assert callable(import_module(f"rms.stages.{name}").run)


def test_each_stage_depends_on_what_exists():
    for name, facts in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        sources = [dep for dep in facts["deps"] if dep.startswith("src/") and "$" not in dep]
        assert all((ROOT / dep).exists() for dep in sources), name


def test_help_names_the_commands(capsys):
    status, out, _ = _run(capsys, "--help")
    assert status == 0
    assert {"params", "stage", "summary"} <= set(out.split())
    assert "collect" in _run(capsys, "stage", "-h")[1]


def test_version(capsys):
    from rms import __version__  # noqa: PLC0415

    assert __version__ in _run(capsys, "--version")[1]


@pytest.mark.parametrize("arguments", [["stage", "collect"], ["stage", "corpora", "siuo"]])
def test_without_parameters_a_stage_says_how_to_make_them(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    status, _, error = _run(capsys, *arguments)
    assert status == 1
    assert error == "rms: params.yaml: not found; run `rms params` in the project folder to compose it from conf/\n"


def test_without_its_inputs_a_stage_says_what_is_missing(capsys, tmp_path, monkeypatch, composed):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(composed))
    status, _, error = _run(capsys, "stage", "build")
    assert status == 1
    assert error == "rms: data/images/images: no Parquet shards found; run `dvc repro` to make them\n"


def test_a_summary_before_any_run_says_what_to_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _run(capsys, "summary") == (1, "", "rms: reports/metrics.json: not found; run `dvc repro` to make it\n")


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["stage", "nothing"], ["stage", "corpora"], ["stage", "build", "x"]]
)
def test_wrong_usage_exits_with_two(capsys, arguments):
    status, _, error = _run(capsys, *arguments)
    assert status == 2
    assert "Usage:" in error


def test_what_the_system_refuses_is_one_line(tmp_path, monkeypatch, capsys):
    """A file where a folder should be: the system's own words, the path, and no traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["summary"])
    assert stopped.value.code == 1
    assert capsys.readouterr().err == "rms: reports/metrics.json: Not a directory\n"
