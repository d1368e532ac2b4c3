"""What is asked of an endpoint, and what comes back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

Role = Literal["system", "user", "assistant"]


class Message(NamedTuple):
    """One turn: its text and, for a user's turn, encoded JPEG pictures that come before the text."""

    role: Role
    text: str
    images: tuple[bytes, ...] = ()


class Request(NamedTuple):
    """A question, whose answer is to be JSON where there is a schema."""

    task: str
    """Name of the prompt, for the books; the answer does not depend on it."""
    messages: Sequence[Message]
    schema: Mapping[str, Any] | None
    """JSON schema of the answer, an object with a `title`; None where it is in words."""
    repeat: int = 0
    """Index among equal questions that are asked several times on purpose."""
    logprobs: int = 0
    """How many of the likeliest first tokens are wanted beside a `Completion`."""

    @property
    def characters(self) -> int:
        """Of what a model reads, pictures aside: messages and schema."""
        return sum(len(message.text) for message in self.messages) + len(json.dumps(self.schema))


class Usage(NamedTuple):
    """Tokens of one answer, as the endpoint counted them; reasoning tokens are among the output."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False
    """True where the endpoint did not say, and the numbers are a guess from lengths."""
    batch_input: int = 0
    batch_output: int = 0
    """Of the tokens above, those that came at the price of a batch."""


def total(usages: Sequence[Usage]) -> Usage:
    """All of it together."""
    return Usage(
        sum(usage.input_tokens for usage in usages),
        sum(usage.output_tokens for usage in usages),
        any(usage.estimated for usage in usages),
        sum(usage.batch_input for usage in usages),
        sum(usage.batch_output for usage in usages),
    )


class Answer(NamedTuple):
    """A complete answer: the text a schema accepted, and what it took."""

    text: str
    usage: Usage
