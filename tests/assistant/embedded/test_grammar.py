import pytest

from rms.assistant.embedded.grammar import PERSON_SLOTS, PERSONS, about, gerund, person


@pytest.mark.parametrize(
    ("verb", "ing"),
    [("light", "lighting"), ("bake", "baking"), ("put", "putting"), ("run", "running"), ("tie", "tying"),
     ("lie", "lying"), ("see", "seeing"), ("dye", "dyeing"), ("visit", "visiting"), ("open", "opening"),
     ("begin", "beginning"), ("forget", "forgetting"), ("travel", "travelling"), ("model", "modelling"),
     ("label", "labelling"), ("picnic", "picnicking"), ("unclip", "unclipping"), ("unplug", "unplugging"),
     ("play", "playing"), ("show", "showing"), ("fix", "fixing"), ("feed", "feeding"), ("quit", "quitting"),
     ("pour", "pouring"), ("try", "trying"), ("do", "doing"), ("be", "being"), ("offer", "offering")],
)  # fmt: skip
def test_gerunds(verb, ing):
    assert gerund(f"{verb} this") == f"{ing} this"


@pytest.mark.parametrize("wish", ["light it and wait", "sit here or lie down", "stop, then go"])
def test_a_second_verb_leaves_no_gerund(wish):
    assert gerund(wish) is None


def test_persons_go_through_the_whole_wish():
    wish = "wash {my} dog {myself} while {we} keep {our} towels by {me}"
    assert person(wish, "i") == "wash my dog myself while we keep our towels by me"
    assert person(wish, "she") == "wash her dog herself while they keep their towels by her"
    assert person(wish, "he") == "wash his dog himself while they keep their towels by him"
    assert person(wish, "they") == "wash their dog themselves while they keep their towels by them"
    assert person(wish, "we") == "wash our dog ourselves while we keep our towels by us"


@pytest.mark.parametrize("who", PERSONS)
@pytest.mark.parametrize("slot", sorted(PERSON_SLOTS))
def test_every_person_fills_every_slot(who, slot):
    assert person(f"{{{slot}}}", who).isalpha()


@pytest.mark.parametrize(
    ("sentence", "noun", "number", "said"),
    [("{an element} is hot. {the element} burns.", "oven", "count", "An oven is hot. The oven burns."),
     ("near {an element}", "hay", "mass", "Near hay"),
     ("{the element} and {an element}", "scissors", "plural", "The scissors and scissors")],
)  # fmt: skip
def test_the_element_is_named_as_a_noun_should_be(sentence, noun, number, said):
    assert about(sentence, noun, number) == said
