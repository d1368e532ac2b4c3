"""The table a run ends with, from `reports/metrics.json`; plain text, at most 100 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 100
_CELL = 24
_GAP = 2


def summary(metrics: Mapping[str, Any]) -> str:
    """Corpora (rows) by training sets (columns): AUROC or rate with its interval, then quality and gap."""
    dataset = metrics["dataset"]
    names = [name for name in metrics if name != "dataset"]
    rows = _rows([metrics[name] for name in names], names)
    label = max(len(row[0]) for row in rows)
    columns = max(1, (WIDTH - label) // (_CELL + _GAP))
    lines = [
        f"Dataset: {dataset['samples']} samples on {dataset['images']} images, {dataset['unsafe_share']:.0%} unsafe, "
        f"{dataset['categories']} categories.",
        "Judges by training set. AUROC [interval] unless said otherwise; * own test split.",
    ]
    for start in range(0, len(names), columns):
        lines.append("")
        lines += _block(rows, names, slice(start, start + columns), label)
    return "\n".join(lines)


def _rows(sets: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[str]]:
    """Label and cells of each row; the last three sum up."""
    rows = []
    for key, note in (("auroc", ""), ("detection", " (detection)"), ("false_alarm", " (false alarms)")):
        for corpus in dict.fromkeys(corpus for found in sets for corpus in found.get(key, {})):
            cells = [
                _cell(found, key, corpus, own=corpus in name.split("+"))
                for found, name in zip(sets, names, strict=True)
            ]
            rows.append([f"{corpus}{note}", *cells])
    return [
        *rows,
        ["quality: other corpora", *(_estimate(found["quality"], "auroc", "low", "high") for found in sets)],
        ["quality: same corpora", *(_estimate(found["common"], "auroc", "low", "high") for found in sets)],
        ["gap over best twin*", *(_estimate(found["own_test"], "gap", "gap_low", "gap_high") for found in sets)],
    ]


def _cell(found: Mapping[str, Any], key: str, corpus: str, *, own: bool) -> str:
    ends = {end: found.get(f"{key}{end}", {}).get(corpus) for end in ("", "_low", "_high")}
    return _estimate(ends, "", "_low", "_high") + ("*" if own else "")


def _estimate(values: Mapping[str, Any], value: str, low: str, high: str) -> str:
    if values.get(value) is None:
        return "-"
    bounds = "" if values.get(low) is None else f" [{values[low]:.3f}, {values[high]:.3f}]"
    return f"{values[value]:.3f}{bounds}"


def _block(rows: Sequence[Sequence[str]], names: Sequence[str], shown: slice, label: int) -> list[str]:
    def line(first: str, cells: Sequence[str]) -> str:
        return (f"{first:<{label}}" + "".join(f"{'':{_GAP}}{cell:<{_CELL}}" for cell in cells)).rstrip()

    head = line("", [name if len(name) <= _CELL else f"{name[: _CELL - 1]}…" for name in names[shown]])
    body = [line(first, cells[shown]) for first, *cells in rows]
    rule = "-" * max(map(len, [head, *body]))
    return [head, rule, *body[:-3], rule, *body[-3:]]
