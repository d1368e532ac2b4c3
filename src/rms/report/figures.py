"""The cross-dataset matrix as a picture, for `dvc plots` and slides."""

import io
from collections.abc import Sequence

import numpy as np

from rms.measure.results import Evaluation
from rms.report.matrix import corpus_names, headline


def matrix_png(evaluations: Sequence[Evaluation]) -> bytes:
    """A heat map, training sets by corpora, of AUROC.

    A one-class corpus has no AUROC: the rate at which its rows are called unsafe is given in italics, and
    has no colour, because a high rate alone says nothing good.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415

    corpora = corpus_names(evaluations)
    values = np.full((len(evaluations), len(corpora)), np.nan)
    figure = Figure(figsize=(2.6 + 1.05 * len(corpora), 1.9 + 0.75 * len(evaluations)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for row, item in enumerate(evaluations):
        for column, corpus in enumerate(corpora):
            if corpus not in item.corpora:
                continue
            metric, estimate = headline(item.corpora[corpus])
            if estimate.value is None:
                continue
            if metric == "auroc":
                values[row, column] = estimate.value
            interval = "" if estimate.low is None else f"\n{estimate.low:.2f}–{estimate.high:.2f}"
            axes.text(
                column,
                row,
                f"{estimate.value:.2f}{interval}",
                ha="center",
                va="center",
                fontsize=9,
                style="normal" if metric == "auroc" else "italic",
                color="white" if values[row, column] > 0.72 else "black",
            )
    axes.imshow(values, vmin=0.0, vmax=1.0, cmap="Blues", aspect="auto")
    axes.set_xticks(range(len(corpora)), corpora, rotation=30, ha="right")
    axes.set_yticks(range(len(evaluations)), [item.train_set for item in evaluations])
    axes.set_ylabel("fine-tuned on")
    axes.set_title("AUROC by corpus (italics: share called unsafe, one-class corpus)", fontsize=10)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()
