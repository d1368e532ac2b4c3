import pytest

from rms.english import capitals, with_article


@pytest.mark.parametrize(
    ("noun", "phrase"),
    [("oven", "an oven"), ("hour", "an hour"), ("hourglass", "an hourglass"), ("unicorn", "a unicorn"),
     ("unicycle", "a unicycle"), ("MRI scanner", "an MRI scanner"), ("European bison", "a European bison"),
     ("umbrella", "an umbrella"), ("ukulele", "a ukulele"), ("one-way street", "a one-way street"),
     ("X-ray", "an X-ray"), ("yurt", "a yurt"), ("heir", "an heir"), ("uniform", "a uniform")],
)  # fmt: skip
def test_the_article_follows_the_sound(noun, phrase):
    assert with_article(noun, "count") == phrase


def test_mass_nouns_and_plurals_stand_alone():
    assert with_article("hay", "mass") == "hay"
    assert with_article("scissors", "plural") == "scissors"


@pytest.mark.parametrize(
    ("text", "written"),
    [("one. two! three? four", "One. Two! Three? Four"), ('she said. "yes."', 'She said. "Yes."'),
     ("a 3.5 mm jack", "A 3.5 mm jack"), ("so… what", "So… What"), ("iPad. ok", "IPad. Ok"), ("", "")],
)  # fmt: skip
def test_every_sentence_starts_with_a_capital(text, written):
    assert capitals(text) == written
