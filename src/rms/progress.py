"""One way to show progress, and one way to map a function over records."""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
R = TypeVar("R")


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` behind a bar with rate and remaining time; silent when stderr is not a terminal."""
    return iter(
        tqdm(items, desc=what, total=total, unit="", dynamic_ncols=True, leave=False, disable=not sys.stderr.isatty())
    )


def say(text: str) -> None:
    """One line on stderr about something that takes long; a bar that is shown stays below it."""
    tqdm.write(f"rms: {text}", file=sys.stderr)


def in_order(function: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """Apply `function` to each item on `workers` threads and yield results in the order of `items`.

    At most four items per worker are in flight, so memory stays flat however long `items` is. The
    functions given here release the interpreter lock for most of their time (decoding, inference,
    requests), and the order of results never depends on the number of workers.
    """
    source = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pending: deque[Future[R]] = deque(pool.submit(function, item) for item in islice(source, 4 * workers))
        try:
            while pending:
                yield pending.popleft().result()
                pending.extend(pool.submit(function, item) for item in islice(source, 1))
        finally:
            for future in pending:  # after an error, what has not begun is not begun
                future.cancel()


def map_ordered(
    function: Callable[[T], R], items: Iterable[T], what: str, *, workers: int = 1, total: int | None = None
) -> Iterator[R]:
    """`in_order` behind a bar."""
    yield from track(in_order(function, items, workers), what, total)
