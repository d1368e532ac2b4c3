"""The leaderboard: training sets by corpora, with all that a score has to be read with."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rms.judge.identity import JudgeIdentity
from rms.measure.columns import Columns
from rms.measure.contests import SAME_CORPORA, Resamples, best, contests, is_own
from rms.measure.differences import Difference, differences
from rms.measure.results import Estimate, Evaluation, MacroMean, headline_metric
from rms.report.corpora import CorpusFacts


class Cell(NamedTuple):
    """One training set on one corpus."""

    estimate: Estimate
    """Headline metric of the full judge."""
    text_only: Estimate
    """The same of the twins."""
    image_only: Estimate
    gap: Estimate
    own: bool
    """The corpus comes from where the training set does."""
    best: bool
    """Significantly better than every other training set the corpus is foreign to."""
    no_verdict: int
    """Rows without a verdict of the full judge, over all seeds."""


class Row(NamedTuple):
    """One corpus."""

    corpus: str
    metric: str
    n: int
    n_unsafe: int
    n_images: int
    licence: str
    derived: Mapping[str, str]
    """By dataset, this one and its pool: the rule that labels were derived by, where the dataset states none."""
    pool: Sequence[str]
    cells: Sequence[Cell | None]
    """In the order of the training sets; None where a judge was not tried on it."""


class Leader(NamedTuple):
    """One training set over all corpora."""

    train_set: str
    judges: Sequence[JudgeIdentity]
    """By seed."""
    common: MacroMean
    quality: MacroMean
    best: bool
    """Significantly better than every other one on the corpora they share."""


class Leaderboard(NamedTuple):
    """Training sets as configured are columns of `rows`; `leaders` begin with the highest mean."""

    train_sets: Sequence[str]
    rows: Sequence[Row]
    leaders: Sequence[Leader]
    differences: Sequence[Difference]
    confidence: float


def leaderboard(
    evaluations: Sequence[Evaluation],
    resampled: Mapping[str, Resamples],
    predictions: Mapping[str, Mapping[str, Columns]],
    facts: Mapping[str, CorpusFacts],
) -> Leaderboard:
    """Compare the training sets and put together what was measured.

    `resampled` and `predictions` are by training set; `facts` are by corpus, our own test splits having none.
    """
    confidence = evaluations[0].confidence
    pairs = contests(evaluations, resampled, predictions)
    found = differences(pairs, confidence)
    winners = {contest.corpus: best(contest, found) for contest in pairs}
    corpora = dict.fromkeys(corpus for item in evaluations for corpus in item.corpora)
    leaders = [
        Leader(item.train_set, item.judges, item.common, item.quality, item.train_set == winners.get(SAME_CORPORA))
        for item in evaluations
    ]
    return Leaderboard(
        train_sets=[item.train_set for item in evaluations],
        rows=[_row(corpus, evaluations, facts, winners.get(corpus)) for corpus in corpora],
        leaders=sorted(leaders, key=lambda leader: -_score(leader)),
        differences=found,
        confidence=confidence,
    )


def _score(leader: Leader) -> float:
    return -1.0 if leader.common.auroc.value is None else leader.common.auroc.value


def _row(corpus: str, evaluations: Sequence[Evaluation], facts: Mapping[str, CorpusFacts], winner: str | None) -> Row:
    known = next(item.corpora[corpus] for item in evaluations if corpus in item.corpora)
    parts = [corpus.removesuffix("+pool"), *known.pool]
    return Row(
        corpus=corpus,
        metric=headline_metric(known.classes),
        n=known.n,
        n_unsafe=known.n_unsafe,
        n_images=known.n_images,
        licence=facts[parts[0]].licence if parts[0] in facts else "",
        derived={name: facts[name].derivation for name in parts if name in facts and facts[name].derivation},
        pool=known.pool,
        cells=[_cell(item, corpus, winner) if corpus in item.corpora else None for item in evaluations],
    )


def _cell(item: Evaluation, corpus: str, winner: str | None) -> Cell:
    scores = item.corpora[corpus]
    metric = headline_metric(scores.classes)
    return Cell(
        estimate=scores.judges["full"].metrics[metric],
        text_only=scores.judges["text_only"].metrics[metric],
        image_only=scores.judges["image_only"].metrics[metric],
        gap=scores.gap,
        own=is_own(item.sources, corpus, scores),
        best=item.train_set == winner,
        no_verdict=sum(scores.judges["full"].no_verdict),
    )
