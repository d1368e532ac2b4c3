"""Line charts as the coordinates of an inline SVG; the page's style sheet gives them colours."""

import csv
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from rms.measure.results import Estimate

Series = Sequence[tuple[float, float]]

LEFT, TOP, WIDTH, HEIGHT = 44, 8, 220, 170
"""The plotted area inside the drawing, in its own units."""


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    text: str


class Line(NamedTuple):
    """One series: `points` is what an SVG polyline takes."""

    name: str
    points: str


class Chart(NamedTuple):
    """A chart ready to be drawn; lines keep the order, and so the colour, they were given in."""

    title: str
    x_name: str
    y_name: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    description: str


def chart(
    title: str, x_name: str, y_name: str, series: Mapping[str, Series], bounds: tuple[float, float, float, float]
) -> Chart:
    """Place `series` in `bounds`, (x from, x to, y from, y to)."""
    x_from, x_to, y_from, y_to = bounds

    def across(x: float) -> float:
        return round(LEFT + WIDTH * (x - x_from) / ((x_to - x_from) or 1), 1)

    def down(y: float) -> float:
        return round(TOP + HEIGHT * (1 - (y - y_from) / ((y_to - y_from) or 1)), 1)

    lines = [Line(name, " ".join(f"{across(x)},{down(y)}" for x, y in points)) for name, points in series.items()]
    return Chart(
        title=title,
        x_name=x_name,
        y_name=y_name,
        lines=lines,
        x_ticks=[Tick(across(x), f"{x:.3g}") for x in (x_from, (x_from + x_to) / 2, x_to)],
        y_ticks=[Tick(down(y), f"{y:.3g}") for y in (y_from, (y_from + y_to) / 2, y_to)],
        description=f"{title}: {y_name} by {x_name} for {', '.join(series)}",
    )


class Bar(NamedTuple):
    """An estimate with its interval on a line from `BAR_FROM` to `BAR_TO`, in per cent of the line."""

    low: float
    value: float
    high: float


BAR_FROM, BAR_TO = -0.5, 0.5


def interval_bar(estimate: Estimate) -> Bar | None:
    """Where a gap and its interval lie; None without an interval."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    low, value, high = (
        round(100 * (min(max(end, BAR_FROM), BAR_TO) - BAR_FROM) / (BAR_TO - BAR_FROM), 1)
        for end in (estimate.low, estimate.value, estimate.high)
    )
    return Bar(low, value, high)


def training_curves(folders: Mapping[str, Path]) -> list[Chart]:
    """A chart for each judge and metric logged during training; `folders` hold the curves of each training set.

    The files are DVCLive's, `JUDGE/plots/metrics/NAME.tsv`: tables with a `step` column and the value last.
    """
    tables: dict[str, dict[str, Series]] = {}
    for train_set, folder in folders.items():
        for path in sorted(folder.rglob("*.tsv")):
            name = path.relative_to(folder).with_suffix("").as_posix().replace("plots/metrics/", "")
            points = _read(path)
            if len(points) > 1:
                tables.setdefault(name, {})[train_set] = points
    return [chart(name, "step", "", series, _bounds(series)) for name, series in sorted(tables.items())]


def _read(path: Path) -> Series:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    try:
        points = [(float(row["step"]), float(list(row.values())[-1])) for row in rows]
    except (KeyError, TypeError, ValueError):
        return []
    return [point for point in points if isfinite(point[0]) and isfinite(point[1])]


def _bounds(series: Mapping[str, Series]) -> tuple[float, float, float, float]:
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    return min(xs), max(xs), min(0.0, *ys), max(ys)
