from typing import get_args

import pytest

from rms.assistant.embedded.knowledge import Template, load_knowledge
from rms.assistant.embedded.phrasing import partition, sentence
from rms.perception import load_elements
from rms.records import Split

SPLITS = get_args(Split)


@pytest.fixture(scope="module")
def families():
    return load_knowledge(load_elements()).families


@pytest.mark.parametrize("seed", range(12))
def test_no_family_is_in_two_splits_and_each_criterion_is_in_every_split(families, seed):
    phrasing = partition(families, seed)
    names = [family.name for split in SPLITS for family in phrasing.families(split)]
    assert sorted(names) == sorted(family.name for family in families)
    assert len(set(names)) == len(names)
    for criterion in {family.criterion for family in families}:
        assert all(phrasing.families(split, criterion) for split in SPLITS)
    assert len(phrasing.families("train")) >= len(phrasing.families("test"))


def test_the_seed_draws_the_partition(families):
    drawn = {tuple(family.name for family in partition(families, seed).families("test")) for seed in range(8)}
    assert len(drawn) > 4
    assert partition(families, 3) == partition(families, 3)


def test_a_wording_is_of_its_split_and_criterion_and_the_same_each_time(families):
    phrasing = partition(families, 0)
    for split in SPLITS:
        for criterion in ("question", "formal", None):
            draft = phrasing.word("rest {my} feet on this", split, criterion, "image")
            assert draft.family in {family.name for family in phrasing.families(split, criterion)}
            assert draft.intent == "rest my feet on this"
            assert draft == phrasing.word("rest {my} feet on this", split, criterion, "image")
    assert len({phrasing.word("sit here", "train", None, str(n)).text for n in range(40)}) > 10


def test_a_sentence_is_filled_for_the_person_of_its_template():
    she = Template(text="my sister wants to {do}. what now?", person="she")
    assert sentence(she, "wash {my} dog here") == "My sister wants to wash her dog here. What now?"
    doing = Template(text="Is {doing} fine?")
    assert sentence(doing, "put {my} cup on this") == "Is putting my cup on this fine?"
    assert sentence(doing, "sit here and eat") is None
