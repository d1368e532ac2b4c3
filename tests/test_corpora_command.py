import json
from pathlib import Path

import pytest
import yaml
from PIL import Image

from rms.cli import main
from rms.corpora import adapters


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["corpora", *arguments])
    return int(stop.value.code or 0)


def _local(folder: Path, *rows: dict[str, object]) -> Path:
    folder.mkdir(parents=True)
    Image.new("RGB", (48, 32), "red").save(folder / "a.png")
    good = {"image": "a.png", "text": "May I rest here?", "label": "safe", "category": "fire"}
    lines = [json.dumps(good | row) for row in rows]
    (folder / "samples.jsonl").write_text("\n".join(lines))
    return folder


def test_the_list_has_every_dataset_with_its_facts_and_whether_it_is_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _local(tmp_path / "local", {})
    (tmp_path / "siuo").mkdir()
    assert _run("list", "--root", str(tmp_path)) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    shown = {line.split()[0]: line for line in lines}
    assert list(shown) == list(adapters())
    assert header.split() == ["name", "licence", "gated", "label", "of", "classes", "rows", "revision", "train", "here"]
    assert shown["local"].endswith("yes")
    assert shown["siuo"].split() == ["siuo", "CC-BY-NC-4.0", "no", "query", "unsafe", "167", "18974b65", "no", "no"]
    assert "response*" in shown["spa_vl"]
    assert "training prohibited" in shown["mossbench"]


def test_a_check_shows_fields_counts_and_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"text": f"Text {n}?", "label": n % 2} for n in range(40)]
    folder = _local(tmp_path / "mine", *rows, {"image": "lost.png"}, {"label": "maybe", "category": "\x1b[31mred"})
    assert _run("check", "local", "--folder", str(folder)) == 0
    shown = capsys.readouterr().out
    for words in (
        "42 records in samples.jsonl",
        "'label'  int or string  in 42",
        "42 rows: 40 kept, 2 skipped",
        "20 safe, 20 unsafe, 1 different images",
        "  fire: 20 safe, 20 unsafe",
        "skipped for missing_image: 1\n  samples.jsonl row 41, field image 'lost.png'",
        "skipped for unknown_label: 1\n  samples.jsonl row 42, field label 'maybe' is none of safe",
    ):
        assert words in shown


def test_a_check_fails_when_too_much_is_skipped_or_nothing_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _local(tmp_path / "mine", {"category": "\x1b[31mred"}, {"image": "lost.png"})
    assert _run("check", "local", "--folder", str(folder)) == 1
    assert capsys.readouterr().err == "rms: 50% of the rows are skipped, and at most 10% may be\n"
    assert _run("check", "local", "--folder", str(folder), "--max-skipped", "0.5") == 0
    assert "\x1b" not in capsys.readouterr().out
    (folder / "a.png").unlink()
    assert _run("check", "local", "--folder", str(folder), "--max-skipped", "1") == 1
    found = capsys.readouterr()
    assert "'image'  string  in 2" in found.out
    assert "not one of 2 local rows could be read" in found.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nope", "--folder", "."], "'nope' is no known corpus"),
        (["check", "siuo", "--folder", "nowhere"], "siuo_gen.json: annotation file not found"),
        (["check", "siuo", "--folder", ".", "--split", "train"], "siuo has test"),
        (["check", "msts", "--folder", ".", "--option", "language=latin"], "must be one of english"),
        (["fetch", "nope", "--root", "downloads"], "'nope' is no known corpus"),
        (["fetch", "local", "--root", "downloads"], "local: its test split is not on the Hub; make it and put samples"),
        (["fetch", "siuo", "--root", "downloads", "--split", "train"], "siuo has test"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(*arguments) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("rms: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["fetch"],
        ["fetch", "siuo"],
        ["fetch", "siuo", "--all", "--root", "x"],
        ["fetch", "siuo", "msts", "--revision", "a", "--root", "x"],
        ["check", "siuo"],
        ["check", "msts", "--option", "german", "--folder", "x"],
    ],
)
def test_what_is_not_said_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(*arguments) == 2
    assert "Error: " in capsys.readouterr().err


def test_the_root_is_that_of_params(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], composed: dict[str, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    values = json.loads(json.dumps(composed))
    values["corpora"] |= {"kind": "folder", "root": "mine"}
    Path("params.yaml").write_text(yaml.safe_dump(values))
    _local(tmp_path / "mine/local", {})
    assert _run("check", "local") == 0
    assert "1 rows: 1 kept" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["list", "fetch", "check"])
def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert _run("--help") == 0
    assert f"rms corpora {command}" in capsys.readouterr().out
    assert _run(command, "--help") == 0
