"""A user's mistake is one line and exit status 1, never a traceback."""

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml
from project import Outcome, Project


@pytest.fixture
def project(untouched: Project, tmp_path: Path) -> Project:
    """A project folder with its configuration and code, to make mistakes in."""
    folder = tmp_path / "project"
    shutil.copytree(untouched.folder / "conf", folder / "conf")
    shutil.copyfile(untouched.folder / "params.yaml", folder / "params.yaml")
    (folder / "src").symlink_to(untouched.folder / "src")
    return Project(folder, untouched.environment)


def _says(outcome: Outcome, *parts: str) -> None:
    assert outcome.status == 1, outcome.output
    assert outcome.output.startswith("rms: ")
    assert outcome.output.count("\n") == 1, outcome.output
    assert all(part in outcome.output for part in parts), outcome.output


def test_no_params(project: Project):
    (project.folder / "params.yaml").unlink()
    _says(project.try_to("rms", "stage", "collect"), "params.yaml: not found", "`rms params`")


def test_an_unknown_key(project: Project):
    with (project.folder / "params.yaml").open("a") as file:
        file.write("sed: 1\n")
    _says(project.try_to("rms", "stage", "collect"), "sed: unknown key", "seed")


def test_stale_params(project: Project):
    assert project.try_to("rms", "params", "--check") == (0, "")
    project.do("rms", "params", "judge.lr=0.5")
    _says(project.try_to("rms", "params", "--check"), "params.yaml: stale", "`rms params`")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (["corpora", "nope"], "'nope' is no known corpus; known are beavertails_v"),
        (["corpora", "../../x"], "'../../x' is no known corpus"),
        (["finetune", "nope"], "no training set 'nope'; known: rms"),
        (["evaluate", "nope"], "no training set 'nope'; known: rms"),
    ],
)
def test_an_unknown_item_of_a_stage(project: Project, item, message):
    _says(project.try_to("rms", "stage", *item), message)


def test_an_experiment_that_needs_to_be_told_something(project: Project):
    _says(project.try_to("rms", "params", "experiment=paper"), "corpora.root")


def test_a_corpus_that_is_not_there(project: Project):
    project.do("rms", "params", "corpora=folder", "corpora.root=elsewhere")
    _says(project.try_to("rms", "stage", "corpora", "siuo"), "elsewhere/siuo: not found", "corpora.on_missing=skip")


def test_a_manifest_with_a_wrong_hash(project: Project):
    manifest = project.folder / "conf/manifests/embedded.yaml"
    photos = yaml.safe_load(manifest.read_text())["photos"]
    photos[3]["sha256"] = "0" * 64
    manifest.write_text(yaml.safe_dump({"photos": photos}))
    _says(project.try_to("rms", "stage", "collect"), Path(photos[3]["file"]).name, "sha256", "requirements.lock")
    assert not (project.folder / "data/images").exists()


@pytest.mark.parametrize(("files", "message"), [([], "no images among its 0 files"), (None, "no such folder")])
def test_a_source_without_photographs(project: Project, tmp_path: Path, files, message):
    photos = tmp_path / "photos"
    if files is not None:
        photos.mkdir()
    project.do("rms", "params", "images=folder", f"images.source.path={photos}")
    _says(project.try_to("rms", "stage", "collect"), message, "images.source.path")


def test_broken_and_escaping_files_are_rows_and_the_rest_goes_on(project: Project, tmp_path: Path):
    import skimage  # noqa: PLC0415 - slow

    real = Path(skimage.__file__).parent / "data/chelsea.png"
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copyfile(real, photos / "cat.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (photos / "cut.png").write_bytes(real.read_bytes()[:5000])
    (photos / "leaving.png").symlink_to(real)
    os.mkfifo(photos / "pipe.jpg")
    project.do("rms", "params", "images=folder", f"images.source.path={photos}")
    project.do("rms", "stage", "collect")
    made = project.folder / "data/images"
    rejects = {row["name"]: row["reason"] for row in map(json.loads, (made / "rejects.jsonl").read_text().splitlines())}
    assert set(rejects) == {"broken.jpg", "cut.png", "leaving.png", "pipe.jpg"}
    assert rejects["leaving.png"] == "outside_folder"
    assert json.loads((made / "summary.json").read_text())["kept"] == 1


def test_a_python_without_the_packages(project: Project):
    bare = Project(project.folder, project.environment | {"PYTHONPATH": "src"})
    _says(bare.try_to("python", "-S", "-m", "rms", "stage", "collect"), "has no package", "make setup")
