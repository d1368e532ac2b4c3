"""Ctrl-C: the first ends a command in good order, the second at once."""

import signal
from collections.abc import Callable
from types import FrameType

from rms.progress import say

_told: list[Callable[[], None]] = []


def on_interrupt(end: Callable[[], None]) -> None:
    """Have `end` called at Ctrl-C, between any two steps of the main thread: it must be quick and take no lock."""
    _told.append(end)


def off_interrupt(end: Callable[[], None]) -> None:
    """Undo `on_interrupt`."""
    if end in _told:
        _told.remove(end)


def heed() -> None:
    """From now on tell at Ctrl-C who asked to be told; left alone where it is ignored or somebody else's business."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for end in list(_told):
        end()
    if _told:
        say("what is in flight is finished and kept; Ctrl-C again ends at once")
    raise KeyboardInterrupt
