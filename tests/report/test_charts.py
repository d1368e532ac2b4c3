"""Curves and charts: what is drawn for which numbers."""

import numpy as np
import pytest

from rms.measure.columns import Columns
from rms.measure.results import Estimate
from rms.report.charts import HEIGHT, LEFT, TOP, WIDTH, chart, interval_bar, training_curves
from rms.report.curves import precision_recall, roc
from rms.report.dataset import scalars


def columns(labels, scores) -> Columns:
    labels = np.array(labels)
    names = [str(n) for n in range(len(labels))]
    return Columns(names, names, names, labels, {"full": np.array([scores])})


def test_roc_of_a_perfect_judge_goes_through_the_corner():
    points = [(point.x, point.y) for point in roc(columns([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]))]
    assert points[0] == (0.0, 0.0)
    assert (0.0, 1.0) in points
    assert points[-1] == (1.0, 1.0)


def test_rows_without_a_verdict_are_the_worst_points_of_a_curve():
    points = [(point.x, point.y) for point in roc(columns([0, 0, 1, 1], [np.nan, 0.2, np.nan, 0.9]))]
    assert points == [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (1.0, 0.5), (1.0, 1.0)]


def test_precision_is_the_unsafe_share_when_everything_is_called_unsafe():
    points = precision_recall(columns([0, 0, 0, 1], [0.1, 0.2, 0.9, 0.8]))
    assert (points[0].x, points[0].y, points[0].threshold) == (1.0, 0.25, 0.1)
    assert points[-1].threshold is None


@pytest.mark.parametrize("curve", [roc, precision_recall])
def test_one_class_has_no_curve(curve):
    assert curve(columns([1, 1], [0.2, 0.3])) == []


def test_long_curves_are_thinned_and_keep_their_ends():
    generator = np.random.default_rng(0)
    points = roc(columns(generator.integers(0, 2, 3000), generator.random(3000)))
    assert len(points) == 200
    assert (points[0].x, points[0].y) == (0.0, 0.0)
    assert (points[-1].x, points[-1].y) == (1.0, 1.0)


def test_a_chart_places_points_inside_its_frame():
    drawn = chart("t", "x", "y", {"a": [(0, 0), (1, 1)]}, (0.0, 1.0, 0.0, 1.0))
    corners = [(LEFT, TOP + HEIGHT), (LEFT + WIDTH, TOP)]
    assert [tuple(map(float, point.split(","))) for point in drawn.lines[0].points.split()] == corners
    assert [tick.text for tick in drawn.x_ticks] == ["0", "0.5", "1"]


def test_an_interval_bar_ends_at_the_edge_of_its_line():
    assert interval_bar(Estimate(value=0.0, low=-0.25, high=0.9)) == (25.0, 50.0, 100.0)
    assert interval_bar(Estimate(value=0.1, low=None, high=None)) is None


def test_training_curves_are_grouped_by_metric_and_broken_files_left_out(tmp_path):
    for name, text in {
        "a/full/plots/metrics/loss.tsv": "step\tloss\n0\t0.7\n1\t0.5\n",
        "b/full/plots/metrics/loss.tsv": "timestamp\tstep\tloss\n9\t0\t0.9\n9\t1\tnan\n9\t2\t0.1\n",
        "a/full/plots/metrics/words.tsv": "step\twords\n0\tmany\n",
        "a/full/plots/metrics/steps.tsv": "epoch\tsteps\n0\t1\n1\t2\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    charts = training_curves({"a": tmp_path / "a", "b": tmp_path / "b", "c": tmp_path / "c"})
    assert [drawn.title for drawn in charts] == ["full/loss"]
    assert [line.name for line in charts[0].lines] == ["a", "b"]
    assert charts[0].x_ticks[-1].text == "2"
    assert charts[0].y_ticks[-1].text == "0.9"


def test_statistics_are_flattened_to_dotted_names():
    nested = {"samples": 12, "words": {"mean": 11.25}, "splits": ["train", "test"], "none": None}
    assert scalars(nested) == [("samples", "12"), ("words.mean", "11.25"), ("splits", "train, test"), ("none", "None")]
