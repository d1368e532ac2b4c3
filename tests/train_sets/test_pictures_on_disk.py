"""The pictures of a training set are read where they are looked at, and are never all in memory."""

import os
import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from train_layouts import pixels

from rms.cache import VARIABLE, cache_folder
from rms.errors import RmsError
from rms.judge.reading import Reader
from rms.judge.vlm.checkpoints import Checkpoints
from rms.perception import load_elements
from rms.records import CorpusImage, TrainSample
from rms.store import write_table
from rms.train_sets import TrainSet

COUNT, SIZE = 60, 500_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty pictures of half a megabyte each, in row groups of two; a cache of its own, but for compiled networks."""
    (tmp_path / "cache").mkdir()
    compiled = cache_folder() / "compiled"
    compiled.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache/compiled").symlink_to(compiled)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr("rms.store.ROWS_PER_GROUP", 2)
    images = (
        CorpusImage(image_id=f"i{number}", sha256="0", phash="0" * 16, image=_padded(number)) for number in range(COUNT)
    )
    rows = [
        TrainSample(
            sample_id=f"s{number}", split="train", image_ids=[f"i{number * 7 % COUNT}"], text=f"May I {number}?",
            response="", label="unsafe" if number % 2 else "safe", risk="", source="own",
        )
        for number in range(2 * COUNT)
    ]  # fmt: skip
    write_table(tmp_path / "own/images", CorpusImage, images)
    write_table(tmp_path / "own/samples", TrainSample, rows)
    return tmp_path / "own"


def _padded(number: int) -> bytes:
    """A picture and what no decoder reads behind it, so that it is large and quickly looked at."""
    return pixels(number) + os.urandom(SIZE)


@contextmanager
def peak() -> Iterator[list[int]]:
    """Bytes that were held at most, beyond what was there."""
    found: list[int] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def test_a_judge_and_its_checkpoints_look_at_pictures_without_holding_all(folder, tmp_path):
    reader = Reader(load_elements(), "image_only")
    with TrainSet(folder) as warm:  # what is loaded once is not counted
        reader.read([warm.examples("train")[0].query])
    with peak() as most, TrainSet(folder) as rows, Checkpoints(tmp_path / "checkpoints") as checkpoints:
        examples = rows.examples("train")
        assert len({bytes(example.query.images[0]) for example in examples[:2]}) == 2
        reader.read([example.query for example in examples])
        checkpoints.folder([], examples)
    assert most[0] < COUNT * SIZE / 3


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file can become longer than `size`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_with_the_folder_and_leaves_nothing_open(folder, tmp_path):
    with small_disk(COUNT * SIZE // 2), pytest.raises(RmsError, match=rf"^{tmp_path}/cache: [^\n]+RMS_CACHE_DIR"):
        TrainSet(folder)


def test_a_damaged_shard_leaves_nothing_open(folder):
    (folder / "images/part-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(RmsError, match=r"part-00001\.parquet: damaged"):
        TrainSet(folder)


def test_rows_that_share_a_picture_share_the_object_and_nothing_stays_behind(folder, tmp_path):
    with TrainSet(folder) as rows:
        first, second = (rows.examples("train")[number].query.images[0] for number in (3, COUNT + 3))
        assert first == second
        assert hash(first) == hash(second)
        assert bytes(first) == bytes(second)
    assert not [file for file in (tmp_path / "cache").iterdir() if file.is_file()]
