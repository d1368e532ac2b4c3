"""What was not taken: texts that failed a check, and questions without an answer. Rows, never losses."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rms.assistant import NoAnswerError
from rms.errors import RmsError
from rms.records import Record, TextReject

T = TypeVar("T", bound=Record)

UNANSWERED = "no_answer"
"""Why a text was not taken: the assistant or the checker gave no answer."""

_RAW = 2000


def unanswered(image_id: str, text: str, kind: str, parent_id: str, error: NoAnswerError) -> TextReject:
    """The row of a question without an answer: what was asked about, why it failed, and what came back last."""
    detail = f"{error.error}; last answer: {error.raw[:_RAW]}" if error.raw else error.error
    return TextReject(image_id=image_id, text=text, kind=kind, failed=UNANSWERED, detail=detail, parent_id=parent_id)


def sieve(outcomes: Iterable[T | TextReject], kind: type[T], rejects: list[TextReject]) -> Iterator[T]:
    """Pass records of `kind` on and put the rejects aside."""
    for outcome in outcomes:
        if isinstance(outcome, kind):
            yield outcome
        elif isinstance(outcome, TextReject):
            rejects.append(outcome)


def require_answers(rejects: Sequence[TextReject], outcomes: int, most: float, stage: str) -> None:
    """Raises RmsError when more than a share `most` of all `outcomes` of a stage are questions without an answer."""
    lost = [reject.detail.partition("; last answer: ")[0] for reject in rejects if reject.failed == UNANSWERED]
    if len(lost) > most * outcomes:
        cause, times = Counter(lost).most_common(1)[0]
        raise RmsError(
            f"{stage}: {len(lost)} of {outcomes} have no answer, more than max_failure_rate = {most:g}; most often "
            f"({times}): {cause}. Answers are kept: run again to ask only what failed"
        )
