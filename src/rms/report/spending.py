"""What the answers of paid endpoints took, stage by stage, until the data were made."""

from collections.abc import Mapping
from pathlib import Path

from rms.assistant.books import Spending, read_spending, total


def spending(stages: Mapping[str, Path]) -> dict[str, Spending]:
    """By stage, read from each stage's folder, and in `total`."""
    each = {stage: read_spending(folder) for stage, folder in stages.items()}
    return {**each, "total": total([*each.values()])}


def in_words(spent: Spending) -> str:
    """The cost, or that it is not known, and how much of it rests on tokens that were estimated."""
    if not spent.answers:
        return "nothing: no endpoint was asked"
    cost = "unknown: no price was given" if spent.cost_usd is None else f"{spent.cost_usd:,.2f} US dollars"
    estimated = f", {spent.estimated:,} of them with estimated tokens" if spent.estimated else ""
    return f"{cost} ({spent.answers:,} answers{estimated})"
