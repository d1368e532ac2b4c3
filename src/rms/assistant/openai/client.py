"""A client of OpenAI-compatible endpoints that asks fast, pays once and loses nothing.

One event loop in a thread of its own sends the requests, over aiohttp: the `openai` package spends milliseconds of
processor time a request where this takes a fraction of one. Any number of threads ask; equal questions in flight
are sent once, and an answer is handed on only when it is durable in the cache.
"""

import asyncio
import atexit
import gc
import json
import random
import threading
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel

from rms.assistant.books import Books
from rms.assistant.interface import NoAnswerError, Waiting
from rms.assistant.openai import body
from rms.assistant.openai.batch_queue import queue_of
from rms.assistant.openai.keeping import Keeper
from rms.assistant.openai.pace import Load, Pace
from rms.assistant.openai.reading import (
    Completion,
    Reply,
    completion_of,
    error_message,
    fault_in,
    fault_of,
    heals,
    json_in,
    load_of,
    reply_of,
    retry_after,
)
from rms.assistant.openai.request import Answer, Request, Usage
from rms.assistant.openai.response_cache import ResponseCache, key_of
from rms.assistant.openai.secret import masked, secret_of
from rms.assistant.openai.spending import Ledger
from rms.errors import RmsError, one_line
from rms.interrupt import off_interrupt, on_interrupt
from rms.params import Endpoint, OpenAIAssistant

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_BACKOFF_S, _LONGEST_BACKOFF_S = 0.5, 30.0
_LONGEST_ANSWER = 8_000_000
"""Bytes; no completion is as long."""
_FORMAT_COMPLAINTS = ("response_format", "json_schema", "json schema", "grammar")
"""How endpoints word that they cannot answer in the way they were asked to."""
_MOST_LOGPROBS, _FEW_LOGPROBS = 20, 5
"""Of the likeliest tokens: what OpenAI tells, and what others tell where they tell of any."""
_UNFIT = 50
"""Questions refused as ill put after which an endpoint that never answered is given up."""
_UNREACHED = 3
"""Failed connections after which an endpoint that never answered is given up."""


class _PassingError(Exception):
    """A trouble that asking again may heal."""

    def __init__(self, error: str, raw: str = "", wait_s: float | None = None, *, counts: bool = True) -> None:
        super().__init__(error)
        self.error = error
        self.raw = raw
        self.wait_s = wait_s
        self.counts = counts
        """Whether it is one of the tries a question has; not so where it was only too early."""


class _OtherwiseError(Exception):
    """The endpoint does not know the way it was asked in, but may know another."""


class Client:
    """Asks one model at one endpoint. Safe to be used by many threads; `close` it at the end."""

    def __init__(self, settings: Endpoint, books: Books | None = None) -> None:
        self.model = settings.model
        self.vision = settings.vision
        self.workers = settings.concurrency
        assistant = settings if isinstance(settings, OpenAIAssistant) else None  # judges are not asked by batches
        self.ledger = Ledger(settings.price, books, assistant.batch.price_factor if assistant else 1.0)
        self._settings = settings
        self._section = settings.section
        self._secret = secret_of(settings)
        batched = assistant if assistant and assistant.mode == "batch" else None
        self._batches = queue_of(batched, self._secret, self.ledger) if batched else None
        self._url = f"{settings.base_url.rstrip('/')}/chat/completions"
        self._sampling = body.sampling(settings)
        self._identity = {**self._sampling, "image": settings.image.model_dump()}
        self._cache = ResponseCache()
        self._format = body.FORMATS.index(settings.answers)
        self._logprobs = _MOST_LOGPROBS
        self._fatal: RmsError | None = None
        self._reached = False
        self._unreached = self._unfit = 0
        self._turn = threading.Lock()
        self._flying: dict[str, Future[Answer]] = {}
        self._tasks: set[asyncio.Task[Answer]] = set()
        self._keeper = Keeper(self._cache, self.model, self._stop)
        self._jitter = random.Random(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._pace, self._session = self._run(self._open())
        gc.freeze()  # what is loaded stays: to walk it again for every few hundred answers took a quarter of the time
        on_interrupt(self._interrupted)
        atexit.register(self.close)  # a stage may end by an error

    def ask(self, request: Request, kind: type[M]) -> M:
        """The answer to `request`, from the cache or the endpoint; as a `Completion` it may say anything.

        Raises NoAnswerError where this one has no answer, RmsError where none will have: a wrong key, an unknown
        model, an endpoint that cannot be reached, a spent budget.
        """
        key = key_of(self._settings.base_url, self.model, self._identity, request)
        kept = self._share(key, request, kind)
        value = kind.model_validate_json(kept.text)
        self.ledger.use(key, kept.usage)
        if self._batches:
            self._batches.used(key)
        return value

    def settle(self) -> Waiting | None:
        """The questions that wait for a batch, where any do; the client is closed then."""
        if self._batches is None or self._batches.settled():
            return None
        self.close()
        return self._batches

    def close(self) -> None:
        """Finish what is in flight and give everything back."""
        atexit.unregister(self.close)
        off_interrupt(self._interrupted)
        self._run(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._cache.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> tuple[Pace, aiohttp.ClientSession]:
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

    def _share(self, key: str, request: Request, kind: type[M]) -> Answer:
        """Look up or ask once, however many want the same answer at a time."""
        with self._turn:
            flying = self._flying.get(key)
            first = flying is None
            if flying is None:  # noted before it is looked up: who comes later finds this note or a kept answer
                flying = self._flying[key] = Future()
        if not first:
            return flying.result()
        try:
            answer = self._cache.get(key)
            if answer is None or fault_in(answer.text, kind):  # the latter was taken by an earlier version's rules
                messages = [body.message(message, self._settings) for message in request.messages]
                spoilt = self._batches.take(key, request, kind, messages) if self._batches else None
                asked = self._persist(key, request, messages, kind, [spoilt] if spoilt else [])
                self._loop.call_soon_threadsafe(self._depart, flying, asked)
            else:
                flying.set_result(answer)
            return flying.result()
        except BaseException as error:
            if not flying.done():  # who waits for the same must not wait for ever
                flying.set_exception(error)
            raise
        finally:
            with self._turn:
                del self._flying[key]

    def _depart(self, flying: "Future[Answer]", work: Coroutine[Any, Any, Answer]) -> None:
        """Do `work` on the loop, and hand what becomes of it to who waits in other threads."""

        def land(done: "asyncio.Task[Answer]") -> None:
            self._tasks.discard(done)
            error = done.exception()
            if error is None:
                flying.set_result(done.result())
            else:
                flying.set_exception(error)

        task = self._loop.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks by weak references only
        task.add_done_callback(land)

    async def _persist(
        self, key: str, request: Request, messages: list[dict[str, Any]], kind: type[M], paid: list[Usage]
    ) -> Answer:
        """Ask until there is an answer and it is kept, or there is no more hope of one.

        `paid` is in the books for it already.
        """
        settings = self._settings
        deadline = time.monotonic() + settings.deadline_s
        amended = messages
        attempt = sent = 0
        while True:
            try:
                reply = await self._send(request, amended)
            except _OtherwiseError:
                continue
            except _PassingError as trouble:
                last = trouble
            else:
                self.ledger.paid(key, reply.usage)
                paid.append(reply.usage)
                if kind is Completion:
                    answer = Answer(completion_of(reply).model_dump_json(), _sum(paid))
                    await self._keeper.keep(key, answer)
                    return answer
                if reply.refusal or reply.finish == "content_filter":
                    self.ledger.forfeit(key)
                    why = masked(one_line(reply.refusal), self._secret)[:200] or "content filter"
                    raise NoAnswerError(f"refused: {why}", masked(reply.text, self._secret))
                fault = fault_of(reply, kind)
                if not fault:
                    answer = Answer(json_in(reply.text), _sum(paid))
                    await self._keeper.keep(key, answer)
                    return answer
                last = _PassingError(f"malformed answer: {fault}", masked(reply.text, self._secret), 0.0)
                amended = [*messages, *body.correction(reply, fault)] if reply.text else messages
            sent += 1
            attempt += last.counts
            wait = self._backoff(max(attempt, 1)) if last.wait_s is None else last.wait_s
            if attempt > settings.retries or time.monotonic() + wait > deadline:
                self.ledger.forfeit(key)
                raise NoAnswerError(f"{last.error} (asked {sent} times)", last.raw)
            await self._pace.rest(wait)

    def _backoff(self, attempt: int) -> float:
        longest: float = min(_LONGEST_BACKOFF_S, _BACKOFF_S * 2.0 ** (attempt - 1))
        return longest * (0.5 + self._jitter.random())

    async def _send(self, request: Request, messages: list[dict[str, Any]]) -> Reply:
        """One request over the wire, when it is its turn."""
        departed = await self._pace.enter()
        tokens, wait = 0, 0.0
        load: Load = "fine"
        way = self._format
        try:
            self._go_on()
            asking = request._replace(logprobs=min(request.logprobs, self._logprobs)) if request.logprobs else request
            sent = json.dumps(body.asked(self._sampling, asking, messages, way)).encode()
            async with self._session.post(self._url, data=sent, allow_redirects=False) as response:
                content = await _read_at_most(response, _LONGEST_ANSWER)
            status = response.status
            if status == 200:
                reply = self._read(response, content, len(sent))
                self._reached = True
                tokens = reply.usage.input_tokens + reply.usage.output_tokens
                return reply
            load = load_of(status)
            asked = retry_after(response.headers)
            wait = 0.0 if load == "fine" else 1.0 if asked is None else asked
            raise self._trouble(status, content, way, asked, asking)
        except (aiohttp.ClientError, TimeoutError) as error:
            load = "heavy" if isinstance(error, TimeoutError) else "fine"
            raise self._unanswered(error) from None
        finally:
            self._pace.leave(departed, tokens=tokens, load=load, wait_s=wait)

    def _read(self, response: aiohttp.ClientResponse, content: bytes, asked: int) -> Reply:
        kind = response.headers.get("Content-Type", "")
        if "json" not in kind and not self._reached:
            raise self._end(f"answers {kind or 'without a content type'} instead of JSON; should it end in /v1?")
        try:
            return reply_of(content, asked)
        except ValueError as error:
            raw = masked(content.decode("utf-8", "replace"), self._secret)
            raise _PassingError(str(error), raw[:2000]) from None

    def _trouble(self, status: int, content: bytes, way: int, asked: float | None, asking: Request) -> Exception:
        """What an answer other than 200 means."""
        message = error_message(content, self._secret)
        error = f"HTTP {status}: {message}" if message else f"HTTP {status}"
        advice = self._hopeless(status, content, message.lower())
        if advice:
            return self._end(f"{error}; {advice}")
        about_format = any(words in message.lower() for words in _FORMAT_COMPLAINTS)
        if status in (400, 422) and about_format and way + 1 < len(body.FORMATS):
            self._format = max(self._format, way + 1)
            return _OtherwiseError()
        if status in (400, 422) and "logprobs" in message.lower() and asking.logprobs:
            self._logprobs = min(self._logprobs, _FEW_LOGPROBS if asking.logprobs > _FEW_LOGPROBS else 0)
            return _OtherwiseError()
        if heals(status):
            return _PassingError(error, message, asked, counts=status != 429)
        self._unfit += 1
        if self._unfit >= _UNFIT and not self._reached:
            return self._end(f"{error}; so it says to every question: `rms assistant probe` finds settings that fit")
        return NoAnswerError(error, message)

    def _hopeless(self, status: int, content: bytes, message: str) -> str:
        """What to do about an error that every request will meet; "" for others.

        A complaint about an image, and a 403, are of that question alone once the endpoint has answered: some say 403
        to what their moderation flags.
        """
        if 300 <= status < 400:
            return f"requests are not sent on to where that leads: set {self._section}.base_url to it"
        if status == 401 or (status == 403 and not self._reached):
            return f"check the key in {self._settings.api_key_env or f'{self._section}.api_key_env'}"
        if status == 404:
            return f"check {self._section}.base_url and {self._section}.model ({self.model})"
        if status == 402 or (status == 429 and b"insufficient_quota" in content):
            return "the account has no credit left"
        refused = status in (400, 422) or "not supported" in message  # llama.cpp says 500 to a model that cannot see
        if refused and self.vision and "image" in message and not self._reached:
            return f"{self.model} takes no images: set {self._section}.vision=false"
        return ""

    def _unanswered(self, error: Exception) -> Exception:
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
                self._stop(error)
        if self._fatal is not None:
            raise self._fatal

    def _end(self, what: str) -> RmsError:
        return self._stop(RmsError(f"{self._settings.base_url}: {what}"))

    def _stop(self, error: RmsError) -> RmsError:
        """Send nothing more; returns why, which is the first error that ended it."""
        self._fatal = self._fatal or error
        self._pace.end()
        return self._fatal

    def _interrupted(self) -> None:
        self._loop.call_soon_threadsafe(self._stop, RmsError("interrupted: every answer is kept; run again to go on"))


async def _read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
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
        sum(usage.batch_input for usage in usages),
        sum(usage.batch_output for usage in usages),
    )
