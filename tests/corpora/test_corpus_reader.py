from io import BytesIO
from pathlib import Path

import pytest
from corpus_layouts import local, picture, records, row, write_json
from PIL import Image

from rms.corpora import adapter
from rms.errors import RmsError
from rms.records import CorpusSample


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nothing.png", "missing_image"),
        ("../../etc/passwd", "outside_folder"),
        ("sub/../../secret.png", "outside_folder"),
        ("..\\secret.png", "outside_folder"),
        ("/etc/passwd", "outside_folder"),
        ("C:\\secret.png", "outside_folder"),
        ("C:secret.png", "outside_folder"),
        ("link.png", "outside_folder"),
        ("linked/secret.png", "outside_folder"),
        ("loop.png", "bad_path"),
        ("a\0.png", "bad_path"),
        ("x" * 5000, "bad_path"),
        (".", "missing_image"),
        ("a.png/b.png", "missing_image"),
        ("words.png", "not_an_image"),
        ("cut.png", "truncated"),
        ("hollow.png", "empty"),
        ("speck.png", "too_small"),
        ("", "empty_path"),
        (None, "wrong_type"),
        ({"path": "a.png"}, "wrong_type"),
        ("\ud800.png", "bad_text"),
    ],
)
def test_an_image_that_cannot_be_taken_is_a_reject(tmp_path: Path, path: object, reason: str) -> None:
    folder = tmp_path / "corpus"
    secret = picture(tmp_path / "secret.png")
    whole = BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, "PNG")
    local(folder, row(), row(image=path))
    (folder / "link.png").symlink_to(secret)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "words.png").write_text("no picture at all")
    (folder / "cut.png").write_bytes(whole.getvalue()[:600])
    (folder / "hollow.png").touch()
    Image.new("RGB", (3, 3)).save(folder / "speck.png")
    pictures, samples, rejects = records("local", folder)
    assert (len(pictures), len(samples)) == (1, 1)
    assert [(r.file, r.row, r.field, r.reason) for r in rejects] == [("samples.jsonl", "2", "image", reason)]
    assert "\n" not in rejects[0].detail


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": ""}, "empty_text"),
        ({"text": " \n"}, "empty_text"),
        ({"text": 5}, "wrong_type"),
        ({"text": None}, "wrong_type"),
        ({"text": "\udc80"}, "bad_text"),
    ],
)
def test_a_text_that_cannot_be_taken_is_a_reject(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    _, samples, rejects = records("local", local(tmp_path, row(), row(**change)))
    assert len(samples) == 1
    assert [(r.row, r.field, r.reason) for r in rejects] == [("2", "text", reason)]


@pytest.mark.parametrize("field", ["image", "text", "label"])
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    bare = {key: value for key, value in row().items() if key != field}
    _, _, rejects = records("local", local(tmp_path, row(), bare))
    assert [(r.row, r.field, r.reason) for r in rejects] == [("2", field, "missing_field")]


def test_of_equal_rows_the_first_is_kept_and_a_contradiction_is_told_apart(tmp_path: Path) -> None:
    _, samples, rejects = records("local", local(tmp_path, row(), row(), row(label="unsafe")))
    assert [sample.label for sample in samples] == ["safe"]
    assert [(r.row, r.reason) for r in rejects] == [("2", "duplicate"), ("3", "conflicting_label")]
    assert samples[0].sample_id in rejects[0].detail


def test_a_picture_is_stored_once_however_many_rows_and_names_it_has(tmp_path: Path) -> None:
    folder = local(tmp_path, row(), row(text="Another"), row(image="./a.png", text="Third"), row(image="b.png"))
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())
    pictures, samples, rejects = records("local", folder)
    assert len(pictures) == 1
    assert {tuple(sample.image_ids) for sample in samples} == {(pictures[0].image_id,)}
    assert [(r.row, r.reason) for r in rejects] == [("4", "duplicate")]  # the same picture under another name


def test_a_folder_reached_through_a_link_is_read(tmp_path: Path) -> None:
    local(tmp_path / "real", row())
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(records("local", tmp_path / "link")[1]) == 1


def test_ids_depend_on_content_and_not_on_place_or_order(tmp_path: Path) -> None:
    rows = [row(), row(text="Another", label="unsafe")]
    _, here, _ = records("local", local(tmp_path / "here", *rows))
    _, there, _ = records("local", local(tmp_path / "there/deeper", *reversed(rows)))
    assert here == there[::-1]


def test_a_picture_keeps_its_shape_and_is_stored_as_jpeg(tmp_path: Path) -> None:
    (found,), _, _ = records("local", local(tmp_path, row()))
    with Image.open(BytesIO(found.image)) as stored:
        assert (stored.format, stored.size) == ("JPEG", (48, 32))
        assert stored.getpixel((5, 5)) == pytest.approx((255, 0, 0), abs=4)


def test_when_nothing_can_be_read_the_commonest_reason_is_named(tmp_path: Path) -> None:
    folder = local(tmp_path, row(image="x.png"), row(image="y.png"), row(text=""))
    with pytest.raises(RmsError, match=r"^[^\n]*not one of 3 local rows[^\n]* 2 of them for missing_image[^\n]*$"):
        records("local", folder)
    with pytest.raises(RmsError, match="has no rows"):
        records("local", local(tmp_path))


def test_unknown_names_and_splits_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        RmsError, match=r"'vlgard' is no known corpus; known are .*figstep, .*siuo, .*vlguard, vlsbench$"
    ):
        adapter("vlgard")
    with pytest.raises(RmsError, match=r"corpora\.split = 'dev': vlguard has test, train"):
        records("vlguard", tmp_path, "dev")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"image": "a.png", "ques', r"siuo_gen\.json:1: not valid JSON"),
        (b'\n\n[{"image"; 1}]', r"siuo_gen\.json:3: not valid JSON"),
        (b"[" * 200_000, r"siuo_gen\.json: not valid JSON"),
        (b"[" + b"9" * 5000 + b"]", r"siuo_gen\.json: not valid JSON"),
        (b'{"a": 1}', r"siuo_gen\.json: must be a list of records, found dict"),
        (b'["\xff"]', r"siuo_gen\.json: not UTF-8"),
        (b"", r"siuo_gen\.json:1: not valid JSON"),
    ],
)
def test_an_unreadable_annotation_file_is_one_line_with_its_name(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "siuo_gen.json").write_bytes(content)
    with pytest.raises(RmsError, match=rf"^[^\n]*{message}[^\n]*$"):
        records("siuo", tmp_path)


@pytest.mark.parametrize(("name", "file"), [("siuo", "siuo_gen.json"), ("figstep", "safebench.csv")])
def test_a_missing_annotation_file_is_named(tmp_path: Path, name: str, file: str) -> None:
    with pytest.raises(RmsError, match=rf"{file}: annotation file not found"):
        records(name, tmp_path)


def test_an_annotation_file_that_links_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = write_json(tmp_path / "outside.json", [])
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "siuo_gen.json").symlink_to(outside)
    with pytest.raises(RmsError, match="is a link out of the corpus' folder"):
        records("siuo", folder)


def test_samples_carry_their_corpus_and_split(tmp_path: Path) -> None:
    _, (sample,), _ = records("local", local(tmp_path, row()))
    assert isinstance(sample, CorpusSample)
    assert (sample.corpus, sample.split, sample.label_of) == ("local", "test", "query")
