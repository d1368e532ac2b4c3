"""Figures and tables in other people's tools."""

import io

import numpy as np
import pytest
from PIL import Image

from rms.report.figures import ScalingPoint, scaling_png
from rms.report.tables import csv_text


def curve(train_set: str, start: float, interval: float | None) -> list[ScalingPoint]:
    ends = [(None, None) if interval is None else (start - interval, start + interval)] * 3
    return [
        ScalingPoint(train_set, share, int(share * 20_000), start + share / 10, *end)
        for share, end in zip((0.1, 0.5, 1.0), ends, strict=True)
    ]


def pixels(points: list[ScalingPoint]) -> np.ndarray:
    with Image.open(io.BytesIO(scaling_png(points))) as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_scaling_curve_shows_every_training_set_and_its_intervals():
    both = pixels([*curve("rms", 0.7, 0.05), *curve("vlguard", 0.6, None)])
    assert both.shape[0] > 400
    assert both.shape[1] > 700
    assert (both != 255).any()
    one = pixels(curve("rms", 0.7, 0.05))
    assert one.shape != both.shape or (one != both).any()
    assert (one != pixels(curve("rms", 0.7, None))).any()


def test_the_order_of_the_points_does_not_matter():
    points = curve("rms", 0.7, 0.05)
    assert scaling_png(points) == scaling_png(points[::-1])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_text_becomes_a_formula_of_a_spreadsheet(text):
    line = csv_text(["category", "value"], [[text, -0.5]]).splitlines()[1]
    assert line == f"'{text},-0.5"


@pytest.mark.parametrize("text", ["\t=1", "animals\r=1", "animals\n=1", "animals\u2028=1"])
def test_no_text_begins_a_row_of_its_own(text):
    cells = [row.split(",") for row in csv_text(["category", "value"], [[text, -0.5]]).splitlines()]
    assert len(cells) == 2
    assert not cells[1][0].startswith("=")
