"""Rows that a test set holds are found whatever was done to the copy, and others are not."""

import io
import os
from pathlib import Path

import pytest
import skimage
from PIL import Image

from rms.contamination import Held, Row, find, held_corpus, normalised
from rms.images.fingerprints import phash, sha256
from rms.records import CorpusFingerprint, CorpusImage, CorpusSample
from rms.store import write_table

PHOTOS = ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "coins.png"]
BITS = 4


def encoded(picture: Image.Image, quality: int = 95) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def fingerprint(name: str, data: bytes) -> CorpusFingerprint:
    with Image.open(io.BytesIO(data)) as picture:
        return CorpusFingerprint(image_id=name, sha256=sha256(data), phash=phash(picture.convert("RGB")))


@pytest.fixture(scope="module")
def photos() -> dict[str, bytes]:
    found = {}
    for name in PHOTOS:
        with Image.open(Path(skimage.__file__).parent / "data" / name) as picture:
            found[name] = encoded(picture.convert("RGB"))
    return found


def search(prints: list[CorpusFingerprint], held: Held):
    rows = [Row(f"row {item.image_id}", [item.image_id], "Is it fine?") for item in prints]
    return find(rows, {item.image_id: item for item in prints}, [held], BITS)


def test_planted_copies_of_photographs_are_found_and_other_photographs_are_not(photos):
    held = Held("siuo", [fingerprint(name, photos[name]) for name in PHOTOS[:3]], {})
    ours, planted = [], {}
    for name, data in photos.items():
        with Image.open(io.BytesIO(data)) as picture:
            small = picture.resize((picture.width // 2, picture.height * 2 // 3))
            copies = {"exact": data, "resized": encoded(small), "recompressed": encoded(picture, 30)}
        ours += [fingerprint(f"{name} {kind}", copy) for kind, copy in copies.items()]
        planted |= {f"row {name} {kind}": (name, kind) for kind in copies if name in PHOTOS[:3]}
    found = search(ours, held)
    assert {item.sample_id for item in found} == set(planted)
    for item in found:
        name, kind = planted[item.sample_id]
        assert item.found == name
        assert item.reason == ("same_image" if kind == "exact" else "similar_image")
        assert item.corpus == "siuo"


@pytest.mark.skipif("RMS_TEST_PHOTOS" not in os.environ, reason="RMS_TEST_PHOTOS names a folder of photographs")
def test_copies_are_found_among_many_photographs():
    paths = sorted(Path(os.environ["RMS_TEST_PHOTOS"]).glob("*.jpg"))[:300]
    held, ours, planted = [], [], set()
    for number, path in enumerate(paths):
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as opened:
            picture = opened.convert("RGB")
        if number % 2:
            ours.append(fingerprint(path.name, data))
            continue
        held.append(fingerprint(path.name, data))
        ours.append(fingerprint(f"copy of {path.name}", encoded(picture.resize((200, 150)), 60)))
        planted.add(f"row copy of {path.name}")
    found = {item.sample_id for item in search(ours, Held("test", held, {}))}
    assert len(found & planted) >= 0.95 * len(planted)
    assert not found - planted


def test_the_bytes_tell_what_the_hash_does_not():
    same = CorpusFingerprint(image_id="a", sha256="x", phash="f" * 16)
    held = Held("t", [CorpusFingerprint(image_id="b", sha256="x", phash="0" * 16)], {})
    assert [item.reason for item in search([same], held)] == ["same_image"]


@pytest.mark.parametrize(("bits", "expected"), [(0x0, True), (0xF, True), (0x1F, False)])
def test_up_to_the_bits_asked_for_is_the_same_picture(bits, expected):
    held = Held("t", [CorpusFingerprint(image_id="b", sha256="b", phash=f"{bits:016x}")], {})
    assert bool(search([CorpusFingerprint(image_id="a", sha256="a", phash="0" * 16)], held)) == expected


def test_any_of_several_pictures_counts_and_a_picture_is_named_before_a_text():
    prints = {name: CorpusFingerprint(image_id=name, sha256=name, phash=hash_) for name, hash_ in
              (("a", "f" * 16), ("b", "0" * 15 + "1"), ("c", "0" * 16))}  # fmt: skip
    held = Held("t", [CorpusFingerprint(image_id="theirs", sha256="c", phash="0" * 16)], {"may i rest here": "s1"})
    rows = [
        Row("two", ["a", "b"], "May I rest here?"),
        Row("three", ["b", "c"], "another"),
        Row("text", ["a"], "May I REST here"),
        Row("longer", ["a"], "Please, may I rest here?"),
        Row("none", ["a"], "Is the stove hot?"),
    ]
    found = find(rows, prints, [held], BITS)
    assert [(item.sample_id, item.reason, item.found) for item in found] == [
        ("two", "similar_image", "theirs"),
        ("three", "same_image", "theirs"),
        ("text", "same_text", "s1"),
        ("longer", "similar_text", "s1"),
    ]


def test_a_row_is_listed_once_for_each_test_set_that_holds_it():
    ours = [CorpusFingerprint(image_id=name, sha256=name, phash="0" * 16) for name in "ab"]
    tests = [Held(name, [], {"may i rest here": f"{name}1"}) for name in ("siuo", "msts")]
    rows = [Row(item.image_id, [item.image_id], "May I rest here") for item in ours]
    found = find(rows, {item.image_id: item for item in ours}, tests, BITS)
    assert [(item.sample_id, item.corpus, item.found) for item in found] == [
        ("a", "siuo", "siuo1"), ("a", "msts", "msts1"), ("b", "siuo", "siuo1"), ("b", "msts", "msts1"),
    ]  # fmt: skip


def test_test_sets_without_pictures_or_texts_hold_nothing():
    ours = [CorpusFingerprint(image_id="a", sha256="a", phash="0" * 16)]
    assert search(ours, Held("empty", [], {})) == []
    assert find([], {}, [Held("t", ours, {"a": "1"})], BITS) == []


def test_a_corpus_on_disk_is_held_by_its_fingerprints_and_the_first_sample_of_each_text(tmp_path):
    images = [CorpusImage(image_id="i", sha256="s", phash="0" * 16, image=b"x")]
    samples = [
        CorpusSample(
            sample_id=str(number), corpus="c", split="test", image_ids=["i"], text=text, response="", label="safe",
            label_of="query", category="",
        )
        for number, text in enumerate(["May I rest?", "may i REST", "Other"])
    ]  # fmt: skip
    write_table(tmp_path / "images", CorpusImage, images)
    write_table(tmp_path / "samples", CorpusSample, samples)
    held = held_corpus("c", tmp_path)
    assert held.texts == {normalised("may i rest"): "0", "other": "2"}
    assert [item.image_id for item in held.images] == ["i"]


def test_a_text_that_all_rows_have_is_not_compared(tmp_path):
    """Where the label is the image's, every row asks the same: it would make a copy of each row of its own."""
    sample = CorpusSample(
        sample_id="1", corpus="c", split="test", image_ids=["i"], text="What is shown here?", response="",
        label="safe", label_of="image", category="",
    )  # fmt: skip
    write_table(tmp_path / "images", CorpusImage, [CorpusImage(image_id="i", sha256="s", phash="0" * 16, image=b"x")])
    write_table(tmp_path / "samples", CorpusSample, [sample])
    held = held_corpus("c", tmp_path)
    assert held.texts == {}
    assert [item.image_id for item in held.images] == ["i"]
    prints = {"a": CorpusFingerprint(image_id="a", sha256="a", phash="f" * 16)}
    asked = Held("t", [], {normalised(sample.text): "s1"})
    rows = [Row("own", ["a"], sample.text), Row("given", ["a"], sample.text, own_text=False)]
    assert [item.sample_id for item in find(rows, prints, [asked], BITS)] == ["own"]
