"""An estimate as text."""

from rms.estimate.forecast import Forecast, Took

_HEAD = ("stage", "requests", "tokens read", "tokens written", "USD", "USD in batches")
_ROW = "{:9}{:>12}{:>17}{:>17}{:>12}{:>17}"
UNKNOWN = "unknown"


def table(forecast: Forecast) -> str:
    """A row for each stage and one for the total."""
    rows = [_row(stage, took) for stage, took in forecast.stages.items()]
    head = _ROW.format(*_HEAD)
    return "\n".join([head, "-" * len(head), *rows, "-" * len(head), _row("total", forecast.total)])


def span(forecast: Forecast, budget_usd: float | None) -> list[str]:
    """What the total may be, at least and at most, and whether a budget will do."""
    total = forecast.total
    low, high = total.times(forecast.low), total.times(forecast.high)
    lines = [f"Likely between {low.requests:,.0f} and {high.requests:,.0f} requests, {_between(low.usd, high.usd)}."]
    if total.usd is None:
        lines.append(
            "The price of a model is not known: add it to conf/prices.yaml, or set assistant.price (checker.price) to "
            "'{input: X, output: Y}', US dollars per million tokens. Until then budget_usd is refused."
        )
    elif budget_usd is not None and high.usd is not None and low.usd is not None:
        fits = "will do" if high.usd <= budget_usd else "may not do" if low.usd <= budget_usd else "will not do"
        lines.append(f"budget_usd = {budget_usd:g} {fits}: at it a run stops, keeps every answer, and can go on later.")
    return lines


def _row(name: str, took: Took) -> str:
    tokens = (f"{took.requests:,.0f}", f"{took.input_tokens:,.0f}", f"{took.output_tokens:,.0f}")
    return _ROW.format(name, *tokens, _usd(took.usd), _usd(took.batch_usd))


def _between(low: float | None, high: float | None) -> str:
    return "at a cost unknown" if low is None or high is None else f"{_usd(low)} and {_usd(high)} US dollars"


def _usd(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.4f}"
