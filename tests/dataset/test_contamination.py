import pytest

from rms.dataset.contamination import find_contamination, normalised
from rms.records import Candidate, CorpusFingerprint, CorpusImage, CorpusText, ImageInfo, Provenance
from rms.store import write_table

MADE_BY = Provenance(assistant="a", model="m", version="1", seed=0, family="")


def _info(image_id: str, split: str, phash: str, sha256: str = "own") -> ImageInfo:
    return ImageInfo(
        image_id=image_id, name=image_id, width=9, height=9, sha256=sha256, phash=phash, cluster_id=image_id,
        split=split, source="s", licence="", attribution="", url="", nsfw=0.0,
    )  # fmt: skip


def _row(image_id: str, text: str = "rest here") -> Candidate:
    return Candidate(
        candidate_id=f"{image_id}{text}", image_id=image_id, text=text, label="safe", category="c", risk="",
        guidance="g", kind="twin_text", criterion="", parent_id="p", checks=[], provenance=MADE_BY,
    )  # fmt: skip


@pytest.fixture
def corpus(tmp_path):
    def make(pictures: list[tuple[str, str]], texts: list[str]):
        rows = [CorpusImage(image_id=str(n), sha256=s, phash=p, image=b"x") for n, (s, p) in enumerate(pictures)]
        write_table(tmp_path / "c/images", CorpusImage, rows)
        write_table(tmp_path / "c/samples", CorpusText, [CorpusText(text=text) for text in texts])
        assert CorpusFingerprint.model_fields.keys() < CorpusImage.model_fields.keys()
        return tmp_path / "c"

    return make


def _kept(images, folders, rows, params) -> tuple[list[str], dict[str, int]]:
    held = find_contamination({image.image_id: image for image in images}, folders, params.images)
    return [row.candidate_id for row in held.remove(rows)], held.removed


def test_rows_of_a_held_picture_are_removed_from_what_is_learned_only(corpus, small_params):
    images = [
        _info("t", "train", "0" * 16),
        _info("v", "validation", "0" * 16),
        _info("e", "test", "0" * 16),
        _info("o", "train", "f" * 16),
    ]
    kept, removed = _kept(images, [corpus([("other", "0" * 16)], [])], [_row(i) for i in "tveo"], small_params)
    assert kept == ["erest here", "orest here"]
    assert removed == {"image_in_test_set": 2, "text_in_test_set": 0}


@pytest.mark.parametrize(("bits", "held"), [(0x0, True), (0xF, True), (0x1F, False)])
def test_up_to_the_configured_bits_apart_is_the_same_picture(corpus, small_params, bits, held):
    assert small_params.images.near_duplicate_bits == 4
    folder = corpus([("other", f"{bits:016x}")], [])
    kept, _ = _kept([_info("t", "train", "0" * 16)], [folder], [_row("t")], small_params)
    assert (kept == []) == held


def test_the_same_bytes_are_the_same_picture_whatever_the_hash(corpus, small_params):
    folder = corpus([("same", "f" * 16)], [])
    assert _kept([_info("t", "train", "0" * 16, "same")], [folder], [_row("t")], small_params)[0] == []


def test_a_text_of_a_test_set_is_known_by_its_words(corpus, small_params):
    folder = corpus([], ["May I REST, here?"])
    images = [_info("t", "train", "0" * 16), _info("e", "test", "0" * 16)]
    rows = [_row("t", "may i rest here"), _row("t", "may i stay here"), _row("e", "may i rest here")]
    kept, removed = _kept(images, [folder], rows, small_params)
    assert kept == ["tmay i stay here", "emay i rest here"]
    assert removed["text_in_test_set"] == 1


def test_without_corpora_nothing_is_removed(small_params):
    assert _kept([_info("t", "train", "0" * 16)], [], [_row("t")], small_params)[0] == ["trest here"]


def test_normalised_texts_keep_words_and_numbers():
    assert normalised("  It's 5 o'clock — Zürich!\n") == "it s 5 o clock zürich"
