"""Score the judges of one training set on every corpus and on our own test splits."""

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from rms.assistant import Books
from rms.errors import RmsError
from rms.judge import load
from rms.judge.answered import check_answered
from rms.judge.identity import read_identity
from rms.measure.benchmark import Benchmark, check_pool, corpus_benchmark, predict, split_benchmark
from rms.measure.columns import by_corpus
from rms.measure.estimate import Plan
from rms.measure.evaluation import evaluate
from rms.measure.results import JUDGES, Resampled
from rms.measure.scaling import ScalingScore, scaling_score
from rms.params import Params
from rms.records import Prediction
from rms.store import output_folder, read_table, write_json, write_table

OWN_TESTS = {"rms": Path("data/dataset/test"), "risk_oriented": Path("data/risk_oriented/test")}
"""Test splits of the training sets we build ourselves."""


def run(params: Params, train_set: str) -> None:
    """Write `reports/eval/<train_set>/`: a row for each judge, seed and sample, the scores, and their resamples."""
    if train_set not in params.finetune.train_sets:
        known = ", ".join(params.finetune.train_sets)
        raise RmsError(f"evaluate: no training set {train_set!r}; known: {known}")
    models = {seed: Path("models/judge") / train_set / str(seed) for seed in params.finetune.seeds}
    identities = [read_identity(folder) for folder in models.values()]
    benchmarks = _benchmarks(params)
    check_pool(params.evaluate.benign_pool, benchmarks)
    left_out = {item.name: "no samples" for item in benchmarks if not item.cases}
    for name, reason in left_out.items():
        print(f"evaluate: {name} left out: {reason}", file=sys.stderr)
    if len(left_out) == len(benchmarks):
        raise RmsError("evaluate: no corpus has samples; see data/corpora/*/summary.json for what was skipped")
    plan = Plan(params.evaluate.resamples, params.evaluate.confidence, params.seed)
    books = Books(params.budget_usd)
    thresholds: dict[str, list[float]] = {name: [] for name in JUDGES}

    def predictions() -> Iterator[Prediction]:
        for (seed, folder), name in product(models.items(), JUDGES):
            judge = load(folder / name, books)  # one at a time: a large one fills the memory
            thresholds[name].append(float(judge.threshold))
            for benchmark in benchmarks:
                yield from predict(benchmark, name, judge, seed)
            check_answered(judge, f"evaluate: {name}", params.max_failure_rate)

    with output_folder(Path("reports/eval") / train_set) as out:
        write_table(out / "predictions", Prediction, predictions())
        scored = evaluate(
            train_set,
            by_corpus(read_table(out / "predictions", Prediction)),
            thresholds,
            plan,
            judges=identities,
            own_tests=[*OWN_TESTS, *params.finetune.train_sets, *filter(None, [params.finetune.benign_pool])],
            left_out=left_out,
            benign_pool=params.evaluate.benign_pool,
            completed_by=identities[0].benign_pool,
        )
        write_json(out / "metrics.json", scored.evaluation.model_dump())
        write_table(out / "resampled", Resampled, scored.resampled)
        common = scored.evaluation.common
        shared = [item for item in benchmarks if item.name in common.over]
        curve = [ScalingScore(fraction=1.0, rows=identities[0].rows, auroc=common.auroc)]
        for fraction in sorted(params.finetune.fractions, reverse=True)[1:]:
            place = Path("scaling") / str(fraction)
            judges = ((seed, load(folder / place, books)) for seed, folder in models.items())
            rows = read_identity(next(iter(models.values())) / place).rows
            curve.insert(0, scaling_score(out / place, fraction, rows, judges, shared, plan))
        write_json(out / "scaling.json", [score.model_dump() for score in curve])
        books.write(out)


def _benchmarks(params: Params) -> list[Benchmark]:
    corpora = [corpus_benchmark(name, Path("data/corpora") / name) for name in params.corpora.names]
    return [*corpora, *(split_benchmark(name, OWN_TESTS[name]) for name in params.finetune.own_tests)]
