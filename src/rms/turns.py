"""Many tasks on one thread, which take turns: while one waits for an answer, the others go on.

For tasks that ask endpoints and do little else. A thread for each would take as long to switch between as the asking.
Tasks are plain functions; it is `wait`, deep inside of them, that lets others go on.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from queue import SimpleQueue
from typing import TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4
"""As many times `most` are begun before the first result is taken."""


class _Task(greenlet):  # type: ignore[misc]
    """A function at work; it is put into `ready` when it may go on."""

    def __init__(self, run: Callable[..., None], ready: "SimpleQueue[_Task]") -> None:
        super().__init__(run)
        self.ready = ready


def wait(future: Future[T]) -> T:
    """The result of `future`; in a task of `in_turns` others go on meanwhile.

    A task must not hold a lock while it waits: another one on the same thread would wait for it for ever.
    """
    task = getcurrent()
    if isinstance(task, _Task) and not future.done():
        future.add_done_callback(lambda _: task.ready.put(task))
        task.parent.switch()
    return future.result()


def in_turns(function: Callable[[T], R], items: Iterable[T], most: int) -> Iterator[R]:
    """Apply `function` to each item, `most` at a time, and yield results in the order of `items`.

    Memory stays flat however long `items` is. After an error what has not begun is not begun, and what has is ended.
    Within a task it is one at a time: turns are taken with the other tasks then.
    """
    if isinstance(getcurrent(), _Task):  # to wait for several here would hold up the others, who may be waited for
        yield from map(function, items)
        return
    source = iter(items)
    more = True
    ready: SimpleQueue[_Task] = SimpleQueue()
    begun: deque[Future[R]] = deque()  # in order; those whose results were not taken yet
    at_work = 0

    def run(item: T, outcome: Future[R]) -> None:
        try:
            outcome.set_result(function(item))
        except Exception as error:  # raised where the result is taken
            outcome.set_exception(error)

    def go_on(task: _Task, *arguments: object) -> None:
        nonlocal at_work
        try:
            task.switch(*arguments)
        finally:
            at_work -= task.dead

    def begin() -> bool:
        """Whether there was another item to begin with."""
        nonlocal at_work
        for item in islice(source, 1):
            begun.append(Future())
            at_work += 1
            go_on(_Task(run, ready), item, begun[-1])
            return True
        return False

    try:
        while True:
            if not ready.empty():
                go_on(ready.get())
            elif more and at_work < most and len(begun) < _AHEAD * most:
                more = begin()
            elif begun and begun[0].done():
                yield begun.popleft().result()
            elif at_work:
                go_on(ready.get())
            else:
                return
    finally:
        while at_work:
            go_on(ready.get())
