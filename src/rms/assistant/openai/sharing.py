"""Equal questions that are in flight at the same time are asked once."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

from rms.assistant.openai.request import Answer
from rms.turns import wait


class Sharing:
    """Who asks first looks for the answer; who asks the same meanwhile waits for it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._flying: dict[str, Future[Answer]] = {}

    def answer(self, key: str, find: Callable[["Future[Answer]"], None]) -> Answer:
        """What comes of the future that `find` is given, be it at once or later, from any thread."""
        with self._turn:
            flying = self._flying.get(key)
            first = flying is None
            if flying is None:  # noted before it is looked up: who comes later finds this note or a kept answer
                flying = self._flying[key] = Future()
        if not first:
            return wait(flying)
        try:
            find(flying)
            return wait(flying)
        except BaseException as error:
            with suppress(InvalidStateError):  # unless it is done, who waits for the same would wait for ever
                flying.set_exception(error)
            raise
        finally:
            with self._turn:
                del self._flying[key]
