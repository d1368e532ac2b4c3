"""Every number as CSV, for people who go on with other tools."""

import csv
import io
from collections.abc import Iterable, Sequence

from rms.errors import one_line
from rms.measure.results import CATEGORY_METRICS, METRICS, Estimate, Evaluation
from rms.report.leaderboard import Leaderboard

_ENDS = ("", "_low", "_high", "_sd")
_FORMULAS = ("=", "+", "-", "@")
"""What makes a spreadsheet take a text for a formula."""


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file; None is an empty cell, and no text is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue()


def matrix_csv(evaluations: Sequence[Evaluation], board: Leaderboard) -> str:
    """One row for each training set, corpus and judge, with every metric, its interval and its spread over seeds."""
    header = [
        "train_set", "corpus", "judge", "judge_ids", "seeds", "own_test", "best", "pool", "licence",
        "derived_labels", "classes", "n", "n_unsafe", "n_images", "no_verdict", "threshold", *_columns(METRICS),
    ]  # fmt: skip
    facts = {row.corpus: row for row in board.rows}
    rows: list[list[object]] = []
    for column, item in enumerate(evaluations):
        for corpus, scores in item.corpora.items():
            row, cell = facts[corpus], facts[corpus].cells[column]
            for judge, found in scores.judges.items():
                rows.append(
                    [
                        item.train_set,
                        corpus,
                        judge,
                        " ".join(identity.hash for identity in item.judges),
                        " ".join(str(identity.seed) for identity in item.judges),
                        int(cell is not None and cell.own),
                        int(cell is not None and cell.best and judge == "full"),
                        " ".join(row.pool),
                        row.licence,
                        "; ".join(f"{name}: {rule}" for name, rule in row.derived.items()),
                        scores.classes,
                        scores.n,
                        scores.n_unsafe,
                        scores.n_images,
                        " ".join(map(str, found.no_verdict)),
                        " ".join(map(str, found.thresholds)),
                        *(end for metric in METRICS for end in _ends(found.metrics[metric])),
                    ]
                )
    return csv_text(header, rows)


def categories_csv(evaluations: Sequence[Evaluation]) -> str:
    """The full judge in each category of each corpus that names categories."""
    header = ["train_set", "corpus", "category", "n", "n_unsafe", "n_images", *_columns(CATEGORY_METRICS)]
    rows = [
        [item.train_set, corpus, category, found.n, found.n_unsafe, found.n_images]
        + [end for metric in CATEGORY_METRICS for end in _ends(found.metrics[metric])]
        for item in evaluations
        for corpus, scores in item.corpora.items()
        for category, found in scores.categories.items()
    ]
    return csv_text(header, rows)


def differences_csv(board: Leaderboard) -> str:
    """Every pair of training sets on every corpus that is foreign to both."""
    header = ["corpus", "metric", "a", "b", "a_minus_b", "low", "high", "p", "p_holm", "significant"]
    rows = [
        [item.corpus, item.metric, item.a, item.b, item.value, item.low, item.high, item.p, item.p_holm,
         int(item.significant)]
        for item in board.differences
    ]  # fmt: skip
    return csv_text(header, rows)


def _columns(metrics: Sequence[str]) -> list[str]:
    return [f"{metric}{end}" for metric in metrics for end in _ENDS]


def _ends(estimate: Estimate) -> tuple[float | None, ...]:
    return estimate.value, estimate.low, estimate.high, estimate.sd


def _plain(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    text = one_line(cell)  # the csv module does not quote a lone carriage return, and readers end the row there
    return f"'{text}" if text.startswith(_FORMULAS) else text
