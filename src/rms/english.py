"""English nouns and sentences: articles and capitals."""

import re
from typing import Literal

Number = Literal["count", "mass", "plural"]

_SENTENCE_START = re.compile(r"(^|[.!?…] +)([\"'“‘(]?)([a-z])")
# The article follows the sound, not the letter.
_SPOKEN_VOWEL = re.compile(r"[aeiou]|(?i:hour|heir|honest|honor|honour)|[AEFHILMNORSX](?=[A-Z0-9-])|[AEIOU]")
_SPOKEN_CONSONANT = re.compile(r"(?i:uni|u[bcfhjkqrst][aeiou]|eu|ew|one\b|once\b)")


def with_article(noun: str, number: Number) -> str:
    """ "an oven", "coffee", "scissors"."""
    if number != "count":
        return noun
    vowel = _SPOKEN_VOWEL.match(noun) and not _SPOKEN_CONSONANT.match(noun)
    return f"{'an' if vowel else 'a'} {noun}"


def capitals(text: str) -> str:
    """The first letter of every sentence in upper case."""
    return _SENTENCE_START.sub(lambda match: f"{match[1]}{match[2]}{match[3].upper()}", text)
