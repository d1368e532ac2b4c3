"""English nouns and sentences: articles, plurals and capitals."""

import re
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import inflect

Number = Literal["count", "mass", "plural"]

_SENTENCE_START = re.compile(r"(^|[.!?…] +)([\"'“‘(]?)([a-z])")


@cache
def with_article(noun: str, number: Number) -> str:
    """ "an oven", "coffee", "scissors"."""
    return str(_engine().a(noun)) if number == "count" else noun


@cache
def plural(noun: str, number: Number) -> str:
    """ "ovens", "coffee", "scissors"."""
    return str(_engine().plural_noun(noun)) if number == "count" else noun


def capitals(text: str) -> str:
    """The first letter of every sentence in upper case."""
    return _SENTENCE_START.sub(lambda match: f"{match[1]}{match[2]}{match[3].upper()}", text)


@cache
def _engine() -> "inflect.engine":
    import inflect  # noqa: PLC0415 - takes a second to load

    return inflect.engine()
