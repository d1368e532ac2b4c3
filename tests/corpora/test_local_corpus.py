from pathlib import Path

import pytest
from corpus_layouts import local, picture, records, row

from rms.errors import RmsError

SAFE = ["safe", "SAFE", 0, "0", False, "False"]
UNSAFE = ["unsafe", "Unsafe ", 1, "1", True, "TRUE"]


@pytest.mark.parametrize(
    ("spelling", "label"), [*((spelling, "safe") for spelling in SAFE), *((spelling, "unsafe") for spelling in UNSAFE)]
)
def test_labels_in_any_known_spelling(tmp_path: Path, spelling: object, label: str) -> None:
    _, samples, _ = records("local", local(tmp_path, row(label=spelling)))
    assert [sample.label for sample in samples] == [label]


@pytest.mark.parametrize("label", ["maybe", "", 2, None, 1.5, [1], "unsafe?"])
def test_an_unknown_label_is_rejected_with_its_value(tmp_path: Path, label: object) -> None:
    _, samples, rejects = records("local", local(tmp_path, row(), row(text="Other", label=label)))
    assert len(samples) == 1
    assert [(r.row, r.field, r.reason) for r in rejects] == [("2", "label", "unknown_label")]
    assert ("list" if isinstance(label, list) else repr(label)) in rejects[0].detail


def test_csv_with_byte_order_mark_and_line_breaks_in_quotes(tmp_path: Path) -> None:
    picture(tmp_path / "pictures/a.png")
    text = (
        '\ufeffimage,text,label,category\r\npictures/a.png,"Two\nlines, one text",1,fire\r\npictures/a.png,Fine,0,\r\n'
    )
    (tmp_path / "samples.csv").write_text(text, encoding="utf-8", newline="")
    _, samples, rejects = records("local", tmp_path)
    assert not rejects
    assert [(s.text, s.label, s.category) for s in samples] == [
        ("Two\nlines, one text", "unsafe", "fire"),
        ("Fine", "safe", ""),
    ]


def test_a_line_cut_short_is_a_reject(tmp_path: Path) -> None:
    folder = local(tmp_path, row())
    with (folder / "samples.jsonl").open("a") as lines:
        lines.write('\n{"image": "a.png", "te')
    _, samples, rejects = records("local", folder)
    assert len(samples) == 1
    assert [(r.row, r.reason) for r in rejects] == [("3", "invalid_json")]


def test_jsonl_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = local(tmp_path, row()) / "samples.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(records("local", tmp_path)[1]) == 1


def test_a_csv_row_with_too_many_columns_is_a_reject(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "samples.csv").write_text("image,text,label\na.png,Fine,0\na.png,One, two,0\n")
    _, samples, rejects = records("local", tmp_path)
    assert len(samples) == 1
    assert [(r.row, r.reason) for r in rejects] == [("2", "too_many_columns")]


def test_no_table_and_two_tables_are_each_one_line(tmp_path: Path) -> None:
    with pytest.raises(RmsError, match=r"has neither samples\.jsonl nor samples\.csv"):
        records("local", tmp_path)
    local(tmp_path, row())
    (tmp_path / "samples.csv").write_text("image,text,label\n")
    with pytest.raises(RmsError, match=r"holds both"):
        records("local", tmp_path)


@pytest.mark.parametrize(
    "content", ['image,text,label\na.png,"never closed,0\na.png,x,0\n', "image,text,label\na.png,\xff"]
)
def test_a_damaged_csv_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "samples.csv").write_text(content, encoding="latin-1")
    with pytest.raises(RmsError, match=r"samples\.csv[^\n]*not (valid CSV|UTF-8)[^\n]*$"):
        records("local", tmp_path)
