"""The cross-dataset matrix as tables: CSV with everything, Markdown for people."""

import csv
import io
from collections.abc import Iterable, Sequence

from rms.measure.results import METRICS, CorpusScores, Estimate, Evaluation

UNDEFINED = "–"


def shown(estimate: Estimate) -> str:
    """`0.712 [0.641, 0.780]`, without the bracket where there is no interval."""
    if estimate.value is None:
        return UNDEFINED
    bounds = "" if estimate.low is None else f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.value:.3f}{bounds}"


def headline(scores: CorpusScores) -> tuple[str, Estimate]:
    """The one number a corpus can show of the full judge, with its name.

    AUROC where it has both classes; else the rate at which the judge calls its rows unsafe, which is to be
    high for an all-unsafe corpus and low for an all-safe one.
    """
    name = {"both": "auroc", "unsafe": "detection_rate", "safe": "false_alarm_rate"}[scores.classes]
    return name, scores.judges["full"].metrics[name]


def corpus_names(evaluations: Sequence[Evaluation]) -> list[str]:
    """All corpora of the evaluations, in order of first appearance."""
    return list(dict.fromkeys(name for item in evaluations for name in item.corpora))


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def matrix_csv(evaluations: Sequence[Evaluation]) -> str:
    """One row for each training set, corpus and judge, with every metric and its interval."""
    bounds = [f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")]
    header = ["train_set", "corpus", "judge", "classes", "n", "n_unsafe", "n_images", "threshold", *bounds]
    rows = [
        [item.train_set, corpus, judge, scores.classes, scores.n, scores.n_unsafe, scores.n_images, found.threshold]
        + [end for metric in METRICS for end in _ends(found.metrics[metric])]
        for item in evaluations
        for corpus, scores in item.corpora.items()
        for judge, found in scores.judges.items()
    ]
    return csv_text(header, rows)


def matrix_markdown(evaluations: Sequence[Evaluation]) -> str:
    """Corpora by training sets, then the quality of each training set and its complementarity gaps."""
    names = [item.train_set for item in evaluations]
    confidence = evaluations[0].confidence
    lines = [
        "# Cross-dataset matrix",
        "",
        f"Full judge; AUROC where a corpus has both classes, with its {confidence:.0%} bootstrap interval.",
        "",
        *_table(["corpus", "samples", "metric", *names], _score_rows(evaluations)),
        "",
        "## Quality",
        "",
        "Macro mean over every two-class corpus but the training set's own test split. *Same corpora* leaves out",
        "the test splits of all training sets, so that training sets can be compared.",
        "",
        *_table(["", *names], _quality_rows(evaluations)),
        "",
        "## Complementarity gap",
        "",
        "AUROC of the full judge minus that of the better of its text-only and image-only twins, on the same",
        "resamples. At 0 or below, seeing both modalities together gains nothing.",
        "",
        *_table(["corpus", *names], _gap_rows(evaluations)),
    ]
    return "\n".join(lines) + "\n"


def _score_rows(evaluations: Sequence[Evaluation]) -> Iterable[list[str]]:
    for corpus in corpus_names(evaluations):
        known = next(item.corpora[corpus] for item in evaluations if corpus in item.corpora)
        cells = [
            shown(headline(item.corpora[corpus])[1]) + (" (own test)" if corpus == item.train_set else "")
            if corpus in item.corpora
            else UNDEFINED
            for item in evaluations
        ]
        yield [corpus, str(known.n), headline(known)[0].replace("_", " "), *cells]


def _quality_rows(evaluations: Sequence[Evaluation]) -> Iterable[list[str]]:
    yield ["AUROC", *(shown(item.quality.auroc) for item in evaluations)]
    yield ["balanced accuracy", *(shown(item.quality.balanced_accuracy) for item in evaluations)]
    yield ["corpora", *(", ".join(item.quality.over) or UNDEFINED for item in evaluations)]
    yield ["AUROC, same corpora", *(shown(item.common.auroc) for item in evaluations)]


def _gap_rows(evaluations: Sequence[Evaluation]) -> Iterable[list[str]]:
    for corpus in corpus_names(evaluations):
        gaps = [shown(item.corpora[corpus].gap) if corpus in item.corpora else UNDEFINED for item in evaluations]
        if any(gap != UNDEFINED for gap in gaps):
            yield [corpus, *gaps]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def _ends(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high
