"""Stages whose questions are answered hours later run in rounds: ask all that can be asked, wait, run again.

What was answered meanwhile comes from the cache, so that each round gets deeper into the questions that follow from
others. The last round, in which nothing waits, is the stage as it would have run at once.
"""

from collections.abc import Callable, Sequence

from rms.assistant.interface import Assistant, Waiting


class PendingError(Exception):
    """A stage has asked what it can for now; what it made so far is a draft."""

    def __init__(self, waiting: Sequence[Waiting]) -> None:
        super().__init__("questions wait for a batch")
        self.waiting = waiting


def settle(*assistants: Assistant) -> None:
    """Raises PendingError where answers are still to come. Called before anything is taken for final."""
    distinct = [one for index, one in enumerate(assistants) if one not in assistants[:index]]
    waiting = [pending for assistant in distinct if (pending := assistant.settle())]
    if waiting:
        raise PendingError(waiting)


def in_rounds(run: Callable[[], None]) -> None:
    """Run a stage until no question of it waits any longer."""
    while True:
        try:
            return run()
        except PendingError as pending:
            waiting = pending.waiting
        for questions in waiting:
            questions.submit()
        for questions in waiting:  # while they wait for the first, the others are worked on too
            questions.collect()
