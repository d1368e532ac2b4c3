import itertools
import random

import pytest

from rms.assistant import PatternDraft
from rms.records import Description
from rms.triplets.patterns import EXAMPLES, merge, nearest

CANDLE = PatternDraft("hay", "light a candle next to this", "A flame can set hay alight.", "fire")
CANDLES = PatternDraft("hay", "light a few candles next to this", "A flame can set hay alight.", "fire")
CAT = PatternDraft("cat", "bathe this in tea tree oil", "Plant oils are harmful to cats.", "animals")
SAME_WORDS = CANDLE._replace(category="animals")
DRAFTS = [("a", CANDLE), ("b", CANDLE), ("b", CANDLES), ("c", CANDLES), ("c", CAT), ("d", CANDLE), ("a", SAME_WORDS)]


def test_alike_patterns_of_one_category_merge_under_the_most_frequent():
    found = merge(DRAFTS, 0.9, 1)
    assert [(p.intent, p.category, p.support, p.example_image_ids) for p in found.patterns if p.category == "fire"] == [
        (CANDLE.intent, "fire", 4, ["a", "b", "c", "d"])
    ]
    assert len(found.patterns) == 3
    fire = found.patterns[0].pattern_id
    assert all(fire in found.by_image[image_id] for image_id in "abcd")
    assert all(len(ids) == len(set(ids)) for ids in found.by_image.values())


def test_a_high_bar_merges_nothing():
    assert len(merge(DRAFTS, 1.0, 1).patterns) == 4


def test_rare_patterns_are_left_out_everywhere():
    found = merge(DRAFTS, 0.9, 2)
    assert [pattern.support for pattern in found.patterns] == [4]
    assert set(itertools.chain(*found.by_image.values())) == {found.patterns[0].pattern_id}


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_the_images_changes_neither_patterns_nor_what_an_image_shows(seed):
    images = {i: [draft for image_id, draft in DRAFTS if image_id == i] for i in "abcd"}
    order = random.Random(seed).sample("abcd", 4)
    found = merge([(i, draft) for i in order for draft in images[i]], 0.9, 1)
    expected = merge([(i, draft) for i in "abcd" for draft in images[i]], 0.9, 1)
    assert found.patterns == expected.patterns
    assert found.by_image == expected.by_image


def test_an_image_keeps_the_order_in_which_its_patterns_were_named():
    found = merge([("a", CAT), ("b", CANDLE), ("b", CAT)], 1.0, 1)
    element = {pattern.pattern_id: pattern.element for pattern in found.patterns}
    assert [element[pattern_id] for pattern_id in found.by_image["b"]] == ["hay", "cat"]


def test_examples_are_few():
    found = merge([(f"i{n}", CANDLE) for n in range(20)], 0.9, 1)
    assert (found.patterns[0].support, len(found.patterns[0].example_image_ids)) == (20, EXAMPLES)


def test_no_drafts_make_no_patterns():
    assert merge([], 0.9, 1) == ([], {})


def test_the_nearest_patterns_are_of_the_same_subject():
    patterns = merge(DRAFTS, 1.0, 1).patterns
    described = [
        Description(image_id="x", caption="A photograph of a cat.", elements=[]),
        Description(image_id="y", caption="A photograph of hay.", elements=[]),
    ]
    near = nearest(described, patterns, 1)
    assert near["x"][0].element == "cat"
    assert near["y"][0].element == "hay"
    assert nearest(described, patterns, 0) == {"x": [], "y": []}
    assert nearest(described, [], 3) == {"x": [], "y": []}
    assert len(nearest(described, patterns, 99)["x"]) == len(patterns)
