"""Score the judges of one training set on every corpus and on our own test splits."""

import sys
from pathlib import Path

from rms.errors import RmsError
from rms.judge import load
from rms.measure.benchmark import Benchmark, corpus_benchmark, predict, split_benchmark
from rms.measure.evaluation import by_corpus, evaluate
from rms.measure.results import JUDGES
from rms.params import Params
from rms.records import Prediction
from rms.store import output_folder, read_table, write_json, write_table

OWN_TESTS = {"rms": Path("data/dataset/test"), "risk_oriented": Path("data/risk_oriented/test")}
"""Test splits of the training sets we build ourselves."""


def run(params: Params, train_set: str) -> None:
    """Write `reports/eval/<train_set>/`: a row for each judge and sample, and the scores."""
    if train_set not in OWN_TESTS:
        raise RmsError(f"evaluate: no training set {train_set!r}; known: {', '.join(OWN_TESTS)}")
    judges = {name: load(Path("models/judge") / train_set / name) for name in JUDGES}
    benchmarks = _benchmarks(params)
    left_out = {item.name: "no samples" for item in benchmarks if not item.cases}
    for name, reason in left_out.items():
        print(f"evaluate: {name} left out: {reason}", file=sys.stderr)
    if len(left_out) == len(benchmarks):
        raise RmsError("evaluate: no corpus has samples; see data/corpora/*/summary.json for what was skipped")
    with output_folder(Path("reports/eval") / train_set) as folder:
        write_table(folder / "predictions", Prediction, (row for item in benchmarks for row in predict(item, judges)))
        evaluation = evaluate(
            train_set,
            by_corpus(read_table(folder / "predictions", Prediction)),
            {name: float(judge.threshold) for name, judge in judges.items()},
            own_tests=list(OWN_TESTS),
            left_out=left_out,
            count=params.evaluate.resamples,
            confidence=params.evaluate.confidence,
            seed=params.seed,
        )
        write_json(folder / "metrics.json", evaluation.model_dump())


def _benchmarks(params: Params) -> list[Benchmark]:
    own = [name for name in OWN_TESTS if name == "rms" or name in params.finetune.train_sets]
    corpora = [corpus_benchmark(name, Path("data/corpora") / name) for name in params.corpora.names]
    return [*corpora, *(split_benchmark(name, OWN_TESTS[name]) for name in own)]
