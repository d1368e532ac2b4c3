"""What the answers of paid endpoints took, stage by stage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rms.assistant import Spending
from rms.store import read_json

FILE = "spending.json"


def spending(stages: Mapping[str, Path]) -> dict[str, Any]:
    """Answers, tokens and US dollars by stage, read from each stage's folder, and in all."""
    each = {stage: Spending(**read_json(folder / FILE)) for stage, folder in stages.items()}
    return {**{stage: took._asdict() for stage, took in each.items()}, "total": _sum([*each.values()])._asdict()}


def _sum(parts: Sequence[Spending]) -> Spending:
    total = Spending()
    for part in parts:
        total = total.plus(part)
    return total
