"""The full judge category by category, training sets side by side."""

from collections.abc import Sequence
from typing import NamedTuple

from rms.measure.metrics import classes_of_counts
from rms.measure.results import Estimate, Evaluation, headline_metric


class CategoryRow(NamedTuple):
    """One category of a corpus."""

    name: str
    metric: str
    n: int
    n_unsafe: int
    estimates: Sequence[Estimate]
    """By training set, in the order of the table."""


class CategoryTable(NamedTuple):
    """A corpus that names several categories."""

    corpus: str
    train_sets: Sequence[str]
    rows: Sequence[CategoryRow]


def category_tables(evaluations: Sequence[Evaluation]) -> list[CategoryTable]:
    """A table for each corpus with categories, in order of first appearance."""
    tables = []
    for corpus in dict.fromkeys(corpus for item in evaluations for corpus in item.corpora):
        scored = {item.train_set: item.corpora[corpus].categories for item in evaluations if corpus in item.corpora}
        first, *_ = scored.values()
        rows = []
        for name, found in first.items():
            metric = headline_metric(classes_of_counts(found.n, found.n_unsafe))
            estimates = [categories[name].metrics[metric] for categories in scored.values()]
            rows.append(CategoryRow(name, metric, found.n, found.n_unsafe, estimates))
        if rows:
            tables.append(CategoryTable(corpus, list(scored), rows))
    return tables
