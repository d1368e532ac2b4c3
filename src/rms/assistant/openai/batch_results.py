"""What became of each question of a batch, from the lines of its output and error files."""

import json
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from rms.assistant.interface import NoAnswerError
from rms.assistant.openai.prompting import TASKS
from rms.assistant.openai.reading import error_message, fault_of, heals, json_in, refusal_in, reply_of
from rms.assistant.openai.request import Answer, Usage
from rms.assistant.openai.secret import masked

KINDS = {task.answer.__name__: task.answer for task in TASKS.values()}
"""Types of answers by name, as the journal knows them."""


class _Response(BaseModel):
    status_code: int
    body: Any = None


class Line(BaseModel):
    """One line of a result file; what else stands in it is of no account."""

    custom_id: str
    response: _Response | None = None


class Outcome(NamedTuple):
    """An answer, or what it took to get none; where `lost` is None too, asking again may help."""

    answer: Answer | None = None
    paid: Usage | None = None
    lost: NoAnswerError | None = None


def line_of(raw: bytes) -> Line | None:
    """Read a line; None where it is not a result."""
    try:
        return Line.model_validate_json(raw)
    except ValidationError:
        return None


def outcome_of(response: _Response | None, kind: type[BaseModel] | None, asked_bytes: int, secret: str) -> Outcome:
    """What one response is worth as an answer of `kind`, the request having been so long and sent with `secret`.

    No response stands for an item that expired or was never begun, no kind for one that this version does not know.
    """
    if response is None or kind is None or heals(response.status_code):
        return Outcome()
    body = json.dumps(response.body).encode()
    if response.status_code != 200:
        message = error_message(body, secret)
        return Outcome(lost=NoAnswerError(f"HTTP {response.status_code}: {message}", message))
    try:
        reply = reply_of(body, asked_bytes)
    except ValueError:
        return Outcome()
    counted = reply.usage
    usage = counted._replace(batch_input=counted.input_tokens, batch_output=counted.output_tokens)
    refused = refusal_in(reply, secret)
    if refused:
        return Outcome(paid=usage, lost=NoAnswerError(f"refused: {refused}", masked(reply.text, secret)))
    if fault_of(reply, kind):
        return Outcome(paid=usage)
    return Outcome(Answer(json_in(reply.text), usage), usage)
