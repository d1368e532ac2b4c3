"""Quality against training size: judges of a part of the rows, on the corpora that all training sets share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from rms.errors import RmsError, one_line
from rms.judge import Judge
from rms.measure.benchmark import Benchmark, predict
from rms.measure.bootstrap import FEWEST_CLUSTERS, resamples
from rms.measure.columns import Columns, by_corpus
from rms.measure.estimate import Plan, estimate
from rms.measure.metrics import Floats, point_metrics
from rms.measure.results import Estimate
from rms.measure.weighted import weighted_metrics
from rms.records import Prediction, Record
from rms.seeds import numpy_stream
from rms.store import read_json, read_table, write_table


class ScalingScore(Record):
    """The full judge of a share of the training rows."""

    fraction: float
    rows: int
    auroc: Estimate
    """Mean over the corpora that all training sets share."""


def scaling_score(
    folder: Path,
    fraction: float,
    rows: int,
    judges: Iterable[tuple[int, Judge]],
    benchmarks: Sequence[Benchmark],
    plan: Plan,
) -> ScalingScore:
    """Try the `judges` of a share of the rows, one for each seed, and write their predictions to the new `folder`."""

    def predictions() -> Iterator[Prediction]:
        for seed, judge in judges:
            for benchmark in benchmarks:
                yield from predict(benchmark, "full", judge, seed)

    write_table(folder, Prediction, predictions())
    auroc = mean_auroc(by_corpus(read_table(folder, Prediction)), plan)
    return ScalingScore(fraction=fraction, rows=rows, auroc=auroc)


def mean_auroc(corpora: Mapping[str, Columns], plan: Plan) -> Estimate:
    """As `MacroMean.auroc` of the same corpora, on the same resamples, for a judge that has no twins."""
    if not corpora:
        return Estimate(value=None, low=None, high=None)
    found = [_auroc(name, columns, plan) for name, columns in corpora.items()]
    points, draws = (np.mean([item[part] for item in found], axis=0) for part in (0, 1))
    return estimate(points, draws, plan)


def _auroc(name: str, columns: Columns, plan: Plan) -> tuple[Floats, Floats]:
    """Of one corpus: shape (seeds,), and as means over the seeds (resamples,)."""
    seeds = columns.p_unsafe["full"]
    points = np.array([point_metrics(columns.labels, scores, 0.5)["auroc"] for scores in seeds], dtype=np.float64)
    if len(set(columns.image_ids)) < FEWEST_CLUSTERS:
        return points, np.full(plan.resamples, np.nan)
    generator = numpy_stream(plan.seed, "bootstrap", name)
    drawn = [
        np.mean([weighted_metrics(weights, columns.labels, scores, 0.5)["auroc"] for scores in seeds], axis=0)
        for weights in resamples(columns.labels, columns.clusters, plan.resamples, generator)
    ]
    return points, np.concatenate(drawn)


def read_scaling(path: Path) -> list[ScalingScore]:
    """What `evaluate` wrote of one training set, from the smallest share to all rows."""
    try:
        return TypeAdapter(list[ScalingScore]).validate_python(read_json(path))
    except ValidationError as error:
        raise RmsError(f"{path}: {one_line(error)}; run `dvc repro evaluate` again") from None
