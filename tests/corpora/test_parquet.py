import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_layouts import cell, picture, pixels, records, write_parquet

from rms.corpora.parquet import Cell, Content, parquet_rows, pictures
from rms.errors import RmsError

FILE = "data/animal_abuse/evaluation.parquet"


def _row(**changes: object) -> dict[str, object]:
    """A good row of BeaverTails-V, changed."""
    good = {"image": cell(), "question": "What?", "response": "No.", "is_response_safe": "yes", "category": "c"}
    return good | changes


def test_pictures_wait_in_the_file_until_they_are_asked_for(tmp_path: Path) -> None:
    write_parquet(tmp_path / FILE, [_row(image=cell("red")), _row(image=cell("blue"))], rows_per_group=1)
    first, second = parquet_rows(tmp_path, FILE)
    assert (first.row, first.values["question"], first.values["image"]) == ("1", "What?", Cell(FILE, 0, "image"))
    (content,) = pictures(tmp_path, [Cell(FILE, 1, "image")])
    assert content == Content(pixels("blue"), "blue.png")
    assert second.values["image"] == Cell(FILE, 1, "image")


def test_pictures_come_in_the_order_asked_for_across_files_columns_and_gaps(tmp_path: Path) -> None:
    for number in range(2):
        rows = [{"a": f"{number}a{row}".encode(), "b": f"{number}b{row}".encode()} for row in range(40)]
        write_parquet(tmp_path / f"{number}.parquet", rows, rows_per_group=7)
    asked = [(0, 3, "a"), (0, 3, "b"), (0, 39, "a"), (1, 8, "b"), (1, 2, "a"), (0, 0, "b")]
    found = pictures(tmp_path, [Cell(f"{number}.parquet", row, column) for number, row, column in asked])
    assert [content.data for content in found] == [f"{n}{column}{row}".encode() for n, row, column in asked]


def test_memory_holds_a_few_rows_of_pixels_however_many_there_are(tmp_path: Path) -> None:
    rows = [{"image": {"bytes": os.urandom(25_000), "path": None}} for _ in range(2_000)]
    size = write_parquet(tmp_path / "a.parquet", rows).stat().st_size
    expected = [row["image"]["bytes"] for row in rows]
    del rows
    before, most = pa.total_allocated_bytes(), 0
    found = pictures(tmp_path, [Cell("a.parquet", number, "image") for number in range(2_000)])
    for content, wanted in zip(found, expected, strict=True):
        assert content.data == wanted
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < size / 4


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ({"bytes": None, "path": None}, "missing_image"),
        ({"bytes": None, "path": "lost.png"}, "missing_image"),
        ({"bytes": None, "path": "../secret.png"}, "outside_folder"),
        ({"bytes": None, "path": "/etc/passwd"}, "outside_folder"),
        ({"bytes": b"", "path": "a.png"}, "empty"),
        ({"bytes": b"no picture", "path": "a.png"}, "not_an_image"),
        (None, "missing_image"),
    ],
)
def test_a_cell_without_a_usable_picture_is_a_reject(tmp_path: Path, image: object, reason: str) -> None:
    picture(tmp_path / "secret.png", "blue")
    folder = tmp_path / "corpus"
    write_parquet(folder / FILE, [_row(), _row(image=image, response="Another")])
    _, samples, rejects = records("beavertails_v", folder)
    assert len(samples) == 1
    assert [(r.file, r.row, r.field, r.reason) for r in rejects] == [(FILE, "2", "image", reason)]


def test_pictures_beside_the_table_are_found_by_their_paths(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.png")
    rows = [_row(image={"bytes": None, "path": "images/a.png"})]
    write_parquet(tmp_path / FILE, rows)
    write_parquet(tmp_path / "data/dangerous/evaluation.parquet", [_row(image="images/a.png", response="Another")])
    pictures_found, samples, rejects = records("beavertails_v", tmp_path)
    assert (len(pictures_found), len(samples), rejects) == (1, 2, [])


@pytest.mark.parametrize("label", ["maybe", "", None, 2])
def test_an_unknown_verdict_is_a_reject(tmp_path: Path, label: object) -> None:
    write_parquet(tmp_path / FILE, [_row()])
    write_parquet(tmp_path / "data/other/evaluation.parquet", [_row(is_response_safe=label)])
    _, _, rejects = records("beavertails_v", tmp_path)
    assert [(r.file, r.row, r.field, r.reason) for r in rejects] == [
        ("data/other/evaluation.parquet", "1", "is_response_safe", "unknown_label")
    ]


def test_a_missing_column_is_one_line_with_those_that_are_there(tmp_path: Path) -> None:
    write_parquet(tmp_path / FILE, [{"picture": cell(), "question": "What?"}])
    with pytest.raises(
        RmsError, match=r"^[^\n]*evaluation\.parquet: column 'image' is missing; the table has 'picture'"
    ):
        records("beavertails_v", tmp_path)


def test_a_damaged_table_is_one_line(tmp_path: Path) -> None:
    whole = write_parquet(tmp_path / FILE, [_row(response=f"{n}") for n in range(50)], rows_per_group=10).read_bytes()
    for content in (b"", b"PAR1", whole[: len(whole) // 2], whole[:100] + b"?" * 400 + whole[500:]):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(RmsError, match=r"^[^\n]*evaluation\.parquet: damaged \([^\n]*download the file again$"):
            records("beavertails_v", tmp_path)


def test_text_that_is_not_utf8_is_one_line(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([_row(), _row()])
    broken = pa.array([b"fine", b"\xff\xfe"]).view(pa.string())
    table = table.set_column(table.column_names.index("question"), "question", broken)
    (tmp_path / FILE).parent.mkdir(parents=True)
    pq.write_table(table, tmp_path / FILE)
    with pytest.raises(RmsError, match=r"evaluation\.parquet: damaged \([^\n]*utf-8"):
        records("beavertails_v", tmp_path)


def test_a_table_that_links_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = write_parquet(tmp_path / "outside.parquet", [_row()])
    link = tmp_path / "corpus" / FILE
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(RmsError, match="is a link out of the corpus' folder"):
        records("beavertails_v", tmp_path / "corpus")
