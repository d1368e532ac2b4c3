"""Judging stored benchmarks: which pictures and texts reach the judge, in which order."""

from itertools import pairwise

import numpy as np
import pytest

from rms.errors import RmsError
from rms.measure.benchmark import (
    Benchmark,
    Case,
    check_pool,
    corpus_benchmark,
    predict,
    shared_images,
    split_benchmark,
)
from rms.records import CorpusImage, CorpusSample, Prediction, Sample
from rms.store import read_table, write_table


class Reader:
    """A judge that remembers what it was asked and reads its answer from the query."""

    threshold = 0.5

    def __init__(self, answer):
        self.answer = answer
        self.queries = []

    def fit(self, train, validation):
        raise NotImplementedError

    def save(self, folder):
        raise NotImplementedError

    def p_unsafe(self, batch):
        self.queries += batch
        return np.array([self.answer(query) for query in batch])


def from_text(query):
    return float(query.text.split()[-1]) / 1000


def image(number: int) -> CorpusImage:
    name = f"image-{number}"
    return CorpusImage(image_id=name, sha256="0", phash="0", image=f"pixels of {name}".encode())


def row(number: int, images: list[int], response: str = "") -> CorpusSample:
    return CorpusSample(
        sample_id=f"sample-{number}", corpus="vlguard", split="test", image_ids=[f"image-{i}" for i in images],
        text=f"text {number}", response=response, label="unsafe" if number % 2 else "safe", label_of="query",
        category="c",
    )  # fmt: skip


@pytest.fixture
def corpus(tmp_path):
    """300 images (five row groups), 600 samples whose images come in an unordered way."""
    write_table(tmp_path / "images", CorpusImage, (image(number) for number in range(300)))
    rows = [row(number, [number * 7 % 300], f"answer {number}") for number in range(600)]
    rows[3] = row(3, [5, 290])
    write_table(tmp_path / "samples", CorpusSample, rows)
    return corpus_benchmark("vlguard", tmp_path)


def test_predictions_keep_the_order_of_the_samples(corpus):
    predictions = list(predict(corpus, "full", Reader(from_text), 7))
    assert {(item.corpus, item.judge) for item in predictions} == {("vlguard", "full")}
    assert [item.sample_id for item in predictions[:600]] == [f"sample-{number}" for number in range(600)]
    assert [item.p_unsafe for item in predictions[:600]] == [number / 1000 for number in range(600)]
    assert predictions[3].image_id == predictions[215].image_id  # both show image 5
    assert {item.seed for item in predictions} == {7}
    assert predictions[3].label == "unsafe"


def test_the_judge_sees_each_query_with_its_own_pictures(corpus):
    judge = Reader(from_text)
    list(predict(corpus, "full", judge, 0))
    seen = {query.text: query for query in judge.queries}
    assert len(seen) == len(judge.queries) == 600
    assert seen["text 2"].images == (b"pixels of image-14",)
    assert seen["text 2"].response == "answer 2"
    assert seen["text 3"].images == (b"pixels of image-5", b"pixels of image-290")


def test_queries_that_share_a_picture_come_together(corpus):
    judge = Reader(from_text)
    list(predict(corpus, "full", judge, 0))
    first = [query.images[0] for query in judge.queries]
    changes = sum(before != after for before, after in pairwise(first))
    assert changes == len(set(first)) - 1


def test_a_missing_picture_is_named(tmp_path):
    write_table(tmp_path / "images", CorpusImage, [image(0)])
    write_table(tmp_path / "samples", CorpusSample, [row(1, [0]), row(2, [9])])
    with pytest.raises(RmsError, match="image image-9 is missing"):
        list(predict(corpus_benchmark("vlguard", tmp_path), "full", Reader(from_text), 0))


@pytest.mark.parametrize("answer", [float("inf"), 1.5, -0.1])
def test_a_judge_that_gives_no_probability_is_an_error(tmp_path, answer):
    write_table(tmp_path / "images", CorpusImage, [image(0)])
    write_table(tmp_path / "samples", CorpusSample, [row(1, [0])])
    with pytest.raises(RmsError, match="vlguard: judge full"):
        list(predict(corpus_benchmark("vlguard", tmp_path), "full", Reader(lambda _: answer), 0))


def test_no_verdict_is_kept_as_such(tmp_path):
    write_table(tmp_path / "images", CorpusImage, [image(0)])
    write_table(tmp_path / "samples", CorpusSample, [row(1, [0]), row(2, [0])])
    judge = Reader(lambda query: float("nan") if query.text == "text 1" else 0.5)
    rows = list(predict(corpus_benchmark("vlguard", tmp_path), "full", judge, 0))
    write_table(tmp_path / "predictions", Prediction, rows)
    assert [item.p_unsafe for item in read_table(tmp_path / "predictions", Prediction)] == [None, 0.5]


def test_samples_that_share_any_image_are_one_cluster():
    samples = [("a",), ("b", "c"), ("d", "c"), ("e", "f"), ("d",), ("g", "a"), ("f", "h")]
    first, second, third, fourth, fifth, sixth, seventh = shared_images(samples)
    assert first == sixth
    assert second == third == fifth
    assert fourth == seventh
    assert len({first, second, fourth}) == 3
    assert shared_images([("x",), ("y",), ("x",)]) == ["x", "y", "x"]


def test_probabilities_are_rounded(tmp_path):
    write_table(tmp_path / "images", CorpusImage, [image(0)])
    write_table(tmp_path / "samples", CorpusSample, [row(1, [0])])
    benchmark = corpus_benchmark("vlguard", tmp_path)
    assert next(predict(benchmark, "full", Reader(lambda _: 1 / 3), 0)).p_unsafe == 0.333333


def test_a_split_of_our_own_is_a_benchmark(tmp_path):
    samples = [
        Sample(
            sample_id=f"s{number}", image_id=f"i{number % 2}", text=f"text {number}", label="unsafe", category="fire",
            risk="r", guidance="g", kind="triplet", parent_id="p", family="", split="test",
            image=f"pixels {number % 2}".encode(), licence="", attribution="",
        )
        for number in range(4)
    ]  # fmt: skip
    write_table(tmp_path / "test", Sample, samples)
    judge = Reader(from_text)
    predictions = list(predict(split_benchmark("rms", tmp_path / "test"), "full", judge, 0))
    assert {(item.corpus, item.category) for item in predictions} == {("rms", "fire")}
    assert [query.images for query in judge.queries] == [(b"pixels 0",)] * 2 + [(b"pixels 1",)] * 2


def test_a_pool_whose_responses_would_give_the_label_away_is_refused():
    def benchmark(name, label, response):
        case = Case("s", ("i",), "text", response, label, "")
        return Benchmark(name, [case], pictures=None)

    siuo = benchmark("siuo", "unsafe", "")
    check_pool(["mssbench"], [siuo, benchmark("mssbench", "safe", ""), benchmark("beavertails_v", "safe", "Yes.")])
    with pytest.raises(RmsError, match="of beavertails_v and siuo only one has responses"):
        check_pool(["beavertails_v"], [siuo, benchmark("beavertails_v", "safe", "Yes.")])
