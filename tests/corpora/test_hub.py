"""Downloads, from a small server of our own that speaks the Hub's routes."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from corpus_layouts import picture, pixels, records, write_json
from public_layouts import LAYOUTS

from fake_hub import Repo, fake_hub
from rms.corpora import adapters
from rms.corpora.hub import NOTE, fetched_revision

TOKEN = "a-token-of-nobody"


def _packed(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, pixels())
    return buffer.getvalue()


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def _fetch(*arguments: str, at: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: the library reads its address when it is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-m", "rms", "corpora", "fetch", *arguments],
        env=kept | {"HF_ENDPOINT": at, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_split_is_pinned_by_a_whole_commit_or_not_at_all() -> None:
    downloads = [split.download for kind in adapters().values() for split in kind.splits if split.download]
    assert len(downloads) >= 18
    assert all(found.revision is None or len(found.revision) == 40 for found in downloads)


def test_what_comes_from_the_hub_is_read_as_if_put_there_by_hand(tmp_path: Path) -> None:
    """Parquet tables, single images, an archive and a gated repository, all in one go."""
    by_hand, root = tmp_path / "by_hand", tmp_path / "root"
    for name in ("beavertails_v", "siuo", "vlguard"):
        LAYOUTS[name](by_hand / name)
    picture(by_hand / "vlguard/test/a.png")
    repos = {
        "PKU-Alignment/BeaverTails-V": Repo(_files(by_hand / "beavertails_v") | {"README.md": b"not asked for"}),
        "sinwang/SIUO": Repo(_files(by_hand / "siuo")),
        "ys-zong/VLGuard": Repo(
            {"test.json": (by_hand / "vlguard/test.json").read_bytes(), "test.zip": _packed("test/a.png")}, token=TOKEN
        ),
    }
    with fake_hub(repos) as hub:
        names = ("beavertails_v", "siuo", "vlguard")
        first = _fetch(*names, "--root", str(root), at=hub.address, home=tmp_path, HF_TOKEN=TOKEN)
        assert (first.returncode, first.stderr) == (0, "")
        before = _files(root)
        asked = len(hub.requests)
        again = _fetch(*names, "--root", str(root), at=hub.address, home=tmp_path, HF_TOKEN=TOKEN)
        assert "siuo: was there already, commit c0ffeec0ffee" in again.stdout
        assert len(hub.requests) == asked
    assert _files(root) == before
    assert not [
        name for name in before if "README" in name or "train" in name or name.endswith(".zip") or "cache" in name
    ]
    assert TOKEN not in first.stdout + str(before)
    for name in names:
        assert records(name, root / name) == records(name, by_hand / name)
        assert fetched_revision(root / name, "test") == "c0ffee" * 6 + "c0ff"


def test_what_cannot_be_had_is_one_line_each_and_leaves_an_empty_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    repos = {
        "ys-zong/VLGuard": Repo({"test.json": b"[]", "test.zip": _packed("a.png")}, token=TOKEN),
        "sinwang/SIUO": Repo({"README.md": b"moved"}),
        "kzhou35/mssbench": Repo({"combined.json": b"{}", "chat/../../../evil.png": pixels()}),
    }
    names = ("vlguard", "siuo", "mssbench", "vlsbench", "figstep")
    with fake_hub(repos) as hub:
        done = _fetch(*names, "--root", str(root), at=hub.address, home=tmp_path)
        stale = _fetch("siuo", "--root", str(root), "--revision", "0" * 40, at=hub.address, home=tmp_path)
    assert done.returncode == 1
    lines = dict(zip(names, done.stderr.splitlines(), strict=True))
    assert "ask for access at https://huggingface.co/datasets/ys-zong/VLGuard, then set HF_TOKEN" in lines["vlguard"]
    assert "has none of siuo_gen.json" in lines["siuo"]
    assert "lists 'chat/../../../evil.png'; nothing was downloaded" in lines["mssbench"]
    assert "the Hub shows no Foreshhh/vlsbench" in lines["vlsbench"]
    assert "not on the Hub; get it from https://github.com/ThuCCSLab/FigStep and put safebench.csv" in lines["figstep"]
    assert "has no such revision" in stale.stderr
    assert not list(tmp_path.rglob("evil.png"))
    assert all((root / name).is_dir() and not list((root / name).iterdir()) for name in names)


@pytest.mark.parametrize(
    ("environment", "words"),
    [({}, "cannot be fetched"), ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE forbids a connection")],
)
def test_without_a_connection_there_is_one_line(tmp_path: Path, environment: dict[str, str], words: str) -> None:
    done = _fetch("msts", "--root", str(tmp_path / "root"), at="http://127.0.0.1:9", home=tmp_path, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith("rms: msts: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_second_split_joins_the_first(tmp_path: Path) -> None:
    by_hand, root = tmp_path / "by_hand", tmp_path / "root"
    LAYOUTS["spa_vl"](by_hand)
    commit = "0e75b34a9e803a236873420c8680de3889befd62"
    with fake_hub({"sqrti/SPA-VL": Repo(_files(by_hand), commit)}) as hub:
        for split in ("test", "train"):
            done = _fetch("spa_vl", "--split", split, "--root", str(root), at=hub.address, home=tmp_path)
            assert done.returncode == 0, done.stderr
    for split in ("test", "train"):
        assert fetched_revision(root / "spa_vl", split) == commit
        assert records("spa_vl", root / "spa_vl", split) == records("spa_vl", by_hand, split)


@pytest.mark.parametrize(
    "note",
    [[], {"test": "x"}, {"test": {"revision": "../x", "files": 1}}, {"test": {"revision": ["a"] * 40, "files": 1}}],
)
def test_a_note_that_is_none_counts_as_none(tmp_path: Path, note: object) -> None:
    write_json(tmp_path / NOTE, note)
    assert fetched_revision(tmp_path, "test") is None
    (tmp_path / NOTE).write_text("[" * 100_000)
    assert fetched_revision(tmp_path, "test") is None


def test_splits_that_lie_in_the_same_files_are_downloaded_once(tmp_path: Path) -> None:
    """RMS2 has neither splits nor known fields, and our own note is none of its files."""
    by_hand, root = tmp_path / "by_hand", tmp_path / "root"
    LAYOUTS["rms2"](by_hand)
    with fake_hub({"NewCityLetter/RMS2": Repo(_files(by_hand))}) as hub:
        _fetch("rms2", "--root", str(root), at=hub.address, home=tmp_path)
        asked = len(hub.requests)
        done = _fetch("rms2", "--split", "train", "--root", str(root), at=hub.address, home=tmp_path)
        assert (len(hub.requests), done.returncode) == (asked, 0)
    for split in ("test", "train"):
        assert fetched_revision(root / "rms2", split) is not None
        assert records("rms2", root / "rms2", split) == records("rms2", by_hand, split)
