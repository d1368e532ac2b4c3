"""What judges are tried on: public corpora and the test splits of our own datasets, in one shape."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rms.errors import RmsError
from rms.judge import Judge, Query
from rms.measure.metrics import DECIMALS, Floats
from rms.pictures import Pictures
from rms.progress import track
from rms.records import CorpusSample, Label, Prediction, SampleInfo
from rms.store import read_table

_BATCH = 512


class Case(NamedTuple):
    """One row of a benchmark; its pictures are looked up when it is judged."""

    sample_id: str
    image_ids: tuple[str, ...]
    text: str
    response: str
    label: Label
    category: str


class Benchmark(NamedTuple):
    """A named set of cases with its pictures."""

    name: str
    cases: list[Case]
    pictures: Pictures


def corpus_benchmark(name: str, folder: Path) -> Benchmark:
    """A corpus as the stage `corpora` wrote it to `folder`."""
    cases = [
        Case(row.sample_id, tuple(row.image_ids), row.text, row.response, row.label, row.category)
        for row in read_table(folder / "samples", CorpusSample)
    ]
    return Benchmark(name, cases, Pictures(folder / "images"))


def split_benchmark(name: str, folder: Path) -> Benchmark:
    """One split of a dataset of ours, in the Parquet folder `folder`."""
    cases = [
        Case(row.sample_id, (row.image_id,), row.text, "", row.label, row.category)
        for row in read_table(folder, SampleInfo)
    ]
    return Benchmark(name, cases, Pictures(folder))


def check_pool(pool: Sequence[str], benchmarks: Sequence[Benchmark]) -> None:
    """RmsError unless each corpus of the benign pool `pool` is among `benchmarks` and has safe rows to lend.

    Nor may a corpus with responses be pooled with one without: whether there is one would be the label.
    """
    answered = {item.name: any(case.response for case in item.cases) for item in benchmarks}
    borrowers = [item.name for item in benchmarks if item.cases and all(case.label == "unsafe" for case in item.cases)]
    known = [item.name for item in benchmarks if any(case.label == "safe" for case in item.cases)]
    for name in pool:
        if name not in known:
            raise RmsError(
                f"evaluate.benign_pool: {name} has no safe rows in this run; take from: {', '.join(known) or 'none'}"
            )
        for other in borrowers:
            if answered[other] != answered[name]:
                raise RmsError(
                    f"evaluate.benign_pool: of {name} and {other} only one has responses, which would give the label "
                    f"away; take another corpus than {name}, or leave {other} out"
                )


def predict(benchmark: Benchmark, name: str, judge: Judge, seed: int) -> Iterator[Prediction]:
    """Yield the predictions of `judge` in the order of the benchmark's cases.

    `name` is its role among the judges of a training set, `seed` what it was fine-tuned with.

    Cases are judged in the order their pictures are stored: reading is sequential, memory holds a few
    row groups, and cases that share an image come together, so a judge may look at it once.
    """
    cases, pictures = benchmark.cases, benchmark.pictures
    order = sorted(range(len(cases)), key=lambda index: pictures.position(cases[index].image_ids[0]))
    scores = np.empty(len(cases))
    for start in track(range(0, len(order), _BATCH), f"{benchmark.name}, {name}"):
        chosen = order[start : start + _BATCH]
        batch = [_query(cases[index], pictures) for index in chosen]
        scores[chosen] = _checked(judge.p_unsafe(batch), len(batch), f"{benchmark.name}: judge {name}")
    clusters = shared_images([case.image_ids for case in cases])
    for case, cluster, p_unsafe in zip(cases, clusters, scores, strict=True):
        yield Prediction(
            sample_id=case.sample_id,
            corpus=benchmark.name,
            judge=name,
            seed=seed,
            p_unsafe=None if np.isnan(p_unsafe) else float(p_unsafe),
            label=case.label,
            category=case.category,
            image_id=cluster,
        )


def shared_images(samples: Sequence[tuple[str, ...]]) -> list[str]:
    """For each sample one of its images or of those it is tied to: equal where samples share any image.

    Samples of several images can be tied by way of a third one, so these are the connected components of
    samples and images.
    """
    root: dict[str, str] = {}

    def find(image: str) -> str:
        while root.setdefault(image, image) != image:
            root[image] = root[root[image]]
            image = root[image]
        return image

    for first, *others in samples:
        for other in others:
            root[find(other)] = find(first)
    return [find(first) for first, *_ in samples]


def _query(case: Case, pictures: Pictures) -> Query:
    return Query(tuple(pictures[image_id] for image_id in case.image_ids), case.text, case.response)


def _checked(p_unsafe: Floats, count: int, who: str) -> Floats:
    """The judge's answer, rounded so that stored bytes do not depend on the last bits of a sum; NaN is no verdict."""
    if p_unsafe.shape != (count,):
        raise RmsError(f"{who}: gave {p_unsafe.shape} probabilities for {count} queries; the judge is broken")
    if not ((p_unsafe >= 0) & (p_unsafe <= 1) | np.isnan(p_unsafe)).all():
        raise RmsError(f"{who}: gave a probability outside 0..1; fine-tune it again")
    return np.round(p_unsafe, DECIMALS)
