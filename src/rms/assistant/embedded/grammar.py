"""Inflection of what the knowledge base writes with slots: persons, gerunds, and the element that is seen.

Templates and knowledge are written with slots, and this module fills them so that the result is a
sentence: {my} becomes "her" after "My sister wants to", {an element} becomes "an oven" or "scissors".
"""

import re
from typing import Literal, get_args

from rms.english import Number, capitals, with_article

Person = Literal["i", "she", "he", "they", "we"]

# Rows: the slots of knowledge; columns: the persons of templates.
_PRONOUNS: dict[str, dict[str, str]] = {
    "i": {"I": "I", "me": "me", "my": "my", "mine": "mine", "myself": "myself", "we": "we", "us": "us", "our": "our"},
    "she": {
        "I": "she", "me": "her", "my": "her", "mine": "hers", "myself": "herself", "we": "they", "us": "them",
        "our": "their",
    },
    "he": {
        "I": "he", "me": "him", "my": "his", "mine": "his", "myself": "himself", "we": "they", "us": "them",
        "our": "their",
    },
    "they": {
        "I": "they", "me": "them", "my": "their", "mine": "theirs", "myself": "themselves", "we": "they",
        "us": "them", "our": "their",
    },
    "we": {
        "I": "we", "me": "us", "my": "our", "mine": "ours", "myself": "ourselves", "we": "we", "us": "us",
        "our": "our",
    },
}  # fmt: skip

PERSONS: tuple[Person, ...] = get_args(Person)
PERSON_SLOTS = frozenset(_PRONOUNS["i"])

_SLOT = re.compile(r"\{([A-Za-z ]+)\}")
_VOWELS = "aeiou"
# Verbs of two syllables or more double their last consonant only when it is stressed; these are.
_STRESSED_END = (
    "begin", "forget", "permit", "admit", "commit", "refer", "prefer", "occur", "submit", "upset", "unclip", "unplug",
    "unwrap", "unzip",
)  # fmt: skip


def person(phrase: str, who: Person) -> str:
    """`phrase` with its person slots filled: `person("wash {my} dog", "she")` is "wash her dog"."""
    pronouns = _PRONOUNS[who]
    return _SLOT.sub(lambda slot: pronouns.get(slot[1], slot[0]), phrase)


def gerund(phrase: str) -> str | None:
    """`phrase` with its first verb in -ing, or None where a second verb may need it too ("light it and wait")."""
    verb, _, rest = phrase.partition(" ")
    if re.search(r"\b(and|or|then)\b", rest):
        return None
    return f"{_ing(verb)} {rest}".strip()


def forms(word: str) -> set[str]:
    """A word as it may stand in a text: "stab", "stabs", "stabbed", "stabbing"; for any part of speech, so some are
    no English words.
    """
    stem = _ing(word).removesuffix("ing")
    endings = ("ing", "ed", "er", "ers", "es", "ous")
    return {word, f"{word}s", f"{word}ly", *(stem + ending for ending in endings)}


def _ing(verb: str) -> str:
    if verb.endswith("ic"):
        return f"{verb}king"
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and verb != "be":
        return f"{verb[:-1]}ing"
    return f"{verb}{verb[-1]}ing" if _doubles(verb) else f"{verb}ing"


def _doubles(verb: str) -> bool:
    if (
        len(verb) < 3
        or verb[-1] in "aeiouwxyh"
        or verb[-2] not in _VOWELS
        or (verb[-3] in _VOWELS and verb[-3:-1] != "ui")
    ):
        return False
    syllables = len(re.findall(r"[aeiouy]+", verb))
    return syllables == 1 or verb in _STRESSED_END or verb.endswith(("travel", "cancel", "label", "model"))


def about(sentence: str, noun: str, number: Number) -> str:
    """`sentence` with {element}, {an element} and {the element} filled, and capitals set."""
    filled = (
        sentence.replace("{an element}", with_article(noun, number))
        .replace("{the element}", f"the {noun}")
        .replace("{element}", noun)
    )
    return capitals(filled)
