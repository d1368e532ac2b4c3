"""Predictions on one corpus side by side, as arrays."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rms.errors import RmsError
from rms.measure.metrics import Floats, Labels
from rms.records import Prediction


class Columns(NamedTuple):
    """All judges of one training set on one corpus."""

    sample_ids: list[str]
    image_ids: list[str]
    """What is resampled together."""
    categories: list[str]
    labels: Labels
    """Shape (rows,)."""
    p_unsafe: dict[str, Floats]
    """By judge; shape (seeds, rows), NaN where there was no verdict."""

    @property
    def clusters(self) -> NDArray[np.int64]:
        """The image of each row as 0, 1, 2, ... without holes."""
        return np.unique(self.image_ids, return_inverse=True)[1].astype(np.int64)


class _Judged:
    """The rows of one corpus, and the scores of each judge and seed so far."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, bool]] = []
        self.scores: dict[tuple[str, int], list[float]] = {}


def by_corpus(predictions: Iterable[Prediction]) -> dict[str, Columns]:
    """Sort predictions into columns, in order of first appearance.

    RmsError where two judges have not scored the same samples in the same order.
    """
    corpora: dict[str, _Judged] = {}
    for item in predictions:
        judged = corpora.setdefault(item.corpus, _Judged())
        scores = judged.scores.setdefault((item.judge, item.seed), [])
        row = (item.sample_id, item.image_id, item.category, item.label == "unsafe")
        if len(judged.scores) == 1:
            judged.rows.append(row)
        elif judged.rows[len(scores) : len(scores) + 1] != [row]:
            raise _differ(item.corpus, item.judge)
        scores.append(np.nan if item.p_unsafe is None else item.p_unsafe)
    return {name: _columns(name, judged) for name, judged in corpora.items()}


def _columns(corpus: str, judged: _Judged) -> Columns:
    sample_ids, image_ids, categories, labels = zip(*judged.rows, strict=True)
    by_judge: dict[str, dict[int, list[float]]] = {}
    for (judge, seed), scores in judged.scores.items():
        if len(scores) != len(labels):
            raise _differ(corpus, judge)
        by_judge.setdefault(judge, {})[seed] = scores
    if len({tuple(seeds) for seeds in by_judge.values()}) > 1:
        raise RmsError(f"{corpus}: not every judge was scored with every seed; run `dvc repro evaluate` again")
    return Columns(
        list(sample_ids),
        list(image_ids),
        list(categories),
        np.array(labels, dtype=np.int64),
        {judge: np.array(list(seeds.values())) for judge, seeds in by_judge.items()},
    )


def _differ(corpus: str, judge: str) -> RmsError:
    return RmsError(f"{corpus}: judge {judge} has not scored the same samples; run `dvc repro evaluate` again")


def with_pool(columns: Columns, pool: Sequence[Columns]) -> Columns:
    """`columns` with the safe rows of the corpora of `pool` added; their categories are not those of the corpus."""
    parts = [(item, np.flatnonzero(item.labels == 0)) for item in pool]
    return Columns(
        [*columns.sample_ids, *(item.sample_ids[row] for item, rows in parts for row in rows)],
        [*columns.image_ids, *(item.image_ids[row] for item, rows in parts for row in rows)],
        ["" for _ in range(len(columns.labels) + sum(len(rows) for _, rows in parts))],
        np.concatenate([columns.labels, *(item.labels[rows] for item, rows in parts)]),
        {
            judge: np.concatenate([scores, *(item.p_unsafe[judge][:, rows] for item, rows in parts)], axis=1)
            for judge, scores in columns.p_unsafe.items()
        },
    )
