"""Questions asked by batches: put in line while a stage runs, sent when it has asked all it can, found again later.

A question waits by having no answer yet (WaitsError). What a batch brings in goes to the cache, where the stage finds
it when it runs again; what a batch could not answer, and what is not worth one, is asked online then.
"""

from functools import cache, cached_property
from threading import Lock
from typing import Any

from pydantic import BaseModel

from rms.assistant.interface import NoAnswerError, WaitsError
from rms.assistant.openai import body
from rms.assistant.openai.batch_budget import affordable, tokens_of
from rms.assistant.openai.batch_journal import Asked, Entry, Journal, name_of
from rms.assistant.openai.batch_results import KINDS
from rms.assistant.openai.batch_service import Service
from rms.assistant.openai.batch_spool import Part, Spool
from rms.assistant.openai.batch_wait import Found, wait_for
from rms.assistant.openai.request import Request, Usage
from rms.assistant.openai.response_cache import ResponseCache
from rms.assistant.openai.spending import Ledger
from rms.errors import RmsError
from rms.params import OpenAIAssistant as Settings
from rms.progress import say


class BatchQueue:
    """The questions to one model at one endpoint, over all the rounds in which a stage asks them."""

    def __init__(self, settings: Settings, secret: str) -> None:
        self._settings = settings
        self._secret = secret
        self._journal = Journal(settings.base_url, settings.model)
        self._spool = Spool(self._journal.folder)
        self._tokens: dict[str, int] = {}
        """Input tokens of all that is in line, as far as they can be guessed."""
        self._flying: frozenset[str] | None = None
        """Keys of questions in batches under way, be they of another process; None while the journal is unread."""
        self._fault: RmsError | None = None
        self._awaited: set[str] = set()
        self._online: set[str] = set()
        self._all_online = False
        self._rounds = 0
        self._lost: dict[str, Found] = {}
        self._spoilt: dict[str, Usage] = {}
        self._brought: set[str] = set()
        """Keys of all answers that batches brought in."""
        self._unused: set[str] = set()
        """Of these, the ones that this round has not asked for (any more)."""
        self._booked: set[str] = set()
        """Keys of answers without use that are in this round's books."""
        self._part = 0
        self._parts = 0
        """Parts of the stage that are settled: in this round, and at most in any."""
        self._lock = Lock()

    def begin(self, ledger: Ledger) -> "BatchQueue":
        """A round begins, with books of its own."""
        self._ledger = ledger
        self._awaited, self._booked, self._part = set(), set(), 0
        self._unused = set(self._brought)
        return self

    def take(self, key: str, request: Request, kind: type[BaseModel], messages: list[dict[str, Any]]) -> Usage | None:
        """Put a question in line that has no answer in the cache; return if it is to be asked online instead.

        Returned is what an answer took that came by a batch and could not be used, when that was entered in the books.
        Raises WaitsError once it is in line, NoAnswerError where a batch came back with the endpoint's refusal.
        """
        with self._lock:
            if self._fault:
                raise self._fault
            if self._flying is None:
                try:
                    self._flying = self._under_way()
                except RmsError as error:  # so that not every thread tries in vain
                    self._fault = error
                    raise
            if key in self._flying:
                self._awaited.add(key)
                raise WaitsError
            if key in self._lost:
                raise self._refused(key)
            if key in self._online or self._all_online or KINDS.get(kind.__name__) is not kind:
                return self._book(key, self._spoilt.get(key))
            if key not in self._spool.questions:
                line = self._line(key, request, messages)
                if len(line) > self._largest:
                    return None
                self._spool.add(key, kind.__name__, line)
                self._tokens[key] = tokens_of(request)
        raise WaitsError

    def used(self, key: str) -> None:
        """The answer to this question was handed on."""
        self._unused.discard(key)

    def settled(self) -> bool:
        """Whether every question so far was answered, or never will be, so that one more part of the stage is done.

        What was asked in earlier rounds and turned out not to be needed is entered in the books then: it was paid for.
        """
        if self._spool.questions or self._awaited:
            return False
        self._part += 1
        if self._part > self._parts:  # for the first time: what follows may be many questions again
            self._parts, self._rounds, self._all_online = self._part, 0, False
        with ResponseCache() as kept:
            for key, answer in kept.get_many(sorted(self._unused)).items():
                self._ledger.paid(key, answer.usage)
        self._unused = set()
        return True

    # -- between the rounds -----------------------------------------------------------------------

    def submit(self) -> None:
        """Send what is in line, unless so little is that it is sooner asked online.

        RmsError where the endpoint knows no batches, or the budget is spent.
        """
        waiting, least = len(self._spool.questions), self._settings.batch.least
        try:
            if waiting and self._rounds >= self._settings.batch.rounds:
                self._all_online = True
                say(f"{waiting} questions are left after {self._rounds} rounds of batches; they are asked online")
            elif waiting < least and not self._awaited:
                self._all_online = True
                say(f"{waiting} questions are too few for a batch; they are asked online")
            elif waiting and waiting >= least:
                self._send()
                self._rounds += 1
        finally:
            self._spool.clear()
            self._tokens.clear()

    def collect(self) -> None:
        """Wait for the batches whose answers were asked for, and put these into the cache."""
        self._under_way()
        entries = [entry for entry in self._journal.entries() if not self._awaited.isdisjoint(entry.questions)]
        if entries:
            unheard = {key for entry in entries for key in entry.questions}
            with ResponseCache() as kept:
                for found in wait_for(entries, self._service, self._journal, kept, self._settings):
                    self._note(found)
                    unheard.discard(found.key)
            if unheard:  # of batches without room: the round was not what it was to be
                self._rounds -= 1
        self._flying = self._under_way()

    def _note(self, found: Found) -> None:
        if found.kept:
            self._brought.add(found.key)
        elif found.lost:
            self._lost[found.key] = found
        else:
            self._online.add(found.key)
            if found.usage:
                self._spoilt[found.key] = found.usage

    def _refused(self, key: str) -> NoAnswerError:
        found = self._lost[key]
        assert found.lost
        self._book(key, found.usage)
        return NoAnswerError(found.lost.error, found.lost.raw)

    def _book(self, key: str, usage: Usage | None) -> Usage | None:
        """An answer that is of no use was paid for all the same; returned if it was not in the books yet."""
        if usage is None or key in self._booked:
            return None
        self._booked.add(key)
        self._ledger.paid(key, usage)
        return usage

    def _send(self) -> None:
        """Upload and begin batches, of what nobody else has sent or got an answer to meanwhile."""
        with self._journal.locked():
            self._flying = self._known()
            with ResponseCache() as kept:
                answered = kept.get_many(list(self._spool.questions)).keys()
            self._awaited |= self._flying & self._spool.questions.keys()
            keys = [key for key in self._spool.questions if key not in self._flying and key not in answered]
            keys = [*affordable(keys, self._tokens, self._settings, self._ledger)]
            for part in self._spool.parts(keys, self._settings.batch.max_requests, self._largest):
                self._begin(part)

    def _begin(self, part: Part) -> None:
        """One batch. It is noted before it begins, so that it is found even if this process ends in between."""
        file_id = self._service.upload(part.file)
        asked = {key: Asked(kind=one.kind, size=one.size) for key, one in part.questions.items()}
        name = name_of(file_id, asked)
        entry = Entry(
            name=name,
            endpoint=self._settings.base_url,
            model=self._settings.model,
            file_id=file_id,
            batch_id=None,
            questions=asked,
        )
        self._journal.write(entry)
        batch_id = self._service.start(file_id, name)  # where this fails, the next run looks whether it began
        self._journal.write(entry.model_copy(update={"batch_id": batch_id}))
        self._awaited |= asked.keys()
        say(f"batch {batch_id}: {len(asked)} questions sent to {self._settings.base_url}")

    def _under_way(self) -> frozenset[str]:
        """Keys of the questions in batches; one that was about to begin when its process ended is looked for."""
        with self._journal.locked():
            for entry in self._journal.entries():
                if entry.batch_id is None:
                    batch_id = self._service.find(entry.name)
                    if batch_id is None:
                        self._journal.drop(entry)
                    else:
                        self._journal.write(entry.model_copy(update={"batch_id": batch_id}))
            return self._known()

    def _known(self) -> frozenset[str]:
        return frozenset(key for entry in self._journal.entries() for key in entry.questions)

    def _line(self, key: str, request: Request, messages: list[dict[str, Any]]) -> bytes:
        asked = body.asked(body.sampling(self._settings), request, messages, body.FORMATS.index(self._settings.answers))
        line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": asked}
        return body.encoded(line) + b"\n"

    @property
    def _largest(self) -> int:
        return int(self._settings.batch.max_mb * 1e6)

    @cached_property
    def _service(self) -> Service:
        return Service(self._settings, self._secret)


def queue_of(settings: Settings, secret: str, ledger: Ledger) -> BatchQueue:
    """The queue for these settings, at the beginning of a round whose books are `ledger`."""
    return _queue(settings.model_dump_json(), secret).begin(ledger)


@cache  # one for a process: it outlives the client of one round
def _queue(settings: str, secret: str) -> BatchQueue:
    return BatchQueue(Settings.model_validate_json(settings), secret)
