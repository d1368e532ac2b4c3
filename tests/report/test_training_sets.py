"""What the report says of training sets: size, what was removed, and quality against size."""

import csv
import io
from pathlib import Path

import pytest

from rms.measure.results import Estimate
from rms.measure.scaling import ScalingScore
from rms.report.scaling import scaling_csv, scaling_curve, scaling_points
from rms.stages.report import run
from rms.store import write_json


def score(fraction: float, value: float | None) -> ScalingScore:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    return ScalingScore(fraction=fraction, rows=round(60 * fraction), auroc=Estimate(value=value, low=low, high=high))


@pytest.fixture
def html(finished_run, params):
    for name in ("rms", "risk_oriented"):
        parts = [score(0.5, 0.625), score(1.0, 0.75)]
        write_json(Path("reports/eval") / name / "scaling.json", [part.model_dump() for part in parts])
    run(params)
    return (finished_run / "reports/report.html").read_text(encoding="utf-8")


def test_the_curve_is_in_the_page_and_in_a_table_with_its_intervals(html, finished_run):
    assert html.count('<img class="plot" src="data:image/png;base64,') == 1
    assert '0.625 <span class="interval">[0.525, 0.725]</span>' in html
    with (finished_run / "reports/plots/scaling.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["train_set"], row["rows"], row["quality"], row["low"]) for row in rows] == [
        ("rms", "30", "0.625", "0.525"), ("rms", "60", "0.75", "0.65"),
        ("risk_oriented", "30", "0.625", "0.525"), ("risk_oriented", "60", "0.75", "0.65"),
    ]  # fmt: skip


def test_rows_removed_and_derived_labels_are_stated_and_escaped(html, hostile):
    assert "siuo: 3" in html
    assert "derived labels" in html
    assert "Labels of rms are derived: &lt;script&gt;" in html
    assert hostile not in html


def test_without_smaller_shares_there_is_no_curve_and_without_a_score_no_point():
    whole = scaling_points({"rms": [score(1.0, 0.7)]})
    assert scaling_curve(whole).picture == ""
    assert len(list(csv.DictReader(io.StringIO(scaling_csv(whole))))) == 1
    assert scaling_points({"rms": [score(0.5, None), score(1.0, None)]}) == []
    assert scaling_curve([]).picture == ""
