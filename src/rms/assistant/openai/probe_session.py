"""A conversation with an endpoint over the `openai` package, for few questions whose refusals are of interest."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from rms.assistant.openai.reading import UNREADABLE, Reply, error_message, reply_of
from rms.assistant.openai.request import Usage, total
from rms.assistant.openai.secret import masked, secret_of
from rms.errors import RmsError, one_line
from rms.params import OpenAIAssistant as Settings

if TYPE_CHECKING:
    from openai._legacy_response import LegacyAPIResponse

_MOST_TOKENS = 1024
"""Of one answer; room for a short thought."""
_TIMEOUT_S = 60.0
_RETRIES = 2


class Failed(NamedTuple):
    """A question the endpoint did not answer with 200."""

    status: int
    """Of HTTP; 0 where the answer was none of this protocol."""
    error: str


class Session:
    """Asks, counts what it takes, and remembers of the last answer what no `Reply` holds."""

    def __init__(self, settings: Settings) -> None:
        from openai import OpenAI  # noqa: PLC0415 - heavy

        self._settings = settings
        self._secret = secret_of(settings)
        self._openai = OpenAI(
            base_url=settings.base_url,
            api_key=self._secret or "none",  # the package will not do without
            max_retries=_RETRIES,
            timeout=min(settings.timeout_s, _TIMEOUT_S),
            default_headers=settings.headers,
        )
        self.limit_name: str = settings.max_tokens_name
        self.thinking = False
        """Whether the last answer was thought over."""
        self.logprobs = False
        """Whether the last answer came with log-probabilities."""
        self.requests = 0
        self.usage = Usage(0, 0)

    def ask(self, messages: list[dict[str, Any]], **extra: Any) -> Reply | Failed:
        """The reply to one question; RmsError where no question will have any."""
        asked = {"model": self._settings.model, "messages": messages, self.limit_name: self._most, **extra}
        asked |= self._settings.body
        chat = self._openai.chat.completions.with_raw_response  # extra_body: servers know more names than the package
        content = self._content(lambda: chat.create(messages=[], model="", extra_body=asked), strict=True)
        if isinstance(content, Failed):
            return content
        try:
            reply = reply_of(content, len(json.dumps(asked)))
        except ValueError as error:
            return Failed(0, str(error))
        self.thinking = self.logprobs = False
        self.usage = total((self.usage, reply.usage))
        value = json.loads(content)
        with suppress(*UNREADABLE):
            self.thinking = _thought(value)
        with suppress(*UNREADABLE):
            self.logprobs = _has_logprobs(value)
        return reply

    def models(self) -> list[str] | Failed:
        """Names of the models it lists."""
        content = self._content(self._openai.models.with_raw_response.list)
        if isinstance(content, Failed):
            return content
        try:
            return [str(model["id"]) for model in json.loads(content)["data"]]
        except UNREADABLE:
            return Failed(0, "no list of models")

    def batches(self) -> Failed | None:
        """None where it lists batches, else what it says."""
        content = self._content(lambda: self._openai.batches.with_raw_response.list(limit=1))
        if isinstance(content, Failed):
            return content
        try:
            listed = isinstance(json.loads(content)["data"], list)
        except UNREADABLE:
            listed = False
        return None if listed else Failed(0, "no list of batches")

    @property
    def _most(self) -> int:
        return min(self._settings.max_tokens, _MOST_TOKENS)

    def _content(self, send: Callable[[], "LegacyAPIResponse[Any]"], strict: bool = False) -> bytes | Failed:
        """What a 200 holds; with `strict`, it must be JSON."""
        from openai import APIConnectionError, APIStatusError, OpenAIError  # noqa: PLC0415 - heavy

        where = self._settings.base_url
        self.requests += 1
        try:
            response = send()
        except APIStatusError as error:
            return self._refused(error.status_code, error.response.content)
        except APIConnectionError as error:
            why = masked(one_line(error.__cause__ or error), self._secret)
            raise RmsError(
                f"{where}: cannot be reached ({why}); is the server running, and the address right?"
            ) from None
        except OpenAIError as error:
            raise RmsError(f"{where}: {masked(one_line(error), self._secret)}") from None
        kind = response.headers.get("Content-Type", "")
        if strict and "json" not in kind:
            raise RmsError(
                f"{where}: answers {kind or 'without a content type'} instead of JSON; should it end in /v1?"
            )
        return response.content

    def _refused(self, status: int, content: bytes) -> Failed:
        error = f"HTTP {status}: {error_message(content, self._secret).rstrip('.')}"
        if status in (401, 403):
            name = self._settings.api_key_env or "assistant.api_key_env"
            raise RmsError(f"{self._settings.base_url}: {error}; check the key in {name}")
        return Failed(status, error)


def _thought(completion: dict[str, Any]) -> bool:
    """Whether tokens went into thinking, by the endpoint's count or by what stands in the answer."""
    details = (completion.get("usage") or {}).get("completion_tokens_details") or {}
    message = completion["choices"][0]["message"]
    aloud = str(message.get("content") or "").lstrip().startswith("<think")
    return bool(
        details.get("reasoning_tokens") or message.get("reasoning_content") or message.get("reasoning") or aloud
    )


def _has_logprobs(completion: dict[str, Any]) -> bool:
    """Whether each of some tokens has its log-probability."""
    tokens = (completion["choices"][0].get("logprobs") or {}).get("content") or []
    return bool(tokens) and all(isinstance(token.get("logprob"), int | float) for token in tokens)
