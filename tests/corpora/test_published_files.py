"""The real annotation files, where RMS_TEST_PUBLIC says they are."""

import os
from collections import Counter
from pathlib import Path

import pytest
from corpus_layouts import picture, records

from rms.corpora import adapter, adapters
from rms.corpora.base import Row
from rms.errors import RmsError

pytestmark = pytest.mark.skipif("RMS_TEST_PUBLIC" not in os.environ, reason="needs the public annotation files")


def _public(name: str) -> Path:
    return Path(os.environ["RMS_TEST_PUBLIC"]) / name


@pytest.mark.parametrize(
    ("name", "split", "labels"),
    [
        ("vlguard", "test", {"safe": 558, "unsafe": 558 + 442}),
        ("vlguard", "train", {"safe": 977, "unsafe": 977 + 1023}),
        ("siuo", "test", {"unsafe": 167}),
        ("vlsbench", "test", {"unsafe": 2241}),
        ("msts", "test", {"unsafe": 400}),
        ("figstep", "test", {"unsafe": 500}),
    ],
)
def test_the_published_number_of_rows_is_read_with_their_labels(name: str, split: str, labels: dict[str, int]) -> None:
    rows = list(adapter(name).rows(_public(name), split))
    assert all(isinstance(row, Row) for row in rows)
    assert Counter(row.label for row in rows if isinstance(row, Row)) == labels
    assert adapters()[name]({}).split(split).rows == len(rows)


@pytest.mark.parametrize(
    ("name", "rows", "image", "kept"),
    [
        ("siuo", 167, "images/S-01.png", 1),
        ("msts", 400, "unsafe_images/unsafe_image_0001.jpg", 2),
    ],
)
def test_each_row_without_its_image_is_a_reject(tmp_path: Path, name: str, rows: int, image: str, kept: int) -> None:
    for file in _public(name).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(
        RmsError, match=rf"not one of {rows} {name} rows could be read, {rows} of them for missing_image"
    ):
        records(name, tmp_path)
    picture(tmp_path / image)
    _, samples, rejects = records(name, tmp_path)
    assert (len(samples), len(rejects)) == (kept, rows - kept)
    assert {reject.reason for reject in rejects} == {"missing_image"}


def test_the_quirks_of_vlsbench_are_two_rejects(tmp_path: Path) -> None:
    """Of 2,241 rows one row has no text, and one stands there twice."""
    (tmp_path / "data.json").write_bytes((_public("vlsbench") / "data.json").read_bytes())
    paths = {row.images[0].value for row in adapter("vlsbench").rows(tmp_path, "test") if isinstance(row, Row)}
    for number, path in enumerate(sorted(map(str, paths))):
        if path != "imgs/0.png":
            picture(tmp_path / path, f"#{number:06x}")
    _, samples, rejects = records("vlsbench", tmp_path)
    assert len(samples) == 2238
    assert [(r.row, r.reason) for r in rejects][:1] == [("1", "missing_image")]
    assert [r.reason for r in rejects][1:] == ["empty_text", "duplicate"]
