"""A folder of photographs, and what hostile or careless people put into one."""

import os
from pathlib import Path

import pytest

from rms.errors import RmsError
from rms.images.faults import ImageFault
from rms.images.sources import RawImage, open_source
from rms.params import FolderSource


def read(path: Path, max_bytes: int = 1000) -> list[RawImage]:
    source = FolderSource(kind="folder", path=path, licence="CC0-1.0", attribution="me")
    return list(open_source(source, max_bytes).images)


def reasons(images: list[RawImage]) -> dict[str, str]:
    return {image.name: image.data.reason for image in images if isinstance(image.data, ImageFault)}


def test_all_subfolders_in_the_order_of_their_paths(tmp_path):
    for name in ("b/2.png", "a.jpg", "b/10.JPEG", "c.webp", "B.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    images = read(tmp_path)
    assert [image.name for image in images] == ["B.tif", "a.jpg", "b/10.JPEG", "b/2.png", "c.webp"]
    assert all(image.data == image.name.encode() for image in images)
    assert images[2].extension == ".JPEG"
    assert {(image.licence, image.attribution) for image in images} == {("CC0-1.0", "me")}


def test_other_files_are_counted_not_read(tmp_path):
    for name in ("a.jpg", "notes.txt", "b.csv", "jpg"):
        (tmp_path / name).write_bytes(b"x")
    opened = open_source(FolderSource(kind="folder", path=tmp_path, licence="", attribution=""), 10)
    assert (opened.total, opened.ignored) == (1, 3)
    assert [image.name for image in opened.images] == ["a.jpg"]


def test_links_out_of_the_folder_are_faults_and_links_within_are_read(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret.jpg").write_bytes(b"secret")
    (inside / "a.jpg").write_bytes(b"a")
    (inside / "link.jpg").symlink_to(outside / "secret.jpg")
    (inside / "folder").symlink_to(outside)
    (inside / "same.jpg").symlink_to(inside / "a.jpg")
    images = read(inside)
    assert reasons(images) == {"link.jpg": "outside_folder", "folder": "outside_folder"}
    assert {image.name: image.data for image in images if isinstance(image.data, bytes)} == {
        "a.jpg": b"a",
        "same.jpg": b"a",
    }


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(b"a")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [image.data for image in read(tmp_path / "link")] == [b"a"]


def test_what_cannot_be_read_is_a_fault_and_nothing_waits(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reasons(read(tmp_path)) == {"gone.jpg": "unreadable", "loop.jpg": "unreadable", "pipe.jpg": "unreadable"}


def test_large_files_are_not_read(tmp_path):
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(1 << 40)  # a sparse tebibyte
    assert reasons(read(tmp_path)) == {"huge.jpg": "too_large"}


def test_names_that_are_not_text_can_still_be_written_down(tmp_path):
    name = b"caf\xe9.jpg"
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"a")
    except OSError:
        pytest.skip("this file system takes only names that are text")
    image = read(tmp_path)[0]
    assert (image.name, image.data) == ("caf\\xe9.jpg", b"a")


def test_an_empty_or_missing_folder_is_the_users_mistake(tmp_path):
    (tmp_path / "notes.txt").write_text("no photographs")
    with pytest.raises(RmsError, match="no images among its 1 files"):
        read(tmp_path)
    with pytest.raises(RmsError, match="no such folder"):
        read(tmp_path / "nowhere")
