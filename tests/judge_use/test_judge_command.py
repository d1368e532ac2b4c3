"""`rms judge`: one query, files of them, and what goes wrong."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
from test_embedded_judge import CHOCOLATE

import rms.judge
from rms.cli import main
from rms.errors import RmsError
from rms.judge.embedded import EmbeddedJudge
from rms.judge.interface import QueryError

ROOT = Path(__file__).resolve().parents[2]


class Told(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def judge(*arguments: str | Path) -> Told:
    """`rms judge`, in this process: to import torch anew each time takes seconds."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            main(["judge", *map(str, arguments)])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Told(code, out.getvalue(), err.getvalue())


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def write_rows(file: Path, rows: list) -> Path:
    file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return file


@pytest.mark.usefixtures("project")
def test_one_query_is_answered_with_probability_verdict_and_threshold():
    loaded = rms.judge.load("models/judge/rms/0/full")
    (expected,) = loaded.p_unsafe([("cat.jpg", CHOCOLATE[0])])
    told = judge("--image", "cat.jpg", "--text", CHOCOLATE[0])
    assert (told.returncode, told.stderr) == (0, "")
    verdict = "unsafe" if expected >= loaded.threshold else "safe"
    assert told.stdout.splitlines() == [
        f"P(unsafe)  {expected:.4f}",
        f"verdict    {verdict} (threshold {loaded.threshold:.4f})",
        "judge      models/judge/rms/0/full",
    ]
    both = judge("--image", "cat.jpg", "--image", "coffee.jpg", "--text", "x", "--response", "y", "--json")
    (expected,) = loaded.p_unsafe([(["cat.jpg", "coffee.jpg"], "x", "y")])
    assert json.loads(both.stdout)["p_unsafe"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_batch_has_a_line_for_each_row_and_bad_rows_say_what_is_wrong(project, form):
    (project / "outside.txt").write_text("no picture")
    rows = [
        {"image": "cat.jpg", "text": CHOCOLATE[0], "id": "first"},
        {"image": "nowhere.jpg", "text": "a"},
        {"image": "outside.txt", "text": "a"},
        {"image": "../cat.jpg", "text": "a"},
        {"image": "cat.jpg|coffee.jpg" if form == "csv" else ["cat.jpg", "coffee.jpg"], "text": "x", "response": "y"},
        {"image": "cat.jpg", "text": "  "},
    ]
    source = project / f"rows.{form}"
    if form == "csv":
        with source.open("w", newline="") as file:
            table = csv.DictWriter(file, ["id", "image", "text", "response", "label"], restval="")
            table.writeheader()
            table.writerows(rows)
    else:
        write_rows(source, rows)
    told = judge("--batch", source, "--output", "out.jsonl")
    assert told.returncode == 0
    assert "6 rows: 4 error, " in told.stdout
    out = lines(project / "out.jsonl")
    assert [line["row"] for line in out] == [1, 2, 3, 4, 5, 6]
    assert out[0]["id"] == "first"
    expected = rms.judge.load("models/judge/rms/0/full").p_unsafe(
        [("cat.jpg", CHOCOLATE[0]), (["cat.jpg", "coffee.jpg"], "x", "y")]
    )
    assert [out[0]["p_unsafe"], out[4]["p_unsafe"]] == pytest.approx(expected, abs=1e-5)
    for row, word in ((2, "missing_image"), (3, "not_an_image"), (4, "outside_folder"), (6, "text: must be words")):
        assert word in out[row - 1]["error"]
        assert out[row - 1]["verdict"] is None


def test_lines_that_are_no_rows_cost_the_others_nothing(project):
    rows = ["{", "[1]", {"text": "a"}, {"image": 3, "text": "a"}, {"image": "cat.jpg", "text": "a" * 200_000}]
    rows += [{"image": "cat.jpg", "text": "a \ud800"}, {"image": "\ud800.jpg", "text": "a"}]
    source = write_rows(project / "rows.jsonl", [*rows, {"images": ["cat.jpg"], "text": "fine"}])
    assert judge("--batch", source, "--output", "out.jsonl").returncode == 0
    *bad, good = lines(project / "out.jsonl")
    assert all(line["error"] for line in bad)
    assert good["verdict"] in ("safe", "unsafe")


def test_a_killed_batch_goes_on_with_what_is_missing_and_ends_alike(project):
    rows = [
        {"image": f"{name}.jpg", "text": f"{CHOCOLATE[number % 6]} {number}"}
        for number in range(500)
        for name in ("cat", "coffee")
    ]
    source = write_rows(project / "rows.jsonl", rows)
    command = [sys.executable, "-m", "rms", "judge", "--batch", str(source), "--output", "out.jsonl"]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}) as process:
        while not Path("out.jsonl").exists() or Path("out.jsonl").stat().st_size < 8_000:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    before = Path("out.jsonl").read_bytes()
    Path("out.jsonl").write_bytes(before[:-7])  # as if the last line was cut
    whole = before[:-7].count(b"\n")
    assert 0 < whole < len(rows)
    assert judge("--batch", source, "--output", "out.jsonl").returncode == 0
    resumed = Path("out.jsonl").read_bytes()
    assert [line["row"] for line in lines(project / "out.jsonl")] == list(range(1, len(rows) + 1))
    assert resumed.startswith(b"\n".join(before.split(b"\n")[:whole]))
    judge("--batch", source, "--output", "fresh.jsonl")
    fresh = lines(project / "fresh.jsonl")
    assert [line["p_unsafe"] for line in lines(project / "out.jsonl")] == pytest.approx(
        [line["p_unsafe"] for line in fresh], abs=1e-5
    )


def test_a_row_that_was_mended_is_judged_and_stands_in_its_place(project):
    source = write_rows(project / "rows.jsonl", [{"image": "late.jpg", "text": "a"}, {"image": "cat.jpg", "text": "b"}])
    judge("--batch", source, "--output", "out.jsonl")
    kept = lines(project / "out.jsonl")[1]
    shutil.copyfile("cat.jpg", "late.jpg")
    assert judge("--batch", source, "--output", "out.jsonl").returncode == 0
    mended, same = lines(project / "out.jsonl")
    assert (mended["row"], mended["verdict"] is None, same) == (1, False, kept)
    write_rows(source, [{"image": "late.jpg", "text": "a"}, {"image": "cat.jpg", "text": "something else"}])
    judge("--batch", source, "--output", "out.jsonl")
    assert lines(project / "out.jsonl")[1]["query"] != kept["query"]


@pytest.mark.parametrize("name", ["rows.jsonl", "mine.json"])
def test_a_file_of_others_that_ends_without_a_line_break_is_left_alone(project, name):
    (project / "mine.json").write_text('{"mine": 1}')
    (project / "rows.jsonl").write_text('{"image": "cat.jpg", "text": "a"}')
    before = (project / name).read_bytes()
    told = judge("--batch", "rows.jsonl", "--output", name)
    assert (told.returncode, told.stderr) == (1, f"rms: {name}:1: no line that `rms judge` wrote; name another file\n")
    assert (project / name).read_bytes() == before


def test_verdicts_of_another_judge_are_not_mixed_in(project):
    source = write_rows(project / "rows.jsonl", [{"image": "cat.jpg", "text": "a"}])
    judge("--batch", source, "--output", "out.jsonl")
    before = Path("out.jsonl").read_bytes()
    card = Path("models/judge/rms/0/full/judge.json")
    card.write_text(card.read_text().replace('"threshold": 0.', '"threshold": 0.0'))
    told = judge("--batch", source, "--output", "out.jsonl")
    assert told.returncode == 1
    assert "out.jsonl: holds verdicts of another judge" in told.stderr
    assert Path("out.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image", "nowhere.jpg", "--text", "a"], "nowhere.jpg: cannot be read"),
        (["--image", "words.txt", "--text", "a"], "words.txt: cannot be taken as a picture"),
        (["--image", "cat.jpg", "--text", "a", "--judge", "no/such/folder"], "no/such/folder: no such folder"),
        (["--image", "cat.jpg", "--text", "a", "--judge", "empty"], "judge.json: not found"),
        (["--image", "cat.jpg", "--text", "a", "--judge", "half"], "half: not a complete judge"),
        (["--batch", "nowhere.csv", "--output", "out"], "nowhere.csv: not found"),
        (["merge", "models/judge/rms/0/full", "out"], "holds no vlm judge (kind = 'embedded')"),
        (["--batch", "words.txt", "--output", "out"], "ends in .jsonl or .csv"),
        (["--batch", "columns.csv", "--output", "out"], "columns.csv: needs the columns image and text"),
        (["--batch", "latin.csv", "--output", "out"], "latin.csv: is not UTF-8"),
        (["--batch", "empty.jsonl", "--output", "out"], "empty.jsonl: has no rows"),
        (["--batch", "rows.jsonl", "--output", "words.txt"], "words.txt:1: no line that `rms judge` wrote"),
    ],
)
def test_a_mistake_is_one_line(project, arguments, message):
    (project / "words.txt").write_text("words\n")
    (project / "empty").mkdir()
    shutil.copytree("models/judge/rms/0/full", "half")
    os.truncate("half/model.safetensors", 1000)
    (project / "columns.csv").write_text("picture,words\na,b\n")
    (project / "latin.csv").write_bytes("image,text\na,ä\n".encode("latin-1"))
    (project / "empty.jsonl").write_text("\n\n")
    write_rows(project / "rows.jsonl", [{"image": "cat.jpg", "text": "a"}])
    told = judge(*arguments)
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert message in told.stderr
    assert not (project / "out").exists()


@pytest.mark.usefixtures("project")
def test_a_params_yaml_of_another_tool_does_not_stand_in_the_way():
    Path("params.yaml").write_text("train: {epochs: 3}\n")
    told = judge("--image", "cat.jpg", "--text", CHOCOLATE[0], "--judge", "models/judge/rms/0/full")
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "arguments",
    [
        [], ["--image", "cat.jpg"], ["--image", "cat.jpg", "--text", " "], ["--batch", "rows.jsonl"],
        ["--batch", "rows.jsonl", "--output", "o", "--text", "a"],
        ["--batch", "rows.jsonl", "--output", "o", "--response", "a"],
        ["--image", "cat.jpg", "--text", "a", "--output", "o"], ["--image", "cat.jpg", "--text", "a", "--root", "."],
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_told(arguments):
    told = judge(*arguments)
    assert told.returncode == 2
    assert "Usage: rms judge" in told.stderr


def test_without_a_run_there_is_no_judge_to_ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = judge("--image", "a", "--text", "b")
    assert told.stderr == "rms: models/judge/rms: no judge here; run `dvc repro finetune`, or name one with --judge\n"


def test_help_names_the_commands():
    told = judge("--help")
    assert told.returncode == 0
    for word in ("--image", "--batch", "push", "merge"):
        assert word in told.stdout


def test_a_batch_that_cannot_begin_leaves_no_file(project, monkeypatch):
    source = write_rows(project / "rows.jsonl", [{"image": "cat.jpg", "text": "a"}])
    monkeypatch.setattr("rms.judge.embedded.EmbeddedJudge.p_unsafe", lambda *_: _fail())
    told = judge("--batch", source, "--output", "out.jsonl")
    assert (told.returncode, told.stderr) == (1, "rms: the endpoint is gone\n")
    assert not Path("out.jsonl").exists()


def test_a_row_that_the_judge_cannot_take_costs_the_others_nothing(project, monkeypatch):
    """As a judge that takes fewer images than a row has."""
    rows = [
        {"image": "cat.jpg", "text": "a"},
        {"images": ["cat.jpg"] * 2, "text": "a"},
        {"image": "coffee.jpg", "text": "b"},
    ]
    real = EmbeddedJudge.p_unsafe
    monkeypatch.setattr(
        EmbeddedJudge,
        "p_unsafe",
        lambda self, batch: _fail() if any(len(query.images) > 1 for query in batch) else real(self, batch),
    )
    assert judge("--batch", write_rows(project / "rows.jsonl", rows), "--output", "out.jsonl").returncode == 0
    first, second, third = lines(project / "out.jsonl")
    assert second["error"] == "the endpoint is gone"
    assert None not in (first["verdict"], third["verdict"])


def test_a_batch_ends_whose_last_rows_the_judge_cannot_take(project, monkeypatch):
    def unable(*_: object) -> NoReturn:
        raise QueryError("a query has 2 images and the judge takes 1")

    monkeypatch.setattr(EmbeddedJudge, "p_unsafe", unable)
    source = write_rows(project / "rows.jsonl", [{"images": ["cat.jpg"] * 2, "text": "a"}])
    told = judge("--batch", source, "--output", "out.jsonl")
    assert (told.returncode, told.stdout) == (1, "1 rows: 1 error -> out.jsonl\n")
    assert told.stderr == "rms: no row has a verdict: out.jsonl says of each why; run again to retry\n"
    assert lines(project / "out.jsonl")[0]["error"] == "a query has 2 images and the judge takes 1"


def _fail() -> NoReturn:
    raise RmsError("the endpoint is gone")
