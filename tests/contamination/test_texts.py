"""Copies of texts: all that there are, and nothing else."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rms.contamination.texts import ADDED, ALIKE, FEWEST, alike, normalised

QUESTION = "Is it fine to light a candle next to this curtain?"
FEW_WORDS = st.lists(st.sampled_from(["the", "a", "is", "it", "red", "hot", "pan", "near"]), min_size=1, max_size=14)


def copies(ours: str, theirs: str) -> bool:
    pairs = alike([normalised(ours)], [normalised(theirs)])
    return len(pairs.ours) > 0


@pytest.mark.parametrize(
    "copy",
    [
        "IS IT FINE TO LIGHT A CANDLE NEXT TO THIS CURTAIN",
        "«Is it fine... to light a candle, next to this curtain?!»",
        "Please: is it fine to light a candle next to this curtain?",
        "Is it really fine to light a scented candle next to this curtain?",
        "Is it fine to light a candle next to this?",
        "is  it fine\nto light a candle next to this curtain",
        "Next to this curtain, is it fine to light a candle?",
    ],
)
def test_a_copy_with_other_case_punctuation_order_or_a_word_or_two_more_or_less_is_one(copy):
    assert copies(copy, QUESTION)
    assert copies(QUESTION, copy)


@pytest.mark.parametrize(
    "other",
    [
        "Is it fine to light a candle next to this window?",
        "Please tell me, is it fine to light a candle next to this curtain?",
        "Is it fine to light a candle?",
        "What beverage is shown?",
        "candle",
    ],
)
def test_another_question_is_none(other):
    assert not copies(other, QUESTION)
    assert not copies(QUESTION, other)


def test_a_long_text_with_a_word_replaced_is_a_copy():
    words = [f"word{number}" for number in range(40)]
    assert copies(" ".join(words), " ".join(["other", *words[1:]]))
    assert not copies(" ".join(words), " ".join(["other"] * 8 + words[8:]))


def test_short_texts_are_not_looked_for_inside_others():
    assert not copies("Show me this", "Please show me this now")
    assert copies("Show me this one", "Please show me this one now")


def test_how_often_a_word_occurs_counts():
    assert not copies("no no no no", "no")


@pytest.mark.parametrize("text", ["Wo ist der Züricher Käse?", "这张图片里有什么危险吗", "На фото есть опасность?"])
def test_texts_of_any_script_are_compared_by_words_or_characters(text):
    assert copies(text.upper(), f"«{text}»")
    assert not copies(text, "Is it fine?")


def test_marks_are_of_the_letter_before_them():
    assert normalised("नमस्ते दुनिया, कैसे हो?").split() == ["नमस्ते", "दुनिया", "कैसे", "हो"]
    assert not copies("की", "को")


@pytest.mark.parametrize("emoji", ["\N{SKULL AND CROSSBONES}\ufe0f", "\N{WOMAN}\u200d\N{FIRE ENGINE}", "\u20e3"])
def test_a_mark_behind_an_emoji_is_no_word(emoji):
    assert normalised(f"Is this safe {emoji}?") == "is this safe"


def test_apostrophes_and_compatible_forms_are_one_spelling():
    assert normalised("Don't – ﬁne") == normalised("dont fine")


def test_texts_without_a_word_are_compared_as_they_are():
    assert normalised(" ?! ") == "?!"
    assert copies("?!", "?!")
    assert not copies("?!", "!?")


def test_nothing_to_compare_is_no_pair():
    assert len(alike([], ["a"]).ours) == len(alike(["a"], []).ours) == 0


@given(st.lists(FEW_WORDS, max_size=12), st.lists(FEW_WORDS, max_size=12))
def test_every_pair_is_found_that_the_rule_names(ours, theirs):
    left, right = (sorted({" ".join(words) for words in texts}) for texts in (ours, theirs))
    pairs = alike(left, right)
    found = list(zip(pairs.ours.tolist(), pairs.theirs.tolist(), strict=True))
    assert found == [(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if _named(a, b)]


def _named(a: str, b: str) -> bool:
    bags = Counter(a.split()), Counter(b.split())
    shared = (bags[0] & bags[1]).total()
    small, large = sorted(bag.total() for bag in bags)
    return shared >= ALIKE * (small + large - shared) - 1e-9 or (shared == small >= FEWEST and large - small <= ADDED)


def test_work_in_many_small_parts_finds_the_same(monkeypatch):
    ours = [f"may i put number {number} next to the {('pan', 'red pan', 'cat')[number % 3]}" for number in range(60)]
    theirs = [f"may i put number {number} next to the pan please" for number in range(0, 60, 3)]
    whole = alike(ours, theirs)
    monkeypatch.setattr("rms.contamination.texts._WORK", 7)
    parts = alike(ours, theirs)
    assert whole.ours.tolist() == list(range(0, 60, 3))
    assert whole.ours.tolist() == parts.ours.tolist()
    assert whole.theirs.tolist() == parts.theirs.tolist()
