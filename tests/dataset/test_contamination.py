"""Candidates of ours that a test set holds."""

import pytest

from rms.contamination import Held
from rms.dataset.contamination import by_reason, find_contaminated, without
from rms.records import Candidate, Contaminated, CorpusFingerprint, ImageInfo, Provenance

MADE_BY = Provenance(assistant="a", model="m", version="1", seed=0, family="")
BITS = 4


def _info(image_id: str, split: str, phash: str) -> ImageInfo:
    return ImageInfo(
        image_id=image_id, name=image_id, width=9, height=9, sha256=image_id, phash=phash, cluster_id=image_id,
        split=split, source="s", licence="", attribution="", url="", nsfw=0.0,
    )  # fmt: skip


def _row(image_id: str, text: str = "rest here") -> Candidate:
    return Candidate(
        candidate_id=f"{image_id}{text}", image_id=image_id, text=text, label="safe", category="c", risk="",
        guidance="g", kind="twin_text", criterion="", parent_id="p", checks=[], provenance=MADE_BY,
    )  # fmt: skip


IMAGES = {
    info.image_id: info
    for info in (
        _info("t", "train", "0" * 16),
        _info("v", "validation", "0" * 16),
        _info("e", "test", "0" * 16),
        _info("o", "train", "f" * 16),
    )
}
PICTURE = Held("siuo", [CorpusFingerprint(image_id="x", sha256="x", phash="0" * 16)], {})
TEXT = Held("msts", [], {"may i rest here": "m1"})


def _kept(rows: list[Candidate], *tests: Held) -> list[str]:
    return [row.candidate_id for row in without(rows, find_contaminated(rows, IMAGES, tests, BITS))]


def test_rows_of_a_held_picture_are_removed_from_what_is_learned_only():
    assert _kept([_row(image) for image in "tveo"], PICTURE) == ["erest here", "orest here"]


def test_rows_with_a_held_text_are_removed_from_what_is_learned_only():
    rows = [_row("o", "May I REST, here?"), _row("o", "may i stay there"), _row("e", "may i rest here")]
    assert _kept(rows, TEXT) == ["omay i stay there", "emay i rest here"]


def test_without_test_sets_nothing_is_removed():
    assert _kept([_row("t")]) == ["trest here"]


def test_a_row_counts_once_whoever_holds_it():
    rows = [_row("t", "may i rest here"), _row("o", "may i rest here"), _row("o", "please may i rest here")]
    found = find_contaminated(rows, IMAGES, [PICTURE, TEXT], BITS)
    assert len(found) == 4
    assert by_reason(found) == {"same_image": 0, "similar_image": 1, "same_text": 1, "similar_text": 1}


@pytest.mark.parametrize(
    "found", [[], [Contaminated(sample_id="1", text="t", corpus="c", reason="same_text", found="f")]]
)
def test_every_reason_is_named(found):
    assert list(by_reason(found)) == ["same_image", "similar_image", "same_text", "similar_text"]
