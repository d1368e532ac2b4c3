"""From predictions to scores with intervals: each corpus, the complementarity gap, the macro means."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rms.errors import RmsError
from rms.judge.identity import JudgeIdentity
from rms.measure.categories import category_scores
from rms.measure.columns import Columns, with_pool
from rms.measure.draws import Draws, draw
from rms.measure.estimate import Plan, estimate
from rms.measure.metrics import Floats, classes_of, point_metrics
from rms.measure.results import (
    METRICS,
    CorpusScores,
    Estimate,
    Evaluation,
    JudgeScores,
    MacroMean,
    Resampled,
    headline_metric,
)
from rms.progress import track
from rms.seeds import numpy_stream

_DRAWN_DIGITS = 9
_RESAMPLING_BIASES = ("ece",)
"""Each resample adds its own noise to every bin, so resampled calibration errors lie above the estimate."""


class _Task(NamedTuple):
    """One corpus to measure, by itself or with the safe rows of the corpora in `pool`."""

    name: str
    columns: Columns
    pool: list[str]


class _Measured(NamedTuple):
    """One corpus: what is reported, and what means over corpora are made from."""

    scores: CorpusScores
    points: dict[str, dict[str, Floats]]
    """By judge and metric, `gap` of the full judge among them; shape (seeds,)."""
    draws: Draws


class Scored(NamedTuple):
    """The scores, and the resamples that pair them with those of other training sets."""

    evaluation: Evaluation
    resampled: list[Resampled]


def evaluate(
    train_set: str,
    corpora: Mapping[str, Columns],
    thresholds: Mapping[str, Sequence[float]],
    plan: Plan,
    *,
    judges: Sequence[JudgeIdentity],
    own_tests: Sequence[str],
    left_out: Mapping[str, str],
    benign_pool: Sequence[str] = (),
    completed_by: str = "",
) -> Scored:
    """Measure the judges of `train_set`, whose safe rows come from the training set `completed_by` where it has none.

    `thresholds` are by judge and seed; `own_tests` names the test splits of all training sets; the safe rows of the
    corpora in `benign_pool` are tried as the missing class of all-unsafe ones. Draws are named by the corpus alone, so
    all judges of all training sets see the same resamples.
    """
    _check_verdicts(corpora)
    sources = [train_set, *filter(None, [completed_by])]
    tasks = [_Task(name, columns, []) for name, columns in corpora.items()]
    tasks += [_Task(name, columns, list(benign_pool)) for name, columns in _pooled(corpora, benign_pool).items()]
    measured = {task.name: _measure(task, thresholds, plan) for task in track(tasks, "scores")}
    public = {name: item for name, item in measured.items() if not item.scores.pool}
    evaluation = Evaluation(
        train_set="+".join(sources),
        sources=sources,
        judges=list(judges),
        resamples=plan.resamples,
        confidence=plan.confidence,
        corpora={name: item.scores for name, item in measured.items()},
        left_out=dict(left_out),
        quality=_macro_mean({name: item for name, item in public.items() if name not in sources}, plan),
        common=_macro_mean({name: item for name, item in public.items() if name not in own_tests}, plan),
    )
    return Scored(evaluation, [_resampled(name, item) for name, item in measured.items()])


def _check_verdicts(corpora: Mapping[str, Columns]) -> None:
    """A judge may refuse rows, but one that refuses all of them is broken."""
    for judge in next(iter(corpora.values())).p_unsafe:
        if all(np.isnan(columns.p_unsafe[judge]).all() for columns in corpora.values()):
            raise RmsError(f"judge {judge}: gave no verdict on any sample; fine-tune it again, or mend its endpoint")


def _pooled(corpora: Mapping[str, Columns], pool: Sequence[str]) -> dict[str, Columns]:
    """The all-unsafe corpora with the safe rows of `pool`, under names no corpus can have."""
    if not pool:
        return {}
    safe = [corpora[name] for name in pool]
    return {
        f"{name}+pool": with_pool(columns, safe)
        for name, columns in corpora.items()
        if classes_of(columns.labels) == "unsafe"
    }


def _measure(task: _Task, thresholds: Mapping[str, Sequence[float]], plan: Plan) -> _Measured:
    columns = task.columns
    points = {
        judge: _by_metric(
            [point_metrics(columns.labels, *pair) for pair in zip(scores, thresholds[judge], strict=True)]
        )
        for judge, scores in columns.p_unsafe.items()
    }
    auroc = {judge: values["auroc"] for judge, values in points.items()}
    points["full"]["gap"] = auroc["full"] - np.maximum(auroc["text_only"], auroc["image_only"])
    draws = draw(columns, thresholds, plan.resamples, numpy_stream(plan.seed, "bootstrap", task.name))
    scores = CorpusScores(
        n=len(columns.labels),
        n_unsafe=int(columns.labels.sum()),
        n_images=len(set(columns.image_ids)),
        classes=classes_of(columns.labels),
        pool=task.pool,
        judges={
            judge: JudgeScores(
                thresholds=list(thresholds[judge]),
                no_verdict=np.isnan(columns.p_unsafe[judge]).sum(axis=1).tolist(),
                metrics={
                    metric: estimate(
                        points[judge][metric], draws.judges[judge][metric], plan, biased=metric in _RESAMPLING_BIASES
                    )
                    for metric in METRICS
                },
            )
            for judge in columns.p_unsafe
        },
        gap=estimate(points["full"]["gap"], draws.gap, plan, lowest=-1.0),
        categories=category_scores(columns, thresholds["full"], draws.categories, plan),
    )
    return _Measured(scores, points, draws)


def _by_metric(seeds: Sequence[Mapping[str, float | None]]) -> dict[str, Floats]:
    return {metric: np.array([values[metric] for values in seeds], dtype=np.float64) for metric in METRICS}


def _macro_mean(measured: Mapping[str, _Measured], plan: Plan) -> MacroMean:
    """Mean over the two-class corpora among `measured`; one-class corpora have neither metric.

    The corpora were resampled independently: resample k of the mean is the mean of their resamples k. The seeds are
    those of the same judges on all corpora, so the mean over corpora is taken for each seed.
    """
    two_class = {name: item for name, item in measured.items() if item.scores.classes == "both"}

    def mean(judge: str, metric: str) -> Estimate:
        if not two_class:
            return Estimate(value=None, low=None, high=None)
        items = two_class.values()
        points = np.mean([item.points[judge][metric] for item in items], axis=0)
        if metric == "gap":
            return estimate(points, np.mean([item.draws.gap for item in items], axis=0), plan, lowest=-1.0)
        return estimate(points, np.mean([item.draws.judges[judge][metric] for item in items], axis=0), plan)

    return MacroMean(
        over=list(two_class),
        auroc=mean("full", "auroc"),
        balanced_accuracy=mean("full", "balanced_accuracy"),
        text_only=mean("text_only", "auroc"),
        image_only=mean("image_only", "auroc"),
        gap=mean("full", "gap"),
    )


def _resampled(name: str, item: _Measured) -> Resampled:
    metric = headline_metric(item.scores.classes)
    return Resampled(corpus=name, metric=metric, values=item.draws.judges["full"][metric].round(_DRAWN_DIGITS).tolist())
