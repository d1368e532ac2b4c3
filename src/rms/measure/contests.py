"""Which training sets can be compared on which corpus, and where one of them is best."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from rms.errors import RmsError
from rms.measure.columns import Columns, with_pool
from rms.measure.differences import Contest, Difference, Entrant
from rms.measure.metrics import Floats, counted, verdicts
from rms.measure.results import CorpusScores, Evaluation, headline_metric

SAME_CORPORA = "(same corpora)"
"""The row of the leaderboard with the mean over the corpora all training sets share."""

Resamples = Mapping[str, Floats]
"""The headline metric of the full judge in each resample, by corpus."""


def is_own(sources: Sequence[str], corpus: str, scores: CorpusScores) -> bool:
    """Whether rows of `corpus` come from where those of a training set do: it is not another dataset."""
    return not set(sources).isdisjoint([corpus.removesuffix("+pool"), *scores.pool])


def contests(
    evaluations: Sequence[Evaluation],
    resampled: Mapping[str, Resamples],
    predictions: Mapping[str, Mapping[str, Columns]],
) -> list[Contest]:
    """Each corpus, and the mean over those all share, with the training sets it is a foreign corpus to.

    `resampled` and `predictions` are by training set.
    """
    names = dict.fromkeys(corpus for item in evaluations for corpus in item.corpora)
    found = [_on(corpus, evaluations, resampled, predictions) for corpus in names]
    return [*found, _on_same_corpora(evaluations, resampled, predictions)]


def best(contest: Contest, found: Sequence[Difference]) -> str | None:
    """The training set that is significantly better than each other one on the corpus of `contest`; None if none is."""
    more_is_better = contest.metric != "false_alarm_rate"
    wins = Counter(
        item.a if (item.value > 0) == more_is_better else item.b
        for item in found
        if item.corpus == contest.corpus and item.significant
    )
    rivals = len(contest.entrants) - 1
    return next((name for name, count in wins.items() if count == rivals > 0), None)


def _on(
    corpus: str,
    evaluations: Sequence[Evaluation],
    resampled: Mapping[str, Resamples],
    predictions: Mapping[str, Mapping[str, Columns]],
) -> Contest:
    scored = [item for item in evaluations if corpus in item.corpora]
    sides = [item for item in scored if not is_own(item.sources, corpus, item.corpora[corpus])]
    known = scored[0].corpora[corpus]
    metric = headline_metric(known.classes)
    columns = {item.train_set: _columns(corpus, known, predictions[item.train_set]) for item in sides}
    _check_same_samples(corpus, columns)
    return Contest(
        corpus=corpus,
        metric=metric,
        clusters=next((item.clusters for item in columns.values()), np.zeros(0, np.int64)),
        entrants=[
            Entrant(
                item.train_set,
                item.corpora[corpus].judges["full"].metrics[metric],
                len(item.judges),
                resampled[item.train_set][corpus],
                _seen(columns[item.train_set], item.corpora[corpus], metric),
            )
            for item in sides
        ],
    )


def _on_same_corpora(
    evaluations: Sequence[Evaluation],
    resampled: Mapping[str, Resamples],
    predictions: Mapping[str, Mapping[str, Columns]],
) -> Contest:
    over = evaluations[0].common.over
    sides = [item for item in evaluations if over and item.common.over == over]
    clusters, offset = [np.zeros(0, np.int64)], 0
    for corpus in over if sides else ():
        clusters.append(predictions[sides[0].train_set][corpus].clusters + offset)
        offset = int(clusters[-1].max()) + 1
    return Contest(
        corpus=SAME_CORPORA,
        metric="auroc",
        clusters=np.concatenate(clusters),
        entrants=[
            Entrant(
                item.train_set,
                item.common.auroc,
                len(item.judges),
                np.mean([resampled[item.train_set][corpus] for corpus in over], axis=0),
                np.concatenate(
                    [_seen(predictions[item.train_set][name], item.corpora[name], "auroc") for name in over]
                ),
            )
            for item in sides
        ],
    )


def _columns(corpus: str, scores: CorpusScores, predicted: Mapping[str, Columns]) -> Columns:
    if not scores.pool:
        return predicted[corpus]
    return with_pool(predicted[corpus.removesuffix("+pool")], [predicted[name] for name in scores.pool])


def _check_same_samples(corpus: str, columns: Mapping[str, Columns]) -> None:
    first = next(iter(columns.values()), None)
    for name, item in columns.items():
        if first and item.sample_ids != first.sample_ids:
            raise RmsError(f"{corpus}: the judge of {name} was scored on other samples; run `dvc repro evaluate` again")


def _seen(columns: Columns, scores: CorpusScores, metric: str) -> Floats:
    """Scores of the full judge for AUROC, verdicts for a rate; means over the seeds."""
    by_seed = [counted(columns.labels, p_unsafe) for p_unsafe in columns.p_unsafe["full"]]
    if metric != "auroc":
        pairs = zip(by_seed, scores.judges["full"].thresholds, strict=True)
        by_seed = [verdicts(values, threshold).astype(np.float64) for values, threshold in pairs]
    mean: Floats = np.mean(by_seed, axis=0)
    return mean
