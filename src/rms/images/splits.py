"""Train, validation and test: photographs that look alike always go the same way."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from rms.records import Split
from rms.seeds import derive

_STRICTEST_FIRST: tuple[Split, ...] = ("test", "validation", "train")


def strictest(splits: Iterable[Split | None]) -> Split | None:
    """Of several wishes the one that protects most: what is pinned to test must never be trained on."""
    wishes = set(splits)
    return next((split for split in _STRICTEST_FIRST if split in wishes), None)


def assign_splits(
    cluster_ids: Sequence[str],
    pinned: Mapping[str, Split],
    validation_share: float,
    test_share: float,
    seed: int,
) -> dict[str, Split]:
    """The split of each cluster, given the cluster of each image.

    Shares are of images, met as nearly as whole clusters allow. `pinned` binds whole clusters and counts
    towards the shares, so photographs pinned to test are the test split's first. Clusters that are free
    come in an order drawn from `seed` and their ids. With three clusters or more, train has at least one,
    and so has validation unless its share is 0, as far as pins leave any to give.
    """
    sizes = Counter(cluster_ids)
    splits = {cluster: pinned[cluster] for cluster in sizes if cluster in pinned}
    free = sorted((c for c in sizes if c not in pinned), key=lambda c: (derive(seed, "split", c), c))
    shares: dict[Split, float] = {"test": test_share, "validation": validation_share}
    for split, share in shares.items():
        left = round(share * len(cluster_ids)) - sum(sizes[c] for c, given in splits.items() if given == split)
        for cluster in _fill(left, [c for c in free if c not in splits], sizes):
            splits[cluster] = split
    splits |= {cluster: "train" for cluster in free if cluster not in splits}
    if len(sizes) >= 3:
        _give_one(splits, "train", free, sizes)
        if validation_share > 0:
            _give_one(splits, "validation", free, sizes)
    return splits


def _fill(left: int, free: Sequence[str], sizes: Mapping[str, int]) -> list[str]:
    """Clusters, in the order of `free`, that fit into `left` images; and one too large where that comes nearer."""
    taken = []
    for cluster in free:
        if sizes[cluster] <= left:
            taken.append(cluster)
            left -= sizes[cluster]
    within = set(taken)
    rest = min((c for c in free if c not in within), key=lambda c: sizes[c], default=None)
    if rest is not None and sizes[rest] - left < left:
        taken.append(rest)
    return taken


def _give_one(splits: dict[str, Split], split: Split, free: Sequence[str], sizes: Mapping[str, int]) -> None:
    """Move the smallest free cluster to `split` if it has none, from a split that keeps at least one."""
    counts = Counter(splits.values())
    spare = [cluster for cluster in free if counts[splits[cluster]] > 1]
    if counts[split] == 0 and spare:
        splits[min(spare, key=lambda cluster: sizes[cluster])] = split


def per_split(splits: Iterable[Split]) -> dict[str, int]:
    """How many there are of each split, all three named."""
    counts = Counter(splits)
    return {split: counts[split] for split in get_args(Split)}
