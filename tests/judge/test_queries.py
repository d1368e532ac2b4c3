"""What judges may be asked, and what they say to what they may not."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_embedded_judge import photo

from rms.errors import RmsError
from rms.judge import Query
from rms.judge.baselines import Majority
from rms.judge.queries import as_queries


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "cat.jpg").write_bytes(photo("chelsea.png"))
    return tmp_path / "cat.jpg"


def test_plain_tuples_of_paths_or_bytes_are_the_same_queries(file):
    image = file.read_bytes()
    alike = as_queries([(file, "a"), (str(file), "a"), ([file], "a"), ((image,), "a"), (image, "a"), (image, "a", "")])
    assert len(set(alike)) == 1
    assert Image.open(io.BytesIO(alike[0].images[0])).format == "JPEG"
    (answered,) = as_queries([([file, file], "a", "b")])
    assert (len(answered.images), answered.response) == (2, "b")


def test_a_query_stays_as_it_is():
    query = Query((b"not looked at",), "")
    assert as_queries([query])[0] is query


def test_a_picture_is_turned_upright_and_scaled_down(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (3000, 200), "red").save(tmp_path / "turned.jpg", exif=exif)
    ((shown, *_),) = (query.images for query in as_queries([(tmp_path / "turned.jpg", "a")]))
    assert Image.open(io.BytesIO(shown)).size == (68, 1024)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (("nowhere.jpg", "a"), r"nowhere\.jpg: cannot be read: no such file"),
        ((".", "a"), "cannot be read: is a directory"),
        (("a\0b", "a"), "no usable path"),
        ((b"words", "a"), "image: cannot be taken as a picture: not_an_image"),
        ((b"", "a"), "empty"),
        ((photo("chelsea.png")[:3000], "a"), "truncated"),
        ((photo("chelsea.png"), "  "), "text of a query is empty"),
        ((photo("chelsea.png"), "a \udcff"), "cannot be written in UTF-8"),
        ((photo("chelsea.png"), "a", "b \ud800"), "cannot be written in UTF-8"),
    ],
)
def test_what_is_no_query_is_one_line(query, message):
    with pytest.raises(RmsError, match=message) as error:
        as_queries([query])
    assert "\n" not in str(error.value)


def test_every_judge_takes_as_many_answers_as_queries(file):
    assert np.array_equal(Majority(0.25).p_unsafe([(file, "a"), (file, "b")]), [0.25, 0.25])
