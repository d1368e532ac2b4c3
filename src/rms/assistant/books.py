"""The books of a stage: what the answers of paid endpoints took, and how much more may be spent.

They lie beside the stage's output: the numbers in `spending.json`, and which answers they are of in
`answers.npy`, so that a later stage that asks the same question again does not count its answer again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from rms.errors import RmsError
from rms.store import read_json, write_json

FILE = "spending.json"
_ANSWERS = "answers.npy"
"""The first 64 bits of each answer's key, sorted; absent where no endpoint was asked."""


class Spending(NamedTuple):
    """Answers of paid endpoints, and what they cost when they were first given."""

    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: int = 0
    """Answers whose tokens the endpoint did not count."""
    cost_usd: float | None = 0.0
    """None where a price is not known."""

    def plus(self, other: "Spending") -> "Spending":
        """Both together."""
        known = self.cost_usd is not None and other.cost_usd is not None
        return Spending(
            self.answers + other.answers,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated + other.estimated,
            round((self.cost_usd or 0.0) + (other.cost_usd or 0.0), 6) if known else None,
        )


class Books:
    """One run of a stage, over all its assistants; may be used from several threads.

    `earlier` are the folders of the stages before. The budget is for all of them together, and for what answers from
    the cache took when they were paid for as well: to run again with the same budget is not to spend it again.
    """

    def __init__(self, budget_usd: float | None = None, earlier: Sequence[Path] = ()) -> None:
        self.budget_usd = budget_usd
        self._before = total([read_spending(folder) for folder in earlier])
        self._known = frozenset(key for folder in earlier for key in _read_answers(folder))
        self._counted: set[int] = set()
        self._accounts: list[Callable[[], Spending]] = []
        self._lock = Lock()
        if budget_usd is not None and self._before.cost_usd is None:
            raise RmsError(
                "budget_usd is set, but what the stages before cost is not known: run them again with a price for "
                "their model, or set budget_usd=null"
            )

    def open(self, account: Callable[[], Spending]) -> None:
        """Take in what one more model's answers take, now and later."""
        self._accounts.append(account)

    def first_use(self, key: int) -> bool:
        """Whether no stage has counted this answer yet; from now on one has."""
        with self._lock:
            if key in self._known or key in self._counted:
                return False
            self._counted.add(key)
            return True

    def spending(self) -> Spending:
        """What the answers used in this run took; the same for a rerun that finds them in the cache."""
        return total([account() for account in self._accounts])

    def left(self) -> float | None:
        """US dollars that may still be spent; None without a budget."""
        spent = self.spending().plus(self._before).cost_usd
        return None if self.budget_usd is None or spent is None else max(0.0, self.budget_usd - spent)

    def check(self) -> None:
        """Raises RmsError once the budget is spent; what is in flight may still finish."""
        if self.budget_usd is None:
            return
        here = self.spending()
        spent = here.plus(self._before).cost_usd
        if spent is not None and spent >= self.budget_usd:
            raise RmsError(
                f"budget_usd = {self.budget_usd:g}: {spent:.4f} US dollars are spent, {here.cost_usd:.4f} of them on "
                f"the {here.answers} answers of this stage, and every answer is kept; raise the budget and run again "
                "to go on from here"
            )

    def write(self, folder: Path) -> None:
        """Put the books into a stage's output folder."""
        write_json(folder / FILE, self.spending()._asdict())
        if self._counted:
            np.save(folder / _ANSWERS, np.array(sorted(self._counted), np.uint64), allow_pickle=False)


def read_spending(folder: Path) -> Spending:
    """What the stage took that wrote `folder`."""
    return Spending(**read_json(folder / FILE))


def total(parts: Sequence[Spending]) -> Spending:
    """All of it together; the cost is not known where one part's is not."""
    whole = Spending()
    for part in parts:
        whole = whole.plus(part)
    return whole


def _read_answers(folder: Path) -> list[int]:
    path = folder / _ANSWERS
    if not path.exists():
        return []
    try:
        keys: list[int] = np.load(path, allow_pickle=False).tolist()
    except (OSError, ValueError, EOFError) as error:
        raise RmsError(f"{path}: damaged ({error}); rerun the stage that wrote it") from None
    return keys
