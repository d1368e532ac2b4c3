"""Answers on their way to the disk: many share one transaction, and each is handed on only when it is durable."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rms.assistant.openai.request import Answer
from rms.assistant.openai.response_cache import ResponseCache
from rms.errors import RmsError


class _Kept(NamedTuple):
    key: str
    answer: Answer
    done: "asyncio.Future[None]"


class Keeper:
    """Writes the answers of one model to the cache. To be used on one event loop; `stop` hears of a disk's errors."""

    def __init__(self, cache: ResponseCache, model: str, stop: Callable[[RmsError], object]) -> None:
        self._cache = cache
        self._model = model
        self._stop = stop
        self._waiting: list[_Kept] = []
        self._writing = False

    async def keep(self, key: str, answer: Answer) -> None:
        """Return when the answer is on disk; answers that come in meanwhile share the next transaction."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Kept(key, answer, done))
        if not self._writing:
            self._writing = True
            try:
                while self._waiting:
                    batch, self._waiting = self._waiting, []
                    await self._write(batch)
            finally:
                self._writing = False
        await done

    async def _write(self, batch: Sequence[_Kept]) -> None:
        rows = [(kept.key, self._model, kept.answer) for kept in batch]
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._cache.put_many, rows)
        except Exception as error:  # whatever it is, who waits must hear of it
            if isinstance(error, RmsError):
                self._stop(error)
            for kept in batch:
                kept.done.set_exception(error)
        else:
            for kept in batch:
                kept.done.set_result(None)
