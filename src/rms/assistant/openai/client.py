"""A client of OpenAI-compatible endpoints that asks fast, pays once and loses nothing.

One event loop in a thread of its own sends the requests, over aiohttp: the `openai` package spends milliseconds of
processor time a request where this takes a fraction of one. Any number of threads ask; equal questions in flight
are sent once, and an answer is handed on only when it is durable in the cache.
"""

import asyncio
import atexit
import gc
import random
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import uvloop
from pydantic import BaseModel

from rms.assistant.books import Books
from rms.assistant.interface import NoAnswerError, Waiting
from rms.assistant.openai import body
from rms.assistant.openai.batch_queue import queue_of
from rms.assistant.openai.claims import Claims
from rms.assistant.openai.keeping import Keeper
from rms.assistant.openai.pace import Load, Pace
from rms.assistant.openai.reading import (
    Completion,
    Reply,
    completion_of,
    fault_in,
    fault_of,
    json_in,
    load_of,
    refusal_in,
    retry_after,
)
from rms.assistant.openai.request import Answer, Request, Usage, total
from rms.assistant.openai.response_cache import ResponseCache, answers_file, key_of
from rms.assistant.openai.secret import masked, secret_of
from rms.assistant.openai.sharing import Sharing
from rms.assistant.openai.spending import Ledger
from rms.assistant.openai.troubles import OtherwiseError, PassingError, Troubles
from rms.assistant.openai.wire import UndeliveredError, Wire
from rms.errors import RmsError
from rms.interrupt import off_interrupt, on_interrupt
from rms.params import Endpoint, OpenAIAssistant
from rms.progress import say
from rms.turns import wait

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_BACKOFF_S, _LONGEST_BACKOFF_S = 0.5, 30.0
_ASKED_ELSEWHERE_S = 0.1


class Client:
    """Asks one model at one endpoint. Safe to be used by many threads; `close` it at the end."""

    def __init__(self, settings: Endpoint, books: Books | None = None) -> None:
        self.model = settings.model
        self.vision = settings.vision
        self.workers = settings.concurrency
        assistant = settings if isinstance(settings, OpenAIAssistant) else None  # judges are not asked by batches
        self.ledger = Ledger(settings.price, books, assistant.batch.price_factor if assistant else 1.0)
        self._settings = settings
        self._secret = secret_of(settings)
        batched = assistant if assistant and assistant.mode == "batch" else None
        self._batches = queue_of(batched, self._secret, self.ledger) if batched else None
        self._wire = Wire(settings, self._secret)
        self._sampling = body.sampling(settings)
        self._identity = {**self._sampling, "image": settings.image.model_dump()}
        self._cache = ResponseCache()
        self._claims = Claims(answers_file().with_name("asked"))
        self._told = False
        """Whether the user knows that another process holds this one up."""
        self._fatal: RmsError | None = None
        self._sharing = Sharing()
        self._tasks: set[asyncio.Task[Answer]] = set()
        self._keeper = Keeper(self._cache, self.model, self._stop)
        self._troubles = Troubles(settings, self._secret, self._stop)
        self._jitter = random.Random(0)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._pace = self._run(self._open())
        gc.freeze()  # what is loaded stays: to walk it again for every few hundred answers took a quarter of the time
        on_interrupt(self._interrupted)
        atexit.register(self.close)  # a stage may end by an error

    def ask(self, request: Request, kind: type[M]) -> M:
        """The answer to `request`, from the cache or the endpoint; as a `Completion` it may say anything.

        Raises NoAnswerError where this one has no answer, RmsError where none will have: a wrong key, an unknown
        model, an endpoint that cannot be reached, a spent budget.
        """
        key = key_of(self._settings.base_url, self.model, self._identity, request)
        kept = self._sharing.answer(key, partial(self._find, key, request, kind))
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
        self._run(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._cache.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> Pace:
        await self._wire.open()
        return Pace(self._settings.concurrency, self._settings.rpm, self._settings.tpm)

    async def _finish(self) -> None:
        """Let what was sent come back and be kept; what was not sent yet, or waits for another process, ends."""
        self._stop(RmsError("the endpoint is asked no more: its client was closed"))
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
        await self._wire.close()

    # -- one question ---------------------------------------------------------------------------

    def _find(self, key: str, request: Request, kind: type[M], flying: "Future[Answer]") -> None:
        """Look the answer up, or see to it that it is asked for; it is handed to `flying`."""
        if not self._claims.take(key):
            wait(asyncio.run_coroutine_threadsafe(self._claim(key), self._loop))
        departed = False
        try:
            answer = self._cache.get(key)
            if answer is None or fault_in(answer.text, kind):  # the latter was taken by an earlier version's rules
                messages = [body.message(message, self._settings) for message in request.messages]
                spoilt = self._batches.take(key, request, kind, messages) if self._batches else None
                work = self._persist(key, request, messages, kind, [spoilt] if spoilt else [])
                self._loop.call_soon_threadsafe(self._depart, key, flying, work)
                departed = True
            else:
                flying.set_result(answer)
        finally:
            if not departed:
                self._claims.give_back(key)

    async def _claim(self, key: str) -> None:
        """Take what another process asks for now, once it has its answer or gave up."""
        deadline = time.monotonic() + self._settings.deadline_s
        while not self._claims.take(key):
            self._go_on()
            if time.monotonic() > deadline and not self._told:
                self._told = True
                say(f"another process has long been asking {self._wire.url} the same; was it stopped? Resume or end it")
            await asyncio.sleep(_ASKED_ELSEWHERE_S)

    def _depart(self, key: str, flying: "Future[Answer]", work: Coroutine[Any, Any, Answer]) -> None:
        """Do `work` on the loop, and hand what becomes of it to who waits in other threads."""

        def land(done: "asyncio.Task[Answer]") -> None:
            self._tasks.discard(done)
            self._claims.give_back(key)
            error = done.exception()
            with suppress(InvalidStateError):  # who waited was interrupted; an answer is in the cache all the same
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
            except OtherwiseError:
                continue
            except PassingError as trouble:
                last = trouble
            else:
                self.ledger.paid(key, reply.usage)
                paid.append(reply.usage)
                if kind is Completion:
                    answer = Answer(completion_of(reply).model_dump_json(), total(paid))
                    await self._keeper.keep(key, answer)
                    return answer
                refused = refusal_in(reply, self._secret)
                if refused:
                    self.ledger.forfeit(key)
                    raise NoAnswerError(f"refused: {refused}", masked(reply.text, self._secret))
                fault = fault_of(reply, kind)
                if not fault:
                    answer = Answer(json_in(reply.text), total(paid))
                    await self._keeper.keep(key, answer)
                    return answer
                last = PassingError(f"malformed answer: {fault}", masked(reply.text, self._secret), 0.0)
                amended = [*messages, *body.correction(reply, fault)] if reply.text else messages
            sent += 1
            attempt += last.counts
            pause_s = self._backoff(max(attempt, 1)) if last.wait_s is None else last.wait_s
            if attempt > settings.retries or time.monotonic() + pause_s > deadline:
                self.ledger.forfeit(key)
                raise NoAnswerError(f"{last.error} (asked {sent} times)", last.raw)
            await self._pace.rest(pause_s)

    def _backoff(self, attempt: int) -> float:
        longest: float = min(_LONGEST_BACKOFF_S, _BACKOFF_S * 2.0 ** (attempt - 1))
        return longest * (0.5 + self._jitter.random())

    async def _send(self, request: Request, messages: list[dict[str, Any]]) -> Reply:
        """One request over the wire, when it is its turn."""
        departed = await self._pace.enter()
        tokens, pause_s = 0, 0.0
        load: Load = "fine"
        way, most = self._troubles.way, self._troubles.logprobs
        try:
            self._go_on()
            asking = request._replace(logprobs=min(request.logprobs, most)) if request.logprobs else request
            sent = body.encoded(body.asked(self._sampling, asking, messages, way))
            arrived = await self._wire.post(sent)
            status = arrived.status
            if status == 200:
                reply = self._troubles.read(arrived.headers.get("Content-Type", ""), arrived.content, len(sent))
                tokens = reply.usage.input_tokens + reply.usage.output_tokens
                return reply
            load = load_of(status)
            asked = retry_after(arrived.headers)
            pause_s = 0.0 if load == "fine" else 1.0 if asked is None else asked
            raise self._troubles.refused(status, arrived.content, asked, way, asking)
        except UndeliveredError as error:
            load = "heavy" if error.late else "fine"
            raise self._troubles.unanswered(error) from None
        finally:
            self._pace.leave(departed, tokens=tokens, load=load, wait_s=pause_s)

    def _go_on(self) -> None:
        """Raises RmsError when nothing more is to be sent."""
        if self._fatal is None:
            try:
                self.ledger.check()
            except RmsError as error:
                self._stop(error)
        if self._fatal is not None:
            raise self._fatal

    def _stop(self, error: RmsError) -> RmsError:
        """Send nothing more; returns why, which is the first error that ended it."""
        self._fatal = self._fatal or error
        self._pace.end()
        return self._fatal

    def _interrupted(self) -> None:
        self._loop.call_soon_threadsafe(self._stop, RmsError("interrupted: every answer is kept; run again to go on"))
