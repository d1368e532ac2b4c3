"""The HTML report: one file that needs no network, no script and no other file."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

from rms import __version__
from rms.assistant import Spending
from rms.measure.bootstrap import FEWEST_CLUSTERS
from rms.measure.contests import SAME_CORPORA, is_own
from rms.measure.metrics import BINS
from rms.measure.results import Estimate, Evaluation
from rms.params import Assistant, Params
from rms.records import Pattern
from rms.report import charts
from rms.report.categories import category_tables
from rms.report.charts import Chart, chart
from rms.report.corpora import CorpusFacts
from rms.report.curves import Point
from rms.report.dataset import DatasetFacts
from rms.report.gallery import Exhibit
from rms.report.leaderboard import Leaderboard
from rms.report.matrix import metric_name, p_value, shown
from rms.report.scaling import ScalingCurve
from rms.report.spending import in_words
from rms.train_sets import TrainSetFacts

SMALL = 200
"""Below so many photographs the report says that its numbers are rough."""

Curves = Mapping[tuple[str, str], Sequence[Point]]
Counts = Sequence[tuple[str, int]]


class Content(NamedTuple):
    """Everything the page shows, already measured and counted."""

    params: Params
    photographs: int
    spent: Spending
    evaluations: Sequence[Evaluation]
    board: Leaderboard
    datasets: Mapping[str, DatasetFacts]
    """By training set of ours."""
    train_sets: Sequence[TrainSetFacts]
    scaling: ScalingCurve
    statistics: Sequence[tuple[str, str]]
    patterns: Sequence[Pattern]
    pattern_count: int
    corpora: Sequence[CorpusFacts]
    rejects: Mapping[str, Counts]
    """By stage: failed check or reason, and how often."""
    roc: Curves
    training: Sequence[Chart]
    exhibits: Sequence[Exhibit]


def render(content: Content) -> str:
    """The page as HTML. Every value is escaped by the template engine, whatever it holds."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - only this stage needs it

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: files("rms.report").joinpath(name).read_text(encoding="utf-8")),
    )
    environment.globals.update(
        charts=charts,
        shown=shown,
        strength=strength,
        metric_name=metric_name,
        p_value=p_value,
        same_corpora=SAME_CORPORA,
        is_own=is_own,
        bins=BINS,
        fewest_images=FEWEST_CLUSTERS,
    )
    return environment.get_template("template.html").render(
        content._asdict()
        | {
            "version": __version__,
            "facts": _facts(content),
            "notes": _notes(content),
            "categories": category_tables(content.evaluations),
            "roc_charts": _roc_charts(content.roc),
        }
    )


def strength(auroc: Estimate) -> float:
    """How strongly a cell of the matrix is tinted: 0 at chance or below, 1 for a perfect AUROC."""
    return round(max(0.0, 2 * (auroc.value or 0.0) - 1), 3)


def _facts(content: Content) -> list[tuple[str, str]]:
    params = content.params
    samples = ", ".join(f"{name}: {facts.samples}" for name, facts in content.datasets.items())
    return [
        ("Experiment", params.experiment),
        ("Photographs", f"{content.photographs} ({params.images.source.kind})"),
        ("Samples", samples),
        ("Assistant", _assistant(params.assistant)),
        ("Checker", _assistant(params.checker)),
        ("Judge", "embedded" if params.judge.kind == "embedded" else f"{params.judge.kind}: {params.judge.model}"),
        ("Corpora", f"{len(content.corpora)} ({params.corpora.kind})"),
        ("Intervals", f"{params.evaluate.confidence:.0%}, {params.evaluate.resamples} resamples"),
        ("Spent on making data", in_words(content.spent)),
        ("Seed", str(params.seed)),
        ("Judges' seeds", ", ".join(map(str, params.finetune.seeds))),
    ]


def _assistant(assistant: Assistant) -> str:
    return f"openai: {assistant.model}" if assistant.kind == "openai" else assistant.kind


def _notes(content: Content) -> list[str]:
    """What keeps the numbers from meaning more than they do."""
    notes = []
    if content.photographs < SMALL:
        notes.append(
            f"This is a small run, on {content.photographs} photographs. It shows that every stage works on real "
            "images; its intervals are wide, and its scores say little about the method at scale."
        )
    if content.params.assistant.kind == "embedded":
        notes.append(
            "The texts come from the embedded assistant: an image classifier and a hand-written knowledge base, "
            "with far less variety than a strong vision-language model."
        )
    if any(corpus.embedded for corpus in content.corpora):
        notes.append(
            "Corpora marked as embedded are small test sets of our own in the layout of the public datasets they "
            "are named after. They are not these datasets: do not compare their scores with published ones."
        )
    return notes


def _roc_charts(curves: Curves) -> list[Chart]:
    by_corpus: dict[str, dict[str, Sequence[tuple[float, float]]]] = {}
    for (train_set, corpus), points in curves.items():
        by_corpus.setdefault(corpus, {})[train_set] = [(point.x, point.y) for point in points]
    return [
        chart(corpus, "false alarm rate", "detection rate", series, (0.0, 1.0, 0.0, 1.0))
        for corpus, series in by_corpus.items()
    ]
