"""Reading what came over the wire: replies and what is wrong with them, errors, and how long to wait."""

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from rms.assistant.interface import storable
from rms.assistant.openai.pace import Load
from rms.assistant.openai.request import Usage
from rms.assistant.openai.secret import masked
from rms.errors import one_line

_THINKING = re.compile(r"^\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"```(?:json)?\s*(?=\{)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What could move a terminal's cursor."""
_HEALS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_HEAVY = frozenset({503, 529})
_LONGEST_WAIT_S = 600.0
_MOST_TOKENS = 10**9
"""What is counted beyond is no count."""
UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError)
"""What JSON of any shape, depth and size can meet in who looks for something in it."""
_IMPOSSIBLE = -9999.0
"""What endpoints say of a token that cannot come; some say minus infinity, which is no JSON."""
_ROUNDING = 1e-3
"""By so much the logarithm of a probability may lie above 0."""


class Likely(NamedTuple):
    """A token that may have been said, and the logarithm of its probability."""

    token: str
    logprob: float


class Completion(BaseModel):
    """An answer in words, taken whatever it says: what it means is for who asked to find out."""

    text: str
    refusal: str
    """Why there is no text, where the endpoint says so."""
    first: tuple[Likely, ...]
    """The likeliest tokens in place of the first that is not blank, what was said among them; () where unknown."""


class Reply(NamedTuple):
    """A completion as it came: the text without thinking, why there is no more, and what it took."""

    text: str
    finish: str
    refusal: str
    usage: Usage
    first: tuple[Likely, ...] = ()
    """As in `Completion`."""


def reply_of(body: bytes, asked_chars: int) -> Reply:
    """Read a 200; ValueError where it is no chat completion."""
    try:
        value = json.loads(body)
        choice = value["choices"][0]
        message = choice["message"]
        raw = message.get("content") or ""
        refusal = message.get("refusal") or ""
        text = _THINKING.sub("", raw, count=1).strip()
        first = _first(choice["logprobs"]) if choice.get("logprobs") and raw.strip() == text else ()
    except UNREADABLE as error:
        raise ValueError(f"no chat completion ({type(error).__name__})") from None
    return Reply(
        text, str(choice.get("finish_reason") or ""), str(refusal), _usage(value.get("usage"), asked_chars, raw), first
    )


def refusal_in(reply: Reply, secret: str = "") -> str:
    """Why the endpoint would not answer, in one line of at most 200 characters without the key; "" where it would."""
    said = one_line(reply.refusal)
    if not said and reply.finish != "content_filter":
        return ""
    return masked(said, secret)[:200] or "content filter"


def completion_of(reply: Reply) -> Completion:
    """A reply as an answer in words."""
    return Completion(text=storable(reply.text), refusal=storable(refusal_in(reply)), first=reply.first)


def _first(logprobs: Any) -> tuple[Likely, ...]:
    """The candidates for the first token that is not blank; () where that is not what stands there."""
    try:
        place = next(one for one in logprobs["content"] if one["token"].strip())
        found = {storable(str(one["token"])): float(one["logprob"]) for one in [place, *place["top_logprobs"]]}
    except (StopIteration, *UNREADABLE):
        return ()
    return tuple(Likely(token, max(logprob, _IMPOSSIBLE)) for token, logprob in found.items() if logprob <= _ROUNDING)


def _usage(said: Any, asked_chars: int, text: str) -> Usage:
    with suppress(*UNREADABLE):
        read, written = int(said["prompt_tokens"]), int(said["completion_tokens"])
        if 0 <= read <= _MOST_TOKENS and 0 <= written <= _MOST_TOKENS:
            return Usage(read, written)
    return Usage(asked_chars // 4, len(text) // 4, estimated=True)


def json_in(text: str) -> str:
    """The one JSON object of a text: all of it, or what stands in a fence, or from its first brace on.

    Nothing is mended: an object that is cut stays cut, and fails.
    """
    if text.startswith("{"):
        return text
    fence = _FENCE.search(text)
    start = fence.end() if fence else text.find("{")
    if start < 0:
        return text
    try:
        end = json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return text
    return text[start:end]


def fault_of(reply: Reply, kind: type[BaseModel]) -> str:
    """Why a reply is no answer of `kind`, in words that tell a model what to mend; "" where it is one."""
    if reply.finish == "length":
        return "the answer was cut off at the token limit; answer more briefly"
    if not reply.text:
        return "the answer was empty"
    return fault_in(json_in(reply.text), kind)


def fault_in(text: str, kind: type[BaseModel]) -> str:
    """The first thing that makes a JSON text no answer of `kind`; "" where it is one."""
    try:
        kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the answer'}: {one_line(first['msg'])}"
    return ""


def heals(status: int) -> bool:
    """Whether asking again can help."""
    return status in _HEALS or status >= 500


def load_of(status: int) -> Load:
    """What the status of an answer says of the endpoint's load."""
    return "refused" if status == 429 else "heavy" if status in _HEAVY else "fine"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the endpoint asks all to wait, from `retry-after-ms` or `Retry-After` (seconds or a date)."""
    said = headers.get("Retry-After", "")
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif said.replace(".", "", 1).isdigit():
            seconds = float(said)
        else:
            seconds = parsedate_to_datetime(said).timestamp() - time()
    except (ValueError, TypeError, OverflowError):
        return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_WAIT_S)


def error_message(body: bytes, secret: str) -> str:
    """The endpoint's own words on what is wrong, in one line of at most 200 characters, without the key."""
    try:
        value = json.loads(body)
        error = value.get("error", value)
        text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError, RecursionError):
        text = body.decode("utf-8", "replace")
    return masked(one_line(_CONTROL.sub(" ", text)), secret)[:200]  # masked first: half a key tells, too
