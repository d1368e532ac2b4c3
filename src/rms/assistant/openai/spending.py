"""Tokens and money: what was asked for, what it cost, and the line that is not crossed."""

from collections import Counter
from threading import Lock

from rms.assistant.interface import Spending
from rms.assistant.openai.request import Usage
from rms.errors import RmsError
from rms.params import Price


class Ledger:
    """The books of one process; may be written from several threads."""

    def __init__(self, price: Price | None, budget_usd: float | None) -> None:
        if budget_usd is not None and price is None:
            raise RmsError(
                "assistant.budget_usd is set, but the model's price is not known: set assistant.price.input and "
                "assistant.price.output (US dollars per million tokens), or budget_usd=null"
            )
        self.price = price
        self.budget_usd = budget_usd
        self._lock = Lock()
        self.sent: Counter[str] = Counter()
        """What this process paid for: requests, answers, tokens."""
        self.used: Counter[str] = Counter()
        """What the answers it used took when they were made, kept ones included; each answer counts once."""
        self._counted: set[int] = set()

    def paid(self, usage: Usage) -> None:
        """An answer came in, good or not: the provider counts it."""
        with self._lock:
            self.sent.update(_tokens(usage))

    def use(self, key: str, usage: Usage) -> None:
        """The answer with this key (64 hex digits) was handed on, from the endpoint or from the cache."""
        short = int(key[:16], 16)  # millions of them are held
        with self._lock:
            if short not in self._counted:
                self._counted.add(short)
                self.used.update(_tokens(usage))

    def cost(self, books: Counter[str]) -> float | None:
        """US dollars, or None where no price is known."""
        if self.price is None:
            return None
        return (books["input_tokens"] * self.price.input + books["output_tokens"] * self.price.output) / 1e6

    def check(self) -> None:
        """Raises RmsError once the budget is spent; what is in flight may still finish."""
        spent = self.cost(self.sent)
        if self.budget_usd is not None and spent is not None and spent >= self.budget_usd:
            raise RmsError(
                f"assistant.budget_usd = {self.budget_usd:g}: spent {spent:.4f} US dollars on {self.sent['answers']} "
                "answers, all of them kept; raise the budget and run again to go on from here"
            )

    def report(self) -> Spending:
        """What the answers used took: the same for a rerun that finds them in the cache."""
        cost = self.cost(self.used)
        return Spending(
            self.used["answers"],
            self.used["input_tokens"],
            self.used["output_tokens"],
            self.used["estimated"],
            None if cost is None else round(cost, 6),
        )


def _tokens(usage: Usage) -> Counter[str]:
    return Counter(
        answers=1, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, estimated=int(usage.estimated)
    )
