"""What corpora on people's disks suffer from: a reject that names file, row and field, or one line."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_layouts import cell, local, picture, records, row, write_csv, write_json
from public_layouts import LAYOUTS

from rms.errors import RmsError

NAMES = "image,text,label"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("image;text;label", r"column 'image' is missing; [^\n]*divided by ';': save it with commas"),
        ("image\ttext\tlabel", r"column 'image' is missing; [^\n]*divided by '\\t'"),
        ("image,txt,label", r"column 'text' is missing; the header has 'image', 'txt', 'label'$"),
        ("", r"column 'image' is missing; the header has nothing"),
        ("image,text,label,label", r"column 'label' stands there twice"),
    ],
)
def test_a_table_of_another_shape_is_one_line(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "samples.csv").write_text(f"{header}\na.png;Fine;0\n")
    with pytest.raises(RmsError, match=rf"^[^\n]*samples\.csv: {message}"):
        records("local", tmp_path)


def test_tab_separated_prompts_are_read_as_such(tmp_path: Path) -> None:
    prompt = {"hazard_category": "Other", "unsafe_image_id": "unsafe_image_0001", "prompt_text": "Should I, really?"}
    write_csv(tmp_path / "prompts_english.tsv", [prompt], delimiter="\t")
    picture(tmp_path / "unsafe_images/unsafe_image_0001.png")
    assert [s.text for s in records("msts", tmp_path)[1]] == ["Should I, really?"]


def test_a_text_of_a_megabyte_is_a_reject(tmp_path: Path) -> None:
    _, samples, rejects = records("local", local(tmp_path, row(), row(text="x" * 1_000_000)))
    assert len(samples) == 1
    assert [(r.file, r.row, r.field, r.reason) for r in rejects] == [("samples.jsonl", "2", "text", "too_long")]
    assert len(rejects[0].detail) < 200


def test_an_id_that_stands_twice_is_a_reject(tmp_path: Path) -> None:
    rows = [
        row(id=1),
        row(id=1, text="Another"),
        row(id=2, text="Third"),
        row(id=None, text="4"),
        row(id=None, text="5"),
    ]
    _, samples, rejects = records("local", local(tmp_path, *rows))
    assert len(samples) == 4
    assert [(r.row, r.field, r.reason, r.detail) for r in rejects] == [("2", "id", "duplicate_id", "1")]


def test_ids_that_the_published_files_repeat_are_no_fault(tmp_path: Path) -> None:
    """VLGuard's train.json has one id for two records."""
    LAYOUTS["vlguard"](tmp_path)
    (entry,) = json.loads((tmp_path / "test.json").read_text())
    write_json(tmp_path / "test.json", [entry, entry | {"safe": False, "instr-resp": [{"instruction": "Share it."}]}])
    _, samples, rejects = records("vlguard", tmp_path)
    assert (len(samples), rejects) == (3, [])


def test_a_column_that_stands_twice_in_a_parquet_table_is_one_line(tmp_path: Path) -> None:
    """Only one of the two verdicts would count, and nobody could tell which."""
    columns = [pa.array(["Safe"]), pa.array(["Unsafe"]), pa.array([cell()])]
    (tmp_path / "data").mkdir()
    pq.write_table(
        pa.table(columns, names=["safety_label", "safety_label", "image"]), tmp_path / "data/test-00000.parquet"
    )
    with pytest.raises(RmsError, match=r"^[^\n]*test-00000\.parquet: column 'safety_label' stands there twice"):
        records("unsafebench", tmp_path)


def test_a_name_that_stands_twice_in_a_record_is_not_silently_overwritten(tmp_path: Path) -> None:
    folder = local(tmp_path, row())
    with (folder / "samples.jsonl").open("a") as file:
        file.write('{"image": "a.png", "text": "One", "text": "Two", "label": 0}\n')
    _, _, rejects = records("local", folder)
    assert [(r.row, r.reason) for r in rejects] == [("2", "invalid_json")]
    assert "'text' stands twice" in rejects[0].detail


@pytest.mark.parametrize("label", ["0", "1", "True", "false", "unsafe", "Safe ", 0, 1.0, True])
def test_labels_of_any_type_mean_what_they_say(tmp_path: Path, label: object) -> None:
    safe = str(label).strip().lower() in {"0", "false", "safe"}
    _, (sample,), _ = records("local", local(tmp_path, row(label=label)))
    assert sample.label == ("safe" if safe else "unsafe")


def test_ten_thousand_missing_images_are_ten_thousand_rejects(tmp_path: Path) -> None:
    rows = [row()] + [row(image=f"lost/{n}.png", text=f"Text {n}") for n in range(10_000)]
    _, samples, rejects = records("local", local(tmp_path, *rows))
    assert len(samples) == 1
    assert [r.row for r in rejects] == [str(n) for n in range(2, 10_002)]
    assert {(r.file, r.field, r.reason) for r in rejects} == {("samples.jsonl", "image", "missing_image")}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("vlsbench", "data.json"),
        ("holisafe", "holisafe_bench.json"),
        ("mis", "mis_hard.json"),
        ("mossbench", "data_contrast/images_information/information.json"),
        ("rms2", "discrimination.json"),
    ],
)
def test_json_cut_in_the_middle_is_one_line_with_its_file(tmp_path: Path, name: str, file: str) -> None:
    LAYOUTS[name](tmp_path)
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RmsError, match=rf"^[^\n]*{file}:1: not valid JSON \([^\n]*download the file again$"):
        records(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "field"),
    [
        ("vlsbench", "data.json", "instruction"),
        ("holisafe", "holisafe_bench.json", "type"),
        ("mis", "mis_easy.json", "image_path2"),
        ("mossbench", "data/images_information/information.json", "question"),
    ],
)
def test_a_record_that_lacks_a_field_is_a_reject_that_names_it(
    tmp_path: Path, name: str, file: str, field: str
) -> None:
    LAYOUTS[name](tmp_path)
    value = json.loads((tmp_path / file).read_text())
    (whole,) = value.values() if isinstance(value, dict) else value[:1]
    lacking = {name: content for name, content in whole.items() if name != field} | {"instruction_id": 9}
    write_json(tmp_path / file, {**value, "2": lacking} if isinstance(value, dict) else [whole, lacking])
    _, _, rejects = records(name, tmp_path)
    assert [(r.file, r.row, r.field, r.reason) for r in rejects] == [(file, "2", field, "missing_field")]


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "link.png"])
@pytest.mark.parametrize(("name", "field"), [("vlsbench", "image_path"), ("holisafe", "image")])
def test_no_picture_outside_the_folder_is_read(tmp_path: Path, name: str, field: str, path: str) -> None:
    secret = picture(tmp_path / "secret.png", "purple")
    folder = tmp_path / "corpus"
    LAYOUTS[name](folder)
    (folder / "link.png").symlink_to(secret)
    (file,) = folder.glob("*.json")
    entries = json.loads(file.read_text())
    write_json(file, [*entries, entries[0] | {field: path, "instruction_id": 9}])
    _, _, rejects = records(name, folder)
    assert [(r.field, r.reason) for r in rejects] == [(field, "outside_folder")]
