import hashlib
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from rms.errors import RmsError
from rms.params import Corpora, Params
from rms.records import CorpusImage, CorpusReject, CorpusSample
from rms.stages.corpora import run
from rms.store import read_jsonl, read_table

PROJECT = Path(__file__).parents[2]


def _params(**changes: object) -> Params:
    settings = {"names": ["local"], "kind": "folder", "root": "downloads", "on_missing": "error", "split": "test"}
    settings |= {"options": {}}
    # the stage reads its own section alone
    return Params.model_construct(corpora=Corpora.model_validate(settings | changes))


def _local(folder: Path, *labels: object) -> Path:
    """A `local` corpus of one picture, with a text of its own for each label."""
    folder.mkdir(parents=True)
    Image.new("RGB", (48, 32), "red").save(folder / "a.png")
    rows = [
        {"image": "a.png", "text": f"Text {n}?", "label": label, "category": "fire"} for n, label in enumerate(labels)
    ]
    (folder / "samples.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def _digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(PROJECT / "conf/manifests", tmp_path / "conf/manifests")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_becomes_tables_rejects_and_a_summary(project: Path) -> None:
    _local(project / "downloads/local", "safe", 1, "?")
    run(_params(), "local")
    out = project / "data/corpora/local"
    (picture,) = read_table(out / "images", CorpusImage)
    samples = list(read_table(out / "samples", CorpusSample))
    (reject,) = read_jsonl(out / "rejects.jsonl", CorpusReject)
    assert {tuple(sample.image_ids) for sample in samples} == {(picture.image_id,)}
    assert (reject.row, reject.reason) == ("3", "unknown_label")
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rows"] == {"read": 3, "kept": 2, "skipped": 1}
    assert summary["skipped"] == {"unknown_label": 1}
    assert summary["labels"] == {"safe": 1, "unsafe": 1}
    assert summary["categories"] == {"fire": {"safe": 1, "unsafe": 1}}
    assert (summary["embedded"], summary["missing"], summary["images"]) == (False, False, 1)


@pytest.mark.parametrize("name", ["vlguard", "figstep"])
def test_an_embedded_corpus_is_the_same_to_the_byte_every_time(project: Path, name: str) -> None:
    params = _params(kind="embedded", root=str(PROJECT / "src/rms/corpora/embedded"))
    run(params, name)
    first = _digest(project / "data/corpora/" / name)
    shutil.rmtree(project / "data")
    run(params, name)
    assert _digest(project / "data/corpora/" / name) == first
    summary = json.loads((project / "data/corpora" / name / "summary.json").read_text())
    assert (summary["embedded"], summary["licence"], summary["gated"]) == (True, "Apache-2.0", False)


def test_a_missing_folder_says_where_to_get_it_and_where_to_put_it() -> None:
    with pytest.raises(
        RmsError,
        match=r"downloads/siuo: not found; get it from https://huggingface\.co/\S+SIUO and put siuo.*rpora fetch siuo",
    ):
        run(_params(), "siuo")


@pytest.mark.parametrize("there", [False, True])
def test_a_missing_or_empty_folder_may_be_skipped(
    project: Path, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    if there:  # as `rms corpora fetch` leaves it for what it could not get
        (project / "downloads/siuo").mkdir(parents=True)
    run(_params(on_missing="skip"), "siuo")
    assert "going on without it" in capsys.readouterr().err
    out = project / "data/corpora/siuo"
    assert not list(read_table(out / "images", CorpusImage))
    assert not list(read_table(out / "samples", CorpusSample))
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["missing"], summary["rows"]["read"]) == (True, 0)


def test_a_failed_run_leaves_what_was_there(project: Path) -> None:
    folder = _local(project / "downloads/local", "safe")
    run(_params(), "local")
    before = _digest(project / "data/corpora/local")
    (folder / "a.png").unlink()
    with pytest.raises(RmsError, match="not one of 1 local rows"):
        run(_params(), "local")
    assert _digest(project / "data/corpora/local") == before
    assert [path.name for path in (project / "data/corpora").iterdir()] == ["local"]


def test_options_and_the_fetched_commit_are_facts_of_the_summary(project: Path) -> None:
    folder = project / "downloads/msts"
    (folder / "unsafe_images").mkdir(parents=True)
    Image.new("RGB", (48, 32), "red").save(folder / "unsafe_images/1.png")
    (folder / "prompts_german.csv").write_text("hazard_category,unsafe_image_id,prompt_text\nOther,1,Soll ich?\n")
    note = {"test": {"repo": "felfri/MSTS", "revision": "c0ffee" * 6 + "c0ff", "files": 2}}
    (folder / ".rms-source.json").write_text(json.dumps(note))
    run(_params(options={"msts": {"language": "german"}, "mis": {"level": "easy"}}), "msts")
    summary = json.loads((project / "data/corpora/msts/summary.json").read_text())
    assert (summary["options"], summary["revision"]) == ({"language": "german"}, note["test"]["revision"])
    assert (summary["classes"], summary["derived"], summary["derivation"]) == ("unsafe", False, "")
    with pytest.raises(RmsError, match=r"corpora\.options\.msts\.language = 'latin'"):
        run(_params(options={"msts": {"language": "latin"}}), "msts")


def test_options_of_a_corpus_that_there_is_not_are_an_error(project: Path) -> None:
    _local(project / "downloads/local", "safe")
    with pytest.raises(
        RmsError, match=r"^corpora\.options: 'mtst' is no known corpus; known are beavertails_v, [^\n]+$"
    ):
        run(_params(options={"mtst": {"language": "german"}}), "local")


def test_a_gated_corpus_that_is_missing_names_the_page_to_ask_at() -> None:
    with pytest.raises(
        RmsError, match=r"https://huggingface\.co/\S+VLGuard, after asking for access there, and put test\.json"
    ):
        run(_params(), "vlguard")
