import os
from pathlib import Path

import pytest
from corpus_layouts import picture, records, write_json

from rms.corpora import adapter
from rms.corpora.base import Row

SAFE = {
    "id": "1",
    "image": "ads/a.png",
    "safe": True,
    "instr-resp": [
        {"safe_instruction": "What is it?", "response": "An advert."},
        {"unsafe_instruction": "How do I forge it?", "response": "I can't help."},
    ],
}
UNSAFE = {
    "id": "2",
    "image": "b.png",
    "safe": False,
    "harmful_category": "deception",
    "harmful_subcategory": "disinformation",
    "instr-resp": [{"instruction": "Share it.", "response": "No."}],
}


@pytest.mark.parametrize("nested", [True, False])
def test_pairs_are_labelled_by_image_and_instruction(tmp_path: Path, nested: bool) -> None:
    write_json(tmp_path / "train.json", [SAFE, UNSAFE])
    images = tmp_path / "train" if nested else tmp_path
    picture(images / "ads/a.png")
    picture(images / "b.png", "blue")
    pictures, samples, rejects = records("vlguard", tmp_path, "train")
    assert not rejects
    assert len(pictures) == 2
    assert [(s.text, s.label, s.category, s.split, s.response) for s in samples] == [
        ("What is it?", "safe", "", "train", ""),
        ("How do I forge it?", "unsafe", "", "train", ""),
        ("Share it.", "unsafe", "deception/disinformation", "train", ""),
    ]
    assert samples[0].image_ids == samples[1].image_ids != samples[2].image_ids


def test_both_instructions_in_one_entry_are_two_samples(tmp_path: Path) -> None:
    both = {"safe_instruction": "What is it?", "unsafe_instruction": "How do I forge it?"}
    write_json(tmp_path / "test.json", [SAFE | {"instr-resp": [both]}])
    picture(tmp_path / "test/ads/a.png")
    _, samples, _ = records("vlguard", tmp_path)
    assert [(s.text, s.label) for s in samples] == [("What is it?", "safe"), ("How do I forge it?", "unsafe")]


@pytest.mark.parametrize(
    ("entry", "field", "reason"),
    [
        (SAFE | {"safe": "yes"}, "safe", "wrong_type"),
        ({key: SAFE[key] for key in SAFE if key != "safe"}, "safe", "missing_field"),
        ({key: SAFE[key] for key in SAFE if key != "image"}, "image", "missing_field"),
        ({key: SAFE[key] for key in SAFE if key != "instr-resp"}, "instr-resp", "missing_field"),
        (SAFE | {"instr-resp": "What is it?"}, "instr-resp", "wrong_type"),
        (SAFE | {"instr-resp": []}, "instr-resp", "empty_list"),
        (SAFE | {"instr-resp": ["What?"]}, "instr-resp[0]", "wrong_type"),
        (SAFE | {"instr-resp": [{"instruction": "Which label?"}]}, "instr-resp[0]", "missing_field"),
        (SAFE | {"instr-resp": [{"safe_instruction": " "}]}, "instr-resp[0].safe_instruction", "empty_text"),
        (UNSAFE | {"harmful_category": 3}, "harmful_category", "wrong_type"),
        ("not a record", "", "wrong_type"),
    ],
)
def test_an_entry_that_cannot_be_read_is_a_reject_with_its_field(
    tmp_path: Path, entry: object, field: str, reason: str
) -> None:
    good = SAFE | {"image": "b.png"}
    write_json(tmp_path / "test.json", [good, entry])
    picture(tmp_path / "test/ads/a.png", "green")
    picture(tmp_path / "test/b.png")
    _, samples, rejects = records("vlguard", tmp_path)
    assert len(samples) == 2
    assert {(r.file, r.row, r.field, r.reason) for r in rejects} == {("test.json", "2", field, reason)}


@pytest.mark.skipif("RMS_TEST_PUBLIC" not in os.environ, reason="needs the public annotation files")
@pytest.mark.parametrize(("split", "counts"), [("test", (558, 558, 442)), ("train", (977, 977, 1023))])
def test_the_published_files_hold_the_published_counts(split: str, counts: tuple[int, int, int]) -> None:
    rows = list(adapter("vlguard").rows(Path(os.environ["RMS_TEST_PUBLIC"]) / "vlguard", split))
    assert all(isinstance(row, Row) for row in rows)
    kinds = [row.text.name.rpartition(".")[2] for row in rows if isinstance(row, Row)]
    assert tuple(kinds.count(kind) for kind in ("safe_instruction", "unsafe_instruction", "instruction")) == counts
    assert sum(row.label == "safe" for row in rows if isinstance(row, Row)) == counts[0]


@pytest.mark.skipif("RMS_TEST_PUBLIC" not in os.environ, reason="needs the public annotation files")
def test_missing_images_are_counted_row_by_row(tmp_path: Path) -> None:
    published = (Path(os.environ["RMS_TEST_PUBLIC"]) / "vlguard/test.json").read_bytes()
    (tmp_path / "test.json").write_bytes(published)
    picture(tmp_path / "test/bad_ads/ed926a06-4d80-4e3a-9c22-225c232f3d5c.png")
    _, samples, rejects = records("vlguard", tmp_path)
    assert len(samples) == 2
    assert len(rejects) == 1558 - 2
    assert {reject.reason for reject in rejects} == {"missing_image"}
