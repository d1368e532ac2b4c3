"""`reports/metrics.json`: the few numbers `dvc exp show` compares experiments by.

Intervals are keys that end in `low` or `high`, so that `--drop '.*(low|high)'` leaves the estimates. What
is undefined has no key.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rms.measure.results import CorpusScores, Estimate, Evaluation, MacroMean
from rms.report.dataset import DatasetFacts


def headline_metrics(facts: DatasetFacts, evaluations: Sequence[Evaluation], cost_usd: float | None) -> dict[str, Any]:
    """The content of the file: the dataset, then each training set under its name."""
    dataset = {
        "images": facts.images,
        "samples": facts.samples,
        "unsafe_share": round(facts.unsafe_share, 6),
        "categories": len(facts.categories),
        "cost_usd": cost_usd,
    }
    return {"dataset": dataset, **{item.train_set: _training_set(item) for item in evaluations}}


def _training_set(item: Evaluation) -> dict[str, Any]:
    own = item.corpora.get(item.sources[0])
    return {
        "quality": _macro_mean(item.quality),
        "common": _macro_mean(item.common),
        "own_test": _own_test(own) if own else {},
        **_per_corpus("auroc", item.corpora, "auroc"),
        **_per_corpus("detection", item.corpora, "detection_rate", only="unsafe"),
        **_per_corpus("false_alarm", item.corpora, "false_alarm_rate", only="safe"),
    }


def _macro_mean(mean: MacroMean) -> dict[str, float]:
    return {
        **_named(mean.auroc, "auroc", "low", "high"),
        **_named(mean.balanced_accuracy, "balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high"),
        **_named(mean.gap, "gap", "gap_low", "gap_high"),
    }


def _own_test(scores: CorpusScores) -> dict[str, float]:
    full = scores.judges["full"].metrics
    return {
        **_named(full["auroc"], "auroc", "auroc_low", "auroc_high"),
        **_named(scores.judges["text_only"].metrics["auroc"], "text_only_auroc"),
        **_named(scores.judges["image_only"].metrics["auroc"], "image_only_auroc"),
        **_named(scores.gap, "gap", "gap_low", "gap_high"),
        **_named(full["f1"], "f1"),
        **_named(full["balanced_accuracy"], "balanced_accuracy"),
    }


def _per_corpus(
    name: str, corpora: Mapping[str, CorpusScores], metric: str, only: str | None = None
) -> dict[str, dict[str, float]]:
    """`name`, `name_low` and `name_high`, each by corpus; none where no corpus has the metric."""
    found = {
        corpus: scores.judges["full"].metrics[metric]
        for corpus, scores in corpora.items()
        if only in (None, scores.classes)
    }
    ends = {
        name: {corpus: estimate.value for corpus, estimate in found.items()},
        f"{name}_low": {corpus: estimate.low for corpus, estimate in found.items()},
        f"{name}_high": {corpus: estimate.high for corpus, estimate in found.items()},
    }
    known = {key: {corpus: value for corpus, value in end.items() if value is not None} for key, end in ends.items()}
    return {key: end for key, end in known.items() if end}


def _named(estimate: Estimate, *names: str) -> dict[str, float]:
    ends = zip(names, (estimate.value, estimate.low, estimate.high), strict=False)
    return {name: value for name, value in ends if value is not None}
