"""Tokens and money: what was asked of one model, and what it cost."""

from collections import Counter
from threading import Lock

from rms.assistant.books import Books, Spending
from rms.assistant.openai.request import Usage
from rms.errors import RmsError
from rms.params import Price


class Ledger:
    """The account of one model in a stage's books; may be written from several threads."""

    def __init__(self, price: Price | None, books: Books | None = None, batch_factor: float = 1.0) -> None:
        """A token of a batch costs `batch_factor` of its price online."""
        self.price = price
        self._off = 1.0 - batch_factor
        self.sent: Counter[str] = Counter()
        """What this process paid for: answers, tokens."""
        self._used: Counter[str] = Counter()
        """What the answers handed on took when they were made, kept ones included; each counts once."""
        self._lost: Counter[str] = Counter()
        """Of `sent`, what no answer that was handed on has come of: refusals, and what was too broken to use."""
        self._unsettled: dict[int, Counter[str]] = {}
        """Of `_lost`, what was paid for questions that are still being asked, by key."""
        self._lock = Lock()
        self._books = Books() if books is None else books
        if self._books.budget_usd is not None and price is None:
            raise RmsError(
                "budget_usd is set, but the model's price is not known: set assistant.price (and checker.price) to "
                "'{input: X, output: Y}', US dollars per million tokens, or add the model to conf/prices.yaml, or set "
                "budget_usd=null"
            )
        self._books.open(self.report)

    def paid(self, key: str, usage: Usage) -> None:
        """An answer to the question with this key (64 hex digits) came in, good or not: the provider counts it."""
        tokens = _tokens(usage)
        with self._lock:
            self.sent.update(tokens)
            self._lost.update(tokens)
            self._unsettled.setdefault(_short(key), Counter()).update(tokens)

    def forfeit(self, key: str) -> None:
        """What was paid so far for this question stays lost, even if it is asked again and answered then."""
        with self._lock:
            self._unsettled.pop(_short(key), None)

    def use(self, key: str, usage: Usage) -> None:
        """The answer was handed on, from the endpoint or from the cache."""
        short = _short(key)
        with self._lock:
            paid = self._unsettled.pop(short, None)
            if paid is not None:
                self._lost.subtract(paid)
            if self._books.first_use(short) or paid is not None:
                self._used.update(_tokens(usage))

    def check(self) -> None:
        """Raises RmsError once the budget is spent; what is in flight may still finish."""
        self._books.check()

    def left(self) -> float | None:
        """US dollars that may still be spent; None without a budget."""
        return self._books.left()

    def reserve(self, cost_usd: float) -> None:
        """Set this much aside for what is about to be asked."""
        self._books.open(lambda: Spending(cost_usd=cost_usd))

    def report(self) -> Spending:
        """What the answers used took, and what was lost on others."""
        with self._lock:
            took = self._used + self._lost
        cost = None
        if self.price is not None:
            charged_input = took["input_tokens"] - self._off * took["batch_input"]
            charged_output = took["output_tokens"] - self._off * took["batch_output"]
            cost = round((charged_input * self.price.input + charged_output * self.price.output) / 1e6, 6)
        return Spending(took["answers"], took["input_tokens"], took["output_tokens"], took["estimated"], cost)


def _short(key: str) -> int:
    return int(key[:16], 16)  # millions of them are held


def _tokens(usage: Usage) -> Counter[str]:
    return Counter(
        answers=1,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        estimated=int(usage.estimated),
        batch_input=usage.batch_input,
        batch_output=usage.batch_output,
    )
