"""Make the cross-dataset matrix, the headline metrics, the plots and the HTML report."""

from pathlib import Path

from rms.measure.columns import by_corpus
from rms.measure.results import read_evaluation, read_resampled
from rms.measure.scaling import read_scaling
from rms.params import OURS, Params
from rms.records import CorpusReject, ImageReject, Prediction, TextReject
from rms.report.charts import training_curves
from rms.report.corpora import corpus_facts
from rms.report.curves import curves_csv, precision_recall, roc
from rms.report.dataset import dataset_facts, most_supported_patterns, rejects_by_check, scalars
from rms.report.figures import matrix_png, scaling_png
from rms.report.gallery import gallery
from rms.report.headline import headline_metrics
from rms.report.leaderboard import leaderboard
from rms.report.matrix import matrix_markdown
from rms.report.page import Content, render
from rms.report.scaling import scaling_csv, scaling_curve, scaling_points
from rms.report.spending import spending
from rms.report.tables import categories_csv, differences_csv, matrix_csv
from rms.store import count_rows, output_folder, read_json, read_table, write_json, write_text
from rms.train_sets import read_facts

DATA = Path("data")
REPORTS = Path("reports")
DATASETS = {"rms": DATA / "dataset", "risk_oriented": DATA / "risk_oriented"}
CORPORA = DATA / "corpora"
PATTERNS = DATA / "patterns" / "patterns"
PATTERNS_SHOWN = 12
ASSISTED = {"patterns": DATA / "patterns", "generate": DATA / "triplets", "augment": DATA / "augmented"}
"""Stages that ask an assistant, and their folders."""


def run(params: Params) -> None:
    """Write `metrics.json`, tables (CSV, Markdown), `spending.json`, `plots/` and `report.html` into `reports/`."""
    names = params.finetune.train_sets
    evaluations = [read_evaluation(REPORTS / "eval" / name / "metrics.json") for name in names]
    folders = {item.train_set: REPORTS / "eval" / item.sources[0] for item in evaluations}
    predictions = {name: by_corpus(read_table(path / "predictions", Prediction)) for name, path in folders.items()}
    scored = {(name, corpus): item for name, found in predictions.items() for corpus, item in found.items()}
    roc_curves = {key: points for key, item in scored.items() if (points := roc(item))}
    pr_curves = {key: points for key, item in scored.items() if (points := precision_recall(item))}
    shown = predictions.get("rms", predictions[evaluations[0].train_set]).get("rms")
    judged = dict(zip(shown.sample_ids, shown.p_unsafe["full"][0].tolist(), strict=True)) if shown else {}
    resampled = {name: read_resampled(path / "resampled") for name, path in folders.items()}
    scaling = scaling_points({name: read_scaling(path / "scaling.json") for name, path in folders.items()})
    corpora = [corpus_facts(CORPORA / name) for name in params.corpora.names]
    board = leaderboard(evaluations, resampled, predictions, {corpus.name: corpus for corpus in corpora})
    facts = dataset_facts(DATASETS["rms"])
    spent = spending(ASSISTED)
    content = Content(
        params=params,
        photographs=count_rows(DATA / "images" / "images"),
        spent=spent["total"],
        evaluations=evaluations,
        board=board,
        datasets={name: facts if name == "rms" else dataset_facts(DATASETS[name]) for name in names if name in OURS},
        train_sets=[read_facts(DATA / "train_sets", name) for name in names],
        scaling=scaling_curve(scaling),
        statistics=scalars(read_json(DATASETS["rms"] / "statistics.json")),
        patterns=most_supported_patterns(PATTERNS, PATTERNS_SHOWN),
        pattern_count=count_rows(PATTERNS),
        corpora=corpora,
        rejects={
            "collect": rejects_by_check(DATA / "images" / "rejects.jsonl", ImageReject, "reason"),
            "generate": rejects_by_check(DATA / "triplets" / "rejects.jsonl", TextReject, "failed"),
            "augment": rejects_by_check(DATA / "augmented" / "rejects.jsonl", TextReject, "failed"),
            "corpora": [
                (f"{name}: {reason}", count)
                for name in params.corpora.names
                for reason, count in rejects_by_check(CORPORA / name / "rejects.jsonl", CorpusReject, "reason")
            ],
        },
        roc=roc_curves,
        training=training_curves({name: REPORTS / "train" / name / str(params.finetune.seeds[0]) for name in names}),
        exhibits=gallery(
            DATASETS["rms"] / "test",
            [DATA / "augmented" / "unsafe", DATA / "augmented" / "twins"],
            judged,
            params.report.gallery,
        ),
    )
    page = render(content)
    with output_folder(REPORTS / "plots") as plots:
        write_text(plots / "roc.csv", curves_csv("fpr", "tpr", roc_curves))
        write_text(plots / "pr.csv", curves_csv("recall", "precision", pr_curves))
        (plots / "matrix.png").write_bytes(matrix_png(board))
        write_text(plots / "scaling.csv", scaling_csv(scaling))
        (plots / "scaling.png").write_bytes(scaling_png(scaling))
    write_text(REPORTS / "matrix.csv", matrix_csv(evaluations, board))
    write_text(REPORTS / "matrix.md", matrix_markdown(board))
    write_text(REPORTS / "categories.csv", categories_csv(evaluations))
    write_text(REPORTS / "differences.csv", differences_csv(board))
    write_text(REPORTS / "report.html", page)
    write_json(REPORTS / "spending.json", {stage: took._asdict() for stage, took in spent.items()})
    write_json(REPORTS / "metrics.json", headline_metrics(facts, evaluations, spent["total"].cost_usd))
