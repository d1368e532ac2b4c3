"""What a model is asked, in words: the policy, what the person writes, and the question for one word."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from rms.errors import RmsError
from rms.judge.interface import Query

FRAME_FILE = Path(__file__).with_name("prompt.md")
NO_TEXT = "(nothing)"
"""Stands for the words in the image-only twin, and for a text that is empty."""
NO_RISK = "Nothing here points to harm."
"""The rationale of a safe pair, whose rows name no risk."""

_REQUEST = "{request}"
_POLICY = "{policy}"
_PICTURES = "{pictures}"
_RATIONALE_CHARACTERS = 300


class Frame(NamedTuple):
    """The words around what the person writes; the same for every query of a judge."""

    before: str
    after: str

    @property
    def text(self) -> str:
        """As saved with a judge."""
        return f"{self.before}{_REQUEST}{self.after}"


def frame(policy: str) -> Frame:
    """The frame of a new judge with this policy."""
    return parse_frame(FRAME_FILE.read_text(encoding="utf-8").strip().replace(_POLICY, policy), str(FRAME_FILE))


def parse_frame(text: str, where: str) -> Frame:
    """A frame as saved; RmsError unless it has one place for the request."""
    before, found, after = text.partition(_REQUEST)
    if not found or _REQUEST in after:
        raise RmsError(f"{where}: must hold {_REQUEST} once, where the person's words go")
    return Frame(before, after)


def ask(frame: Frame, text: str, response: str, images: int) -> str:
    """The question about one query, as the text of the user's turn."""
    said = f"{text.strip() or NO_TEXT}"
    answered = f"\n\nAn assistant answered:\n\n{response.strip()}" if response.strip() else ""
    before = frame.before.replace(_PICTURES, "picture" if images == 1 else "pictures")
    return f"{before}{said}{answered}{frame.after}"


def rationale_line(risk: str, label: int) -> str:
    """The one line that follows the verdict; empty for an unsafe pair (label 1) of which no risk is known."""
    return " ".join(risk.split())[:_RATIONALE_CHARACTERS] or ("" if label else NO_RISK)


class Defused:
    """Takes from texts what a processor would read as its own marks: a text that says "<image>" is no image."""

    def __init__(self, marks: Iterable[str]) -> None:
        known = sorted({mark for mark in marks if len(mark) > 1}, key=lambda mark: (-len(mark), mark))
        self._marks = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, query: Query) -> Query:
        return Query(query.images, self._defuse(query.text), self._defuse(query.response))

    def _defuse(self, text: str) -> str:
        """`text` with a blank behind the first character of each mark, until none is left."""
        while self._marks is not None and self._marks.search(text):
            text = self._marks.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
        return text
