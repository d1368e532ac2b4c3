"""What judges behind an endpoint answer, read as opinions: one small parser for each way of answering.

Nothing is guessed: an answer that does not say its verdict in the way it was asked for is no verdict.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rms.assistant.openai.reading import Completion, json_in
from rms.judge.interface import Opinion
from rms.store import read_yaml

HAZARDS_FILE = Path(__file__).with_name("hazards.yaml")

_WORD = re.compile(r"\W*([^\W_]+)(?![\w'’-])")
_HAZARD = re.compile(r"\bS\d{1,2}\b")
_AROUND = " \t\r\n▁Ġ\"'`*"
"""What stands around a word in a token; the two letters are blanks where a server shows tokens as they are stored."""
_SHORTEST = 2
"""Characters of the beginning of a word that is split into tokens."""


def read_words(completion: Completion) -> Opinion:
    """ "safe" or "unsafe" comes first, whatever follows."""
    return _opinion(completion, _chance(completion, "unsafe", "safe"))


def read_llama_guard(completion: Completion) -> Opinion:
    """ "safe", or "unsafe" and on the next line the numbers of the hazards."""
    chance = _chance(completion, "unsafe", "safe")
    named = _HAZARD.findall(completion.text.upper().partition("UNSAFE")[2])
    return _opinion(completion, chance, [_hazards().get(number, number) for number in named])


def read_shieldgemma(completions: Mapping[str, Completion]) -> Opinion:
    """ "Yes" or "No" for each policy, by its name: unsafe is what breaks any, so the likeliest counts."""
    chances = {name: _chance(completion, "yes", "no") for name, completion in completions.items()}
    known = {name: chance for name, chance in chances.items() if chance is not None}
    if len(known) == len(chances):
        return Opinion(max(known.values()), known)
    unread = next(completions[name] for name, chance in chances.items() if chance is None)
    return _opinion(unread, None)._replace(categories=known)


def read_llavaguard(completion: Completion) -> Opinion:
    """A JSON object with rating, category ("O5: Criminal Planning", "NA: None applying") and rationale."""
    found = _object(completion.text)
    chance = _said(found.get("rating"))
    number, _, name = str(found.get("category") or "").partition(":")
    return _opinion(completion, chance, [_label(name or number)] if number.strip().upper() != "NA" else [])


def read_json(completion: Completion) -> Opinion:
    """A JSON object with verdict and category."""
    found = _object(completion.text)
    category = _label(str(found.get("category") or ""))
    return _opinion(completion, _said(found.get("verdict")), [category] if category != "none" else [])


def _opinion(completion: Completion, chance: float | None, categories: Sequence[str] = ()) -> Opinion:
    if chance is None:
        return Opinion(math.nan, {}, "refused" if completion.refusal else "unclear")
    return Opinion(chance, {category: chance for category in categories if category})


def _chance(completion: Completion, bad: str, good: str) -> float | None:
    """P(bad) / (P(bad) + P(good)) for the first word, over every way it may be written and split into tokens.

    0 or 1 where the endpoint tells no probabilities, or those of a token that does not tell the word, such as a quote
    before it. None where the answer does not begin with one of the two words.
    """
    begun = _WORD.match(completion.text)
    word = begun[1].lower() if begun else ""
    if word not in (bad, good):
        return None
    if not completion.first or not _begins(completion.first[0].token, word):  # the first of them is what was said
        return float(word == bad)
    mass = {
        name: sum(math.exp(likely.logprob) for likely in completion.first if _begins(likely.token, name))
        for name in (bad, good)
    }
    total = mass[bad] + mass[good]
    return mass[bad] / total if total > 0 else float(word == bad)


def _begins(token: str, word: str) -> bool:
    """Whether a token is the word or its beginning."""
    bare = token.strip(_AROUND).lower()
    return bare == word or (len(bare) >= _SHORTEST and word.startswith(bare))


def _said(verdict: Any) -> float | None:
    return {"safe": 0.0, "unsafe": 1.0}.get(verdict.strip().lower()) if isinstance(verdict, str) else None


def _object(text: str) -> dict[str, Any]:
    """The one JSON object of an answer, whatever stands around it; {} where there is none, or a second one.

    An object that says a thing twice is none: the two may differ.
    """
    part = json_in(text)
    try:
        found, end = json.JSONDecoder(object_pairs_hook=_once).raw_decode(part)
    except (ValueError, RecursionError):
        return {}
    alone = "{" not in text.replace(part[:end], "", 1)
    return found if isinstance(found, dict) and alone else {}


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _label(category: str) -> str:
    return "_".join(re.findall(r"\w+", category.lower()))[:60]


@cache
def _hazards() -> dict[str, str]:
    """Names of Llama Guard's hazards by number."""
    names: dict[str, str] = read_yaml(HAZARDS_FILE)
    return names
