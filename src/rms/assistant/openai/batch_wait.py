"""Waiting for batches: polled with a bar, their answers checked and kept as soon as each has ended."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rms.assistant.interface import NoAnswerError
from rms.assistant.openai.batch_journal import Entry, Journal
from rms.assistant.openai.batch_results import KINDS, line_of, outcome_of
from rms.assistant.openai.batch_service import Service, State
from rms.assistant.openai.request import Answer, Usage
from rms.assistant.openai.response_cache import ResponseCache
from rms.errors import RmsError
from rms.params import OpenAIAssistant as Settings
from rms.progress import say, track

_LONGEST_LINE = 16_000_000
"""Bytes of one result; what is longer is no answer."""
_AT_ONCE = 500
"""Answers kept in one transaction."""
_NO_ROOM = "token_limit_exceeded"


class Found(NamedTuple):
    """What a batch brought for one question."""

    key: str
    kept: bool
    """Its answer is in the cache."""
    usage: Usage | None
    """What it took, where there was an answer, good or not."""
    lost: NoAnswerError | None
    """Why it will have no answer; where there is none it is worth asking online."""


def wait_for(
    entries: Sequence[Entry], service: Service, journal: Journal, kept: ResponseCache, settings: Settings
) -> Iterator[Found]:
    """Yield what became of the questions of `entries`, batch by batch as they end.

    Nothing is said of the questions of a batch that was turned away for want of room: they are to be asked again.
    RmsError where a batch failed as a whole, was cancelled or is not known, and where all were turned away.
    """
    turned_away = 0
    for entry, batch in _as_they_end(entries, service, settings.batch.poll_s):
        fault = ""
        if batch is None:
            raise RmsError(
                f"{settings.base_url}: batch {entry.batch_id} is not known; use the key it was sent with, or remove "
                f"{journal.path(entry)} and run again to ask (and pay for) its questions anew"
            )
        if batch.status == "failed":
            code, fault = batch.fault(service.secret)
            if code == _NO_ROOM:
                turned_away, fault = turned_away + 1, ""
                say(f"batch {batch.id}: turned away, the account may not enqueue so much; asked again after the others")
        else:
            yield from _merge(entry, batch, service, kept)
            if batch.status == "cancelled":
                fault = "the answers it had are kept: run again to ask for the rest"
        journal.drop(entry)
        service.remove(entry.file_id)
        if fault:
            raise RmsError(f"{settings.base_url}: batch {batch.id} {batch.status}: {fault}")
    if turned_away == len(entries):
        raise RmsError(
            f"{settings.base_url}: the account may not enqueue as many tokens; lower assistant.batch.max_requests, or "
            "run again when other batches of the account are done"
        )


def _as_they_end(entries: Sequence[Entry], service: Service, poll_s: float) -> Iterator[tuple[Entry, State | None]]:
    """Each entry with its batch once that has ended, or with None where the endpoint does not know it."""
    total = sum(len(entry.questions) for entry in entries)
    bar = track(range(total), "answers of batches", total)
    under_way = list(entries)
    done: dict[str, int] = {}
    shown, told = 0, {entry.name: "" for entry in entries}
    while True:
        for entry in list(under_way):
            batch = service.state(entry.batch_id) if entry.batch_id else None
            ended = batch is None or batch.ended
            done[entry.name] = len(entry.questions) if ended or not batch else min(batch.done, len(entry.questions))
            if batch and batch.status != told[entry.name]:
                told[entry.name] = batch.status
                going = "" if ended else "; end this at will and run again later, the batch goes on and will be found"
                say(f"batch {batch.id}: {batch.status}, {batch.done} of {len(entry.questions)} questions done{going}")
            if ended:
                under_way.remove(entry)
                yield entry, batch
        for _ in range(sum(done.values()) - shown):
            next(bar, None)
        shown = max(shown, sum(done.values()))
        if not under_way:
            return
        time.sleep(poll_s)


def _merge(entry: Entry, batch: State, service: Service, kept: ResponseCache) -> Iterator[Found]:
    """Keep the good answers of both result files; what neither speaks of was never begun."""
    missing = dict(entry.questions)
    good: list[tuple[str, str, Answer]] = []
    for file_id in (batch.output_file_id, batch.error_file_id):
        if not file_id:
            continue
        with tempfile.TemporaryFile() as file:
            service.fetch(file_id, file)
            file.seek(0)
            for raw in iter(lambda: file.readline(_LONGEST_LINE), b""):
                line = line_of(raw)
                asked = missing.pop(line.custom_id, None) if line else None
                if line is None or asked is None:
                    continue
                outcome = outcome_of(line.response, KINDS.get(asked.kind), asked.size, service.secret)
                if outcome.answer:
                    good.append((line.custom_id, entry.model, outcome.answer))
                    if len(good) == _AT_ONCE:
                        yield from _keep(good, kept)
                        good = []
                else:
                    yield Found(line.custom_id, False, outcome.paid, outcome.lost)
    yield from _keep(good, kept)
    if batch.status != "cancelled":  # by hand: what was not to be asked for is not asked for at a higher price
        yield from (Found(key, False, None, None) for key in missing)


def _keep(good: Sequence[tuple[str, str, Answer]], kept: ResponseCache) -> Iterator[Found]:
    kept.put_many(good)
    yield from (Found(key, True, answer.usage, None) for key, _, answer in good)
