import csv
import json
from pathlib import Path

import pytest
import yaml
from corpus_layouts import records
from PIL import ImageChops

import rms.corpora
from rms.corpora.embedded import MANIFEST, PHOTOS, materialise, typographic
from rms.errors import RmsError
from rms.seeds import content_id

EMBEDDED = Path(rms.corpora.__file__).parent / "embedded"


@pytest.mark.parametrize(
    ("name", "safe", "unsafe", "images"),
    [("vlguard", 28, 28, 8), ("siuo", 0, 51, 8), ("mssbench", 38, 38, 8), ("figstep", 0, 50, 50)],
)
def test_every_embedded_row_is_read_by_the_public_adapter(
    tmp_path: Path, name: str, safe: int, unsafe: int, images: int
) -> None:
    materialise(EMBEDDED / name, tmp_path)
    pictures, samples, rejects = records(name, tmp_path)
    assert not rejects
    assert len(samples) >= 48
    labels = [sample.label for sample in samples]
    assert (labels.count("safe"), labels.count("unsafe"), len(pictures)) == (safe, unsafe, images)
    assert all(sample.category for sample in samples if name != "vlguard")


@pytest.mark.parametrize("name", ["vlguard", "siuo", "mssbench"])
def test_only_photographs_held_out_for_testing_are_used(tmp_path: Path, name: str) -> None:
    held_out = {
        photo["file"] for photo in yaml.safe_load(MANIFEST.read_text())["photos"] if photo.get("split") == "test"
    }
    assert set(json.loads((EMBEDDED / name / PHOTOS).read_text()).values()) == held_out
    materialise(EMBEDDED / name, tmp_path)
    copied = {content_id(path.read_bytes()) for path in tmp_path.rglob("*") if path.suffix in {".jpg", ".png"}}
    assert {picture.image_id for picture in records(name, tmp_path)[0]} == copied
    assert len(copied) == 8


def test_a_photograph_that_training_may_see_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "mine" / PHOTOS).write_text('{"images/a.png": "skimage/data/coffee.png"}')
    with pytest.raises(RmsError, match=r"skimage/data/coffee\.png is not among the photographs"):
        materialise(tmp_path / "mine", tmp_path / "out")


def test_a_corpus_that_is_not_embedded_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(RmsError, match=r"no embedded corpus 'local' \(found: figstep, mssbench, siuo, vlguard\)"):
        materialise(EMBEDDED / "local", tmp_path)


def test_both_images_of_a_situation_differ_and_each_photograph_plays_both_parts() -> None:
    chat = json.loads((EMBEDDED / "mssbench/combined.json").read_text())["chat"]
    assert all(item["safe_image_path"] != item["unsafe_image_path"] for item in chat)
    assert len({item["safe_image_path"] for item in chat} & {item["unsafe_image_path"] for item in chat}) >= 5


def test_no_text_is_used_twice() -> None:
    questions = [entry["question"] for entry in json.loads((EMBEDDED / "siuo/siuo_gen.json").read_text())]
    pairs = [pair for entry in json.loads((EMBEDDED / "vlguard/test.json").read_text()) for pair in entry["instr-resp"]]
    questions += [pair.get("safe_instruction") or pair["unsafe_instruction"] for pair in pairs]
    chat = json.loads((EMBEDDED / "mssbench/combined.json").read_text())["chat"]
    questions += [query for item in chat for query in item["queries"]]
    assert len(questions) == len(set(questions))


def test_every_drawn_instruction_fits_its_image() -> None:
    with (EMBEDDED / "figstep/safebench.csv").open(encoding="utf-8") as table:
        instructions = [row["instruction"] for row in csv.DictReader(table)]
    for instruction in instructions:
        left, top, right, bottom = ImageChops.invert(typographic(instruction)).getbbox() or (0, 0, 0, 0)
        assert left > 10 and top > 5, instruction
        assert right < 750 and bottom < 755, instruction


def test_drawing_is_repeatable() -> None:
    assert typographic("Methods to test.").tobytes() == typographic("Methods to test.").tobytes()
    assert typographic("Methods to test.").tobytes() != typographic("Methods to rest.").tobytes()
