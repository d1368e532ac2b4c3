"""Figures for `dvc plots` and slides: the cross-dataset matrix, and quality against training size."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rms.report.leaderboard import Leaderboard

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ScalingPoint(NamedTuple):
    """The quality of a training set cut down to a share of its rows."""

    train_set: str
    fraction: float
    rows: int
    quality: float
    low: float | None
    high: float | None


def matrix_png(board: Leaderboard) -> bytes:
    """A heat map, training sets by corpora, of AUROC; significantly best ones in bold.

    A one-class corpus has no AUROC: the rate at which its rows are called unsafe is given in italics, and
    has no colour, because a high rate alone says nothing good.
    """
    values = np.full((len(board.train_sets), len(board.rows)), np.nan)
    figure = _figure(2.6 + 1.05 * len(board.rows), 1.9 + 0.75 * len(board.train_sets))
    axes = figure.add_subplot()
    for column, row in enumerate(board.rows):
        for line, cell in enumerate(row.cells):
            if cell is None or cell.estimate.value is None:
                continue
            estimate = cell.estimate
            if row.metric == "auroc":
                values[line, column] = estimate.value
            interval = "" if estimate.low is None else f"\n{estimate.low:.2f}–{estimate.high:.2f}"
            axes.text(
                column,
                line,
                f"{estimate.value:.2f}{interval}",
                ha="center",
                va="center",
                fontsize=9,
                style="normal" if row.metric == "auroc" else "italic",
                weight="bold" if cell.best else "normal",
                color="white" if values[line, column] > 0.72 else "black",
            )
    axes.imshow(values, vmin=0.0, vmax=1.0, cmap="Blues", aspect="auto")
    axes.set_xticks(range(len(board.rows)), [row.corpus for row in board.rows], rotation=30, ha="right")
    axes.set_yticks(range(len(board.train_sets)), board.train_sets)
    axes.set_ylabel("fine-tuned on")
    axes.set_title("AUROC by corpus (italics: share called unsafe, one-class corpus; bold: best)", fontsize=10)
    return _png(figure)


def scaling_png(points: Sequence[ScalingPoint]) -> bytes:
    """Quality with its interval against the number of training rows (logarithmic), a line for each training set."""
    figure = _figure(7.0, 4.6)
    axes = figure.add_subplot()
    for train_set in dict.fromkeys(point.train_set for point in points):
        line = sorted((point for point in points if point.train_set == train_set), key=lambda point: point.rows)
        quality = [point.quality for point in line]
        reach = [
            [0.0 if end is None else abs(end - point.quality) for point, end in zip(line, ends, strict=True)]
            for ends in ([point.low for point in line], [point.high for point in line])
        ]
        axes.errorbar([point.rows for point in line], quality, yerr=reach, marker="o", capsize=3, label=train_set)
    rows = sorted({point.rows for point in points})
    axes.set_xscale("log")
    axes.set_xticks(rows, [f"{count:,}" for count in rows], rotation=30, ha="right")
    axes.minorticks_off()
    axes.set_xlabel("training rows")
    axes.set_ylabel("quality: mean AUROC over the same corpora")
    axes.grid(alpha=0.3)
    if points:
        axes.legend()
    return _png(figure)


def _figure(width: float, height: float) -> "Figure":
    """An empty figure of so many inches, drawn without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: "Figure") -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()
