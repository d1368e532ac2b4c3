"""Which texts are copies of one another, exactly or but for a little.

Texts are bags of words: case, punctuation and order do not count, how often a word occurs does. Two are alike when
one is the other with a word or two added, or when they share nine tenths of their words (Jaccard). So a long text with
a word replaced is still a copy, and a short one is not: "what beverage is shown" and "what aircraft is shown" are two
questions.

All such pairs are found, none by luck, by prefix filtering (Chaudhuri, Ganti and Kaushik, ICDE 2006; Bayardo, Ma and
Srikant, WWW 2007): two bags that have to share many words share one of the rarest few of each, so only pairs that do
are compared. MinHash, the usual way, estimates: on the 35,000 x 20,000 texts of bench/contamination.py, with 128
permutations, it took nearly twice as long, and at a threshold that found as many of the copies (0.7) it also called 5%
of the other texts copies, against 0.03% here; at 0.8 it missed a tenth of the copies with two words added.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ALIKE = 0.9
"""Jaccard similarity of the bags from which on texts are copies."""
ADDED = 2
"""Words that one text may have more than another that it holds entirely."""
FEWEST = 4
"""Words a text must have to be looked for inside another: shorter ones are in many by chance."""

_APOSTROPHES = re.compile("['’ʼ`]")
_ONE_BY_ONE = "぀-ヿ㐀-鿿豈-﫿"
"""Scripts that write without spaces."""
_WORD = regex.compile(
    rf"[{_ONE_BY_ONE}]|[\p{{L}}\p{{N}}_--{_ONE_BY_ONE}][\p{{L}}\p{{N}}\p{{M}}_--{_ONE_BY_ONE}]*", regex.V1
)
"""A run of letters, their marks (vowels, in scripts of India) and digits, or one character; a mark behind other things,
such as an emoji, is no word."""
_WORK = 4_000_000
"""Pairs, or words of pairs, looked at at a time: some hundred MB."""

Indices = NDArray[np.int64]


class Alike(NamedTuple):
    """Pairs of texts, as indices; shape (k,) each, in rising order."""

    ours: Indices
    theirs: Indices


class _Bags(NamedTuple):
    """Texts by words. Columns are words, the rarest first; the second occurrence of a word is a word of its own."""

    words: "csr_array"
    rarest: "csr_array"
    """Of each text only as many as a copy must share one of."""
    sizes: Indices


def normalised(text: str) -> str:
    """The words of `text`, in lower case and without punctuation, joined by blanks."""
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_WORD.findall(plain)) or plain.strip()


def alike(ours: Sequence[str], theirs: Sequence[str]) -> Alike:
    """Every pair of `normalised` texts that are copies of one another; both sequences must be free of repeats."""
    if not ours or not theirs:
        return Alike(np.empty(0, np.int64), np.empty(0, np.int64))
    left, right = _bags(ours, theirs)
    found = [_confirmed(left, right, pairs) for pairs in _candidates(left, right)]
    pairs = np.concatenate(found, axis=1)
    order = np.lexsort((pairs[1], pairs[0]))
    return Alike(pairs[0][order], pairs[1][order])


def _bags(ours: Sequence[str], theirs: Sequence[str]) -> tuple[_Bags, _Bags]:
    columns: dict[tuple[str, int], int] = {}
    rows = [[columns.setdefault(word, len(columns)) for word in _numbered(text)] for text in (*ours, *theirs)]
    seen = np.bincount(np.concatenate([np.array(row) for row in rows]), minlength=len(columns))
    rank = np.empty(len(columns), dtype=np.int64)
    rank[np.argsort(seen, kind="stable")] = np.arange(len(columns))
    ranked = [np.sort(rank[row]) for row in rows]
    return _sparse(ranked[: len(ours)], len(columns)), _sparse(ranked[len(ours) :], len(columns))


def _numbered(text: str) -> list[tuple[str, int]]:
    count: Counter[str] = Counter()
    numbered = []
    for word in text.split(" "):
        count[word] += 1
        numbered.append((word, count[word]))
    return numbered


def _sparse(rows: Sequence[Indices], width: int) -> _Bags:
    sizes = np.array([len(row) for row in rows], dtype=np.int64)
    # A copy of n words shares at least this many of them, so it has one of the n - shared + 1 rarest.
    shared = np.minimum(np.ceil(ALIKE * sizes - 1e-9).astype(np.int64), np.maximum(sizes - ADDED, 1))
    rarest = [row[:count] for row, count in zip(rows, sizes - shared + 1, strict=True)]
    return _Bags(_matrix(rows, width), _matrix(rarest, width), sizes)


def _matrix(rows: Sequence[Indices], width: int) -> "csr_array":
    from scipy.sparse import csr_array  # noqa: PLC0415 - heavy

    ends = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    columns = np.concatenate(rows)
    return csr_array((np.ones(len(columns), dtype=np.int32), columns, ends), shape=(len(rows), width))


def _candidates(left: _Bags, right: _Bags) -> Iterator[Indices]:
    """Pairs that share a rare word and are of like length, shape (2, k), a bounded number at a time."""
    holders = np.diff(right.rarest.tocsc().indptr)
    work = np.add.reduceat(holders[left.rarest.indices], left.rarest.indptr[:-1])  # no text is without a word
    transposed = right.rarest.T.tocsr()
    for first, last in _runs(work):
        ours, theirs = (left.rarest[first:last] @ transposed).nonzero()
        pairs = np.stack([ours.astype(np.int64) + first, theirs.astype(np.int64)])
        small = np.minimum(left.sizes[pairs[0]], right.sizes[pairs[1]])
        large = np.maximum(left.sizes[pairs[0]], right.sizes[pairs[1]])
        yield pairs[:, (small >= ALIKE * large - 1e-9) | (large - small <= ADDED)]


def _confirmed(left: _Bags, right: _Bags, pairs: Indices) -> Indices:
    """Those of `pairs` that are copies by all of their words."""
    sizes = np.stack([left.sizes[pairs[0]], right.sizes[pairs[1]]])
    shared = np.concatenate(
        [
            left.words[pairs[0, first:last]].multiply(right.words[pairs[1, first:last]]).sum(axis=1)
            for first, last in _runs(sizes.sum(axis=0))
        ]
        or [np.empty(0, np.int64)]
    )
    small, large = sizes.min(axis=0, initial=np.iinfo(np.int64).max), sizes.max(axis=0, initial=0)
    by_share = shared >= ALIKE * (small + large - shared) - 1e-9
    inside = (shared == small) & (large - small <= ADDED) & (small >= FEWEST)
    return pairs[:, by_share | inside]


def _runs(work: Indices) -> Iterator[tuple[int, int]]:
    """Runs of items (from, to) that cost about `_WORK` together, each at least one item."""
    block = np.cumsum(work) // _WORK
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    yield from zip(starts.tolist(), [*starts[1:].tolist(), len(work)], strict=False)  # nothing at all is no run
