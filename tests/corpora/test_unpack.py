import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from corpus_layouts import pixels

from rms.corpora import unpack as unpacking
from rms.corpora.unpack import unpack
from rms.errors import RmsError


def _zip(path: Path, *names: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, pixels())
    return path


def _tar(path: Path, *entries: tarfile.TarInfo) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for entry in entries:
            entry.size = len(pixels()) if entry.isfile() else 0
            archive.addfile(entry, io.BytesIO(pixels()) if entry.isfile() else None)
    return path


def _link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_files_land_beside_the_archive_which_goes(tmp_path: Path, ending: str) -> None:
    names = ("imgs/0.png", "imgs/deep/1.png", "__MACOSX/imgs/._0.png")
    path = tmp_path / f"imgs{ending}"
    if ending == ".zip":
        _zip(path, *names)
    else:
        _tar(path, *map(tarfile.TarInfo, names[:2]))
    assert unpack(path) == 2
    assert sorted(found.relative_to(tmp_path).as_posix() for found in tmp_path.rglob("*.png")) == list(names[:2])
    assert (tmp_path / "imgs/0.png").read_bytes() == pixels()
    assert not path.exists()


@pytest.mark.parametrize(
    "name", ["../evil.png", "/tmp/rms-evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png"]
)
@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / f"in/imgs{ending}"
    archive = _zip(path, name) if ending == ".zip" else _tar(path, tarfile.TarInfo(name))
    with pytest.raises(RmsError, match=r"^[^\n]*imgs[^\n]* leads out of the folder; it is not unpacked$"):
        unpack(archive)
    assert [found.name for found in tmp_path.rglob("*")] == ["in", archive.name]


def test_links_in_an_archive_are_passed_over(tmp_path: Path) -> None:
    entries = [_link("out", "/etc"), _link("hard.png", "/etc/passwd", tarfile.LNKTYPE), tarfile.TarInfo("a.png")]
    assert unpack(_tar(tmp_path / "imgs.tar", *entries)) == 1
    assert [found.name for found in tmp_path.iterdir()] == ["a.png"]


def test_a_link_that_was_there_before_is_not_written_through(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.png").write_text("secret")
    (folder / "a.png").symlink_to(tmp_path / "secret.png")
    unpack(_zip(folder / "imgs.zip", "a.png"))
    assert (tmp_path / "secret.png").read_text() == "secret"
    (folder / "sub").symlink_to(tmp_path)
    with pytest.raises(RmsError, match="leads through a link"):
        unpack(_zip(folder / "imgs.zip", "sub/secret.png"))
    assert (tmp_path / "secret.png").read_text() == "secret"


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_BYTES", 150)
    with pytest.raises(RmsError, match=r"1\.png' is beyond 0 GiB"):
        unpack(_zip(tmp_path / "imgs.zip", "0.png", "1.png"))


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_a_damaged_archive_is_one_line(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"imgs{ending}"
    whole = (_zip(path, "a.png") if ending == ".zip" else _tar(path, tarfile.TarInfo("a.png"))).read_bytes()
    cut = whole[: len(whole.rstrip(b"\0")) // 2]  # a tar ends with blocks of zeros, which nobody would miss
    for content in (b"", b"no archive at all", cut, whole[:50] + b"?" * 50 + whole[100:]):
        path.write_bytes(content)
        with pytest.raises(RmsError, match=rf"^{re.escape(str(path))}: cannot be unpacked \([^\n]*fetch it again$"):
            unpack(path)
        assert path.exists()
