"""Fingerprints of pictures, and who looks like whom.

Exact copies share a sha256; copies that were scaled, recompressed or slightly cropped are a few bits apart
in the 64-bit perceptual hash (pHash: sign of the low DCT frequencies about their median, as in `imagehash`).
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ROWS, _COLUMNS = 64, 4096  # a block of 64-bit differences of 2 MiB stays in the processor's cache


def sha256(data: bytes) -> str:
    """Of the bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def phash(image: Image.Image) -> str:
    """Perceptual hash of a picture, 16 hexadecimal digits."""
    import imagehash  # noqa: PLC0415 - loads scipy

    return str(imagehash.phash(image))


def words(hashes: Sequence[str]) -> NDArray[np.uint64]:
    """Hexadecimal perceptual hashes as 64-bit words, shape (n,)."""
    return np.array([int(value, 16) for value in hashes], dtype=np.uint64)


def near_pairs(hashes: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """All pairs (i, j), i < j, whose hashes differ in at most `bits` bits: shape (k, 2), in rising order.

    Exact, by comparing every pair: about a second for 35,000 hashes.
    """
    found = []
    for top in range(0, len(hashes), _ROWS):
        rows = hashes[top : top + _ROWS, None]
        for left in range(top, len(hashes), _COLUMNS):
            apart = np.bitwise_count(rows ^ hashes[None, left : left + _COLUMNS])
            pairs = np.argwhere(apart <= bits) + np.array([top, left])
            found.append(pairs[pairs[:, 0] < pairs[:, 1]])
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def nearest(hashes: NDArray[np.uint64], among: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each hash the index of the first nearest one of `among` and how many bits it is apart: shape (n,) each.

    `among` must not be empty. Exact, by comparing every pair: some two seconds for 35,000 with 20,000.
    """
    index = np.zeros(len(hashes), dtype=np.int64)
    bits = np.full(len(hashes), 65, dtype=np.int64)
    for top in range(0, len(hashes), _ROWS):
        rows = slice(top, top + _ROWS)
        for left in range(0, len(among), _COLUMNS):
            apart = np.bitwise_count(hashes[rows, None] ^ among[None, left : left + _COLUMNS])
            column = apart.argmin(axis=1)
            least = np.take_along_axis(apart, column[:, None], axis=1)[:, 0]
            nearer = least < bits[rows]
            index[rows][nearer] = column[nearer] + left
            bits[rows][nearer] = least[nearer]
    return index, bits


def clusters(n: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected components of the graph of `n` pictures joined by `pairs`: a label for each, shape (n,)."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels


def look_alikes(hashes: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """Cluster labels, shape (n,): pictures joined by a chain of steps of at most `bits` bits share one.

    Equal hashes are compared once, so many copies of few pictures cost no more than the few.
    """
    distinct, which = np.unique(hashes, return_inverse=True)
    return clusters(len(distinct), near_pairs(distinct, bits))[which]


def first_alike(hashes: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """For each picture, the index of the picture that stands for it, shape (n,); its own when it is kept.

    Pictures are taken in order: one is kept unless it is within `bits` of one kept before it.
    """
    distinct, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    stand_in = np.arange(len(distinct))  # over `distinct` in order of first appearance
    for earlier, later in near_pairs(distinct[order], bits):
        if stand_in[earlier] == earlier and stand_in[later] == later:
            stand_in[later] = earlier
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order][stand_in][rank[which]]
