import itertools
from collections import Counter

import pytest

from rms.dataset.selection import select
from rms.records import Candidate, Provenance
from rms.seeds import content_id

MADE_BY = Provenance(assistant="a", model="m", version="1", seed=0, family="")


def _row(image_id: str, text: str, label: str, parent: str) -> Candidate:
    return Candidate(
        candidate_id=content_id(image_id, text), image_id=image_id, text=text, label=label, category="c",
        risk="r" if label == "unsafe" else "", guidance="g", kind="triplet" if label == "unsafe" else "twin_text",
        criterion="", parent_id=parent, checks=[], provenance=MADE_BY,
    )  # fmt: skip


def _pairs(images: int, each: int) -> tuple[list[Candidate], list[Candidate]]:
    """`each` unsafe rows an image, all of one triplet, with a twin on the same image."""
    unsafe = [_row(f"i{i}", f"u{i}-{n}", "unsafe", f"t{i}") for i in range(images) for n in range(each)]
    return unsafe, [_row(u.image_id, f"s {u.text}", "safe", u.candidate_id) for u in unsafe]


def test_pairs_are_taken_whole():
    unsafe, twins = _pairs(5, 4)
    rows = select(unsafe, twins[1:], 100, 0.5, 0)
    ids = {row.candidate_id for row in rows}
    assert unsafe[0].candidate_id not in ids, "it has no twin"
    assert len(rows) == 2 * 19
    assert all(twin.parent_id in ids for twin in rows if twin.label == "safe")


def test_no_image_has_more_rows_than_allowed():
    rows = select(*_pairs(5, 9), 6, 0.5, 0)
    assert set(Counter(row.image_id for row in rows).values()) == {6}


def test_every_triplet_is_there_before_any_comes_twice():
    unsafe = [_row("i", f"u{t}-{n}", "unsafe", f"t{t}") for t in range(4) for n in range(5)]
    twins = [_row("i", f"s {u.text}", "safe", u.candidate_id) for u in unsafe]
    rows = select(unsafe, twins, 8, 0.5, 0)
    assert Counter(row.parent_id for row in rows if row.label == "unsafe") == {f"t{t}": 1 for t in range(4)}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.8])
def test_the_share_of_unsafe_rows_is_met(share):
    rows = select(*_pairs(20, 10), 100, share, 0)
    unsafe = sum(row.label == "unsafe" for row in rows)
    assert unsafe / len(rows) == pytest.approx(share, abs=0.01)
    assert max(unsafe, len(rows) - unsafe) >= 198, "only the class that is too many is cut"


def test_the_order_of_the_input_changes_nothing():
    unsafe, twins = _pairs(4, 5)
    expected = select(unsafe, twins, 6, 0.5, 1)
    assert select(unsafe[::-1], twins[::-1], 6, 0.5, 1) == expected
    assert [row.image_id for row in expected] == sorted(row.image_id for row in expected)


def test_the_seed_draws_which_rows_are_taken():
    unsafe, twins = _pairs(4, 9)
    drawn = [tuple(row.candidate_id for row in select(unsafe, twins, 6, 0.5, seed)) for seed in range(3)]
    assert all(a != b for a, b in itertools.combinations(drawn, 2))


def test_a_pair_given_twice_is_taken_once():
    unsafe, twins = _pairs(1, 1)
    rows = select([*unsafe, *unsafe], twins, 10, 0.5, 0)
    assert len(rows) == 2
