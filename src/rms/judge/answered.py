"""How often a judge that asks others gave no verdict, and when that is too often."""

import sys
from collections import Counter
from typing import Protocol, runtime_checkable

from rms.errors import RmsError
from rms.judge.interface import Judge


@runtime_checkable
class Asking(Protocol):
    """A judge that may get no answer."""

    asked: int
    """Queries so far."""
    without_verdict: Counter[str]
    """Queries without a verdict, by reason: `refused`, `unclear`, `unanswered`."""
    last_error: str
    """Why the last unanswered one had no answer."""


def check_answered(judge: Judge, who: str, max_failure_rate: float) -> None:
    """Say how often a judge gave no verdict; RmsError where more queries than that had no answer at all."""
    if not isinstance(judge, Asking) or not judge.without_verdict.total():
        return
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(judge.without_verdict.items()))
    said = f"{who}: no verdict on {judge.without_verdict.total()} of {judge.asked} queries ({counts})"
    if judge.without_verdict["unanswered"] > max_failure_rate * judge.asked:
        raise RmsError(
            f"{said}; that is more without an answer than max_failure_rate = {max_failure_rate:g} allows, and the last "
            f"met: {judge.last_error}; run again: answers are kept, and only the others are asked for"
        )
    print(said, file=sys.stderr)
