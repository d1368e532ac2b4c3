"""A client of OpenAI-compatible endpoints that asks fast, pays once and loses nothing.

One event loop in a thread of its own sends the requests, over aiohttp: the `openai` package spends milliseconds of
processor time a request where this takes a fraction of one. Any number of threads ask; equal questions in flight
are sent once, and an answer is handed on only when it is durable in the cache.
"""

import asyncio
import atexit
import json
import os
import random
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import BaseModel

from rms.assistant.interface import NoAnswerError, Spending
from rms.assistant.openai import body
from rms.assistant.openai.pace import Pace
from rms.assistant.openai.reading import (
    Reply,
    error_message,
    fault_in,
    fault_of,
    heals,
    json_in,
    overloaded,
    reply_of,
    retry_after,
)
from rms.assistant.openai.request import Answer, Request, Usage
from rms.assistant.openai.response_cache import ResponseCache, key_of
from rms.assistant.openai.spending import Ledger
from rms.errors import RmsError, one_line
from rms.params import OpenAIAssistant as Settings

if TYPE_CHECKING:
    import aiohttp

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_BACKOFF_S, _LONGEST_BACKOFF_S = 0.5, 30.0
_LONGEST_ANSWER = 8_000_000
"""Bytes; no completion is as long."""
_UNREACHED = 3
"""Failed connections after which an endpoint that never answered is given up."""


class _PassingError(Exception):
    """A trouble that asking again may heal."""

    def __init__(self, error: str, raw: str = "", wait_s: float | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.raw = raw
        self.wait_s = wait_s


class _OtherwiseError(Exception):
    """The endpoint does not know the way it was asked in, but may know another."""


class _Kept(NamedTuple):
    """An answer on its way to the cache."""

    key: str
    answer: Answer
    done: "asyncio.Future[None]"


class Client:
    """Asks one model at one endpoint. Safe to be used by many threads; `close` it at the end."""

    def __init__(self, settings: Settings) -> None:
        self.model = settings.model
        self.vision = settings.vision
        self.workers = settings.concurrency
        self.ledger = Ledger(settings.price, settings.budget_usd)
        self._settings = settings
        self._secret = _secret(settings)
        self._url = f"{settings.base_url.rstrip('/')}/chat/completions"
        self._sampling = body.sampling(settings)
        self._identity = {**self._sampling, "image": settings.image.model_dump()}
        self._cache = ResponseCache()
        self._format = body.FORMATS.index(settings.answers)
        self._fatal: RmsError | None = None
        self._reached = False
        self._unreached = 0
        self._flying: dict[str, asyncio.Future[Answer]] = {}
        self._unkept: list[_Kept] = []
        self._keeping = False
        self._jitter = random.Random(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._pace, self._session = self._run(self._open())
        atexit.register(self.close)  # a stage may end by an error

    def ask(self, request: Request, kind: type[M]) -> M:
        """The answer to `request`, from the cache or the endpoint.

        Raises NoAnswerError where this one has no answer, RmsError where none will have: a wrong key, an unknown
        model, an endpoint that cannot be reached, a spent budget.
        """
        key = key_of(self._settings.base_url, self.model, self._identity, request)
        kept = self._cache.get(key)
        if kept is None or fault_in(kept.text, kind):  # the latter was taken by looser rules of an earlier version
            kept = self._run(self._share(key, request, kind))
        value = kind.model_validate_json(kept.text)
        self.ledger.use(key, kept.usage)
        return value

    def spending(self) -> Spending:
        """What the answers handed on so far took when they were given, those of the cache included."""
        return self.ledger.report()

    def close(self) -> None:
        """Finish what is in flight and give everything back."""
        atexit.unregister(self.close)
        self._run(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._cache.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> "tuple[Pace, aiohttp.ClientSession]":
        import aiohttp  # noqa: PLC0415 - heavy

        headers = {**self._settings.headers, "Content-Type": "application/json"}
        if self._secret:
            headers["Authorization"] = f"Bearer {self._secret}"
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s, sock_connect=10),
            headers=headers,
        )
        return Pace(self._settings.concurrency, self._settings.rpm, self._settings.tpm), session

    # -- one question ---------------------------------------------------------------------------

    async def _share(self, key: str, request: Request, kind: type[M]) -> Answer:
        """Ask once, however many wait for the same answer."""
        if key in self._flying:
            return await asyncio.shield(self._flying[key])
        kept = self._cache.get(key)  # it may have landed since the asker looked
        if kept is not None and not fault_in(kept.text, kind):
            return kept
        flying: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._flying[key] = flying
        try:
            answer = await self._persist(request, kind)
            await self._keep(key, answer)
        except BaseException as error:
            flying.set_exception(error)
            flying.exception()  # it may be that no one else waits
            raise
        else:
            flying.set_result(answer)
            return answer
        finally:
            del self._flying[key]

    async def _persist(self, request: Request, kind: type[M]) -> Answer:
        """Ask until there is an answer, or no more hope of one."""
        settings = self._settings
        deadline = time.monotonic() + settings.deadline_s
        paid: list[Usage] = []
        messages = [body.message(message, settings) for message in request.messages]
        amended = messages
        attempt = 0
        while True:
            try:
                reply = await self._send(request, amended)
            except _OtherwiseError:
                continue
            except _PassingError as trouble:
                last = trouble
            else:
                self.ledger.paid(reply.usage)
                paid.append(reply.usage)
                if reply.refusal or reply.finish == "content_filter":
                    raise NoAnswerError(f"refused: {one_line(reply.refusal)[:200] or 'content filter'}", reply.text)
                fault = fault_of(reply, kind)
                if not fault:
                    return Answer(json_in(reply.text), _sum(paid))
                last = _PassingError(f"malformed answer: {fault}", reply.text, 0.0)
                amended = [*messages, *body.correction(reply, fault)] if reply.text else messages
            attempt += 1
            wait = self._backoff(attempt) if last.wait_s is None else last.wait_s
            if attempt > settings.retries or time.monotonic() + wait > deadline:
                raise NoAnswerError(f"{last.error} (asked {attempt} times)", last.raw)
            await asyncio.sleep(wait)

    def _backoff(self, attempt: int) -> float:
        longest: float = min(_LONGEST_BACKOFF_S, _BACKOFF_S * 2.0 ** (attempt - 1))
        return longest * (0.5 + self._jitter.random())

    async def _send(self, request: Request, messages: list[dict[str, Any]]) -> Reply:
        """One request over the wire, when it is its turn."""
        import aiohttp  # noqa: PLC0415 - heavy

        departed = await self._pace.enter()
        tokens, too_many, wait = 0, False, 0.0
        way = self._format
        try:
            self._go_on()
            told = body.told(messages, request) if way else messages
            sent = json.dumps({**self._sampling, "messages": told, **body.response_format(way, request)}).encode()
            async with self._session.post(self._url, data=sent, allow_redirects=False) as response:
                content = await _read_at_most(response, _LONGEST_ANSWER)
            status = response.status
            if status == 200:
                reply = self._read(response, content, len(sent))
                self._reached = True
                tokens = reply.usage.input_tokens + reply.usage.output_tokens
                return reply
            too_many = overloaded(status)
            asked = retry_after(response.headers)
            wait = (1.0 if asked is None else asked) if too_many else 0.0
            raise self._trouble(status, content, way, asked)
        except (aiohttp.ClientError, TimeoutError) as error:
            too_many = isinstance(error, TimeoutError)
            raise self._unanswered(error) from None
        finally:
            self._pace.leave(departed, tokens=tokens, overloaded=too_many, wait_s=wait)

    def _read(self, response: "aiohttp.ClientResponse", content: bytes, asked: int) -> Reply:
        kind = response.headers.get("Content-Type", "")
        if "json" not in kind and not self._reached:
            raise self._end(f"answers {kind or 'without a content type'} instead of JSON; should it end in /v1?")
        try:
            return reply_of(content, asked)
        except ValueError as error:
            raise _PassingError(str(error), content[:2000].decode("utf-8", "replace")) from None

    def _trouble(self, status: int, content: bytes, way: int, asked: float | None) -> Exception:
        """What an answer other than 200 means."""
        message = error_message(content)
        if self._secret:
            message = message.replace(self._secret, "***")
        error = f"HTTP {status}: {message}"
        advice = self._hopeless(status, content, message.lower())
        if advice:
            return self._end(f"{error}; {advice}")
        about_format = "response_format" in message or "json_schema" in message
        if status in (400, 422) and about_format and way + 1 < len(body.FORMATS):
            self._format = max(self._format, way + 1)
            return _OtherwiseError()
        return _PassingError(error, message, asked) if heals(status) else NoAnswerError(error, message)

    def _hopeless(self, status: int, content: bytes, message: str) -> str:
        """What to do about an error that every request will meet; "" for others.

        A complaint about an image is of that image alone once the endpoint has answered.
        """
        if status in (401, 403):
            return f"check the key in {self._settings.api_key_env or 'assistant.api_key_env'}"
        if status == 404:
            return f"check assistant.base_url and assistant.model ({self.model})"
        if status == 429 and b"insufficient_quota" in content:
            return "the account has no credit left"
        if status in (400, 422) and self.vision and "image" in message and not self._reached:
            return f"{self.model} takes no images: set assistant.vision=false"
        return ""

    def _unanswered(self, error: Exception) -> Exception:
        import aiohttp  # noqa: PLC0415 - heavy

        what = "no answer in time" if isinstance(error, TimeoutError) else one_line(error) or type(error).__name__
        if isinstance(error, aiohttp.ClientConnectorError) and not self._reached:
            self._unreached += 1
            if self._unreached >= _UNREACHED:
                return self._end(f"cannot be reached ({what}); is the server running, and the address right?")
        return _PassingError(what)

    def _go_on(self) -> None:
        """Raises RmsError when nothing more is to be sent."""
        if self._fatal is None:
            try:
                self.ledger.check()
            except RmsError as error:
                self._fatal = error
        if self._fatal is not None:
            raise self._fatal

    def _end(self, what: str) -> RmsError:
        self._fatal = self._fatal or RmsError(f"{self._settings.base_url}: {what}")
        return self._fatal

    # -- keeping --------------------------------------------------------------------------------

    async def _keep(self, key: str, answer: Answer) -> None:
        """Return when the answer is on disk; answers that come in meanwhile share the next transaction."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._unkept.append(_Kept(key, answer, done))
        if not self._keeping:
            self._keeping = True
            try:
                while self._unkept:
                    batch, self._unkept = self._unkept, []
                    await self._write(batch)
            finally:
                self._keeping = False
        await done

    async def _write(self, batch: Sequence[_Kept]) -> None:
        rows = [(kept.key, self.model, kept.answer) for kept in batch]
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._cache.put_many, rows)
        except RmsError as error:
            self._fatal = self._fatal or error
            for kept in batch:
                kept.done.set_exception(error)
        else:
            for kept in batch:
                kept.done.set_result(None)


def _secret(settings: Settings) -> str:
    if not settings.api_key_env:
        return ""
    secret = os.environ.get(settings.api_key_env, "").strip()
    if not secret:
        raise RmsError(
            f"{settings.api_key_env}: no key in this environment variable; export it, or set assistant.api_key_env='' "
            "for an endpoint that needs none"
        )
    return secret


async def _read_at_most(response: "aiohttp.ClientResponse", limit: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > limit:
            raise _PassingError(f"an answer of more than {limit} bytes")
    return bytes(content)


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(
        sum(usage.input_tokens for usage in usages),
        sum(usage.output_tokens for usage in usages),
        any(usage.estimated for usage in usages),
    )
