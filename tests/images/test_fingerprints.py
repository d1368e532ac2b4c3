"""Copies are found, and found exactly."""

import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from rms.images.fingerprints import clusters, first_alike, look_alikes, near_pairs, phash, sha256, words

DATA = Path(skimage.__file__).parent / "data"


def brute_force(hashes: np.ndarray, bits: int) -> list[list[int]]:
    values = [int(value) for value in hashes]
    return [
        [i, j]
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if (values[i] ^ values[j]).bit_count() <= bits
    ]


@pytest.mark.parametrize("bits", [0, 3, 10, 64])
def test_near_pairs_are_those_of_comparing_one_by_one(bits):
    """Around 150 hashes, so that several blocks of rows are crossed; with copies and near copies among them."""
    draw = np.random.default_rng(5)
    base = draw.integers(0, 2**64, 60, dtype=np.uint64)
    near = base[:40] ^ (np.uint64(1) << draw.integers(0, 64, 40).astype(np.uint64))
    hashes = np.concatenate([base, near, base[:50], ~base[:5]])
    assert near_pairs(hashes, bits).tolist() == brute_force(hashes, bits)


def test_pairs_across_column_blocks_are_found():
    hashes = np.arange(1 << 10, dtype=np.uint64).repeat(5) * np.uint64(0x9E3779B97F4A7C15)
    assert len(near_pairs(hashes, 0)) == (1 << 10) * 10


def test_no_hashes_no_pairs():
    assert near_pairs(words([]), 4).shape == (0, 2)
    assert look_alikes(words([]), 4).tolist() == []
    assert first_alike(words([]), 4).tolist() == []


def test_thirty_five_thousand_hashes_take_seconds():
    hashes = np.random.default_rng(1).integers(0, 2**64, 35_000, dtype=np.uint64)
    hashes[34_999] = hashes[0] ^ np.uint64(0b11)
    start = time.perf_counter()
    pairs = near_pairs(hashes, 4)
    assert time.perf_counter() - start < 15  # 1.6 s on two idle cores
    assert [0, 34_999] in pairs.tolist()


def test_clusters_follow_chains():
    labels = clusters(6, np.array([[0, 1], [1, 2], [4, 5]])).tolist()
    assert labels[0] == labels[1] == labels[2] != labels[3]
    assert labels[4] == labels[5] not in labels[:4]


def test_look_alikes_join_equal_and_chained_hashes():
    labels = look_alikes(words(["0" * 16, "f" * 16, "0" * 15 + "1", "0" * 15 + "3", "f" * 16]), 1).tolist()
    assert labels[0] == labels[2] == labels[3]
    assert labels[1] == labels[4] != labels[0]


def test_the_first_of_near_copies_stands_for_them():
    hashes = words(["0" * 15 + "1", "f" * 16, "0" * 16, "f" * 15 + "e", "0" * 15 + "1"])
    assert first_alike(hashes, 1).tolist() == [0, 1, 0, 1, 0]


def test_a_dropped_picture_drops_no_other():
    """The third is near the second only, and the second is gone already: the third stays."""
    assert first_alike(words(["0" * 16, "0" * 15 + "3", "0" * 15 + "f"]), 2).tolist() == [0, 0, 2]


def test_copies_by_the_thousand_cost_little():
    hashes = words([f"{value:016x}" for value in (7, 2**63 + 2**40 - 1)]).repeat(20_000)
    assert set(first_alike(hashes, 4).tolist()) == {0, 20_000}
    assert len(set(look_alikes(hashes, 4).tolist())) == 2


def test_a_scaled_and_recompressed_photograph_keeps_its_hash_and_another_has_another():
    photo = Image.open(DATA / "coffee.png").convert("RGB")
    buffer = BytesIO()
    photo.resize((240, 160)).save(buffer, "JPEG", quality=60)
    copy, other = Image.open(buffer), Image.open(DATA / "chelsea.png").convert("RGB")
    one, two, three = (int(phash(image), 16) for image in (photo, copy, other))
    assert (one ^ two).bit_count() <= 4
    assert (one ^ three).bit_count() > 10


def test_hashes_are_fixed_length_and_stable():
    assert phash(Image.open(DATA / "astronaut.png")) == "c2924c5532bddfc8"
    assert len(phash(Image.new("RGB", (64, 64)))) == 16
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
