"""Splits keep look-alikes together, honour pins and meet their shares."""

from collections import Counter

import pytest

from rms.images.splits import assign_splits, per_split, strictest

SINGLES = [f"c{i}" for i in range(1000)]


def sizes(cluster_ids: list[str], splits: dict[str, str]) -> Counter[str]:
    return Counter(splits[cluster] for cluster in cluster_ids)


def test_shares_of_single_images_are_exact():
    assert sizes(SINGLES, assign_splits(SINGLES, {}, 0.12, 0.2, 7)) == {"train": 680, "validation": 120, "test": 200}


def test_shares_are_met_as_nearly_as_whole_clusters_allow():
    cluster_ids = [f"c{i}" for i in range(60) for _ in range(1 + i % 7)]
    counts = sizes(cluster_ids, assign_splits(cluster_ids, {}, 0.1, 0.2, 3))
    assert abs(counts["test"] - 0.2 * len(cluster_ids)) <= 1
    assert abs(counts["validation"] - 0.1 * len(cluster_ids)) <= 1


def test_a_cluster_that_would_overshoot_stays_in_train():
    cluster_ids = ["big"] * 90 + [f"c{i}" for i in range(10)]
    for seed in range(5):
        assert assign_splits(cluster_ids, {}, 0.05, 0.05, seed)["big"] == "train"


def test_order_of_images_does_not_matter_and_the_seed_does():
    forwards = assign_splits(SINGLES, {}, 0.12, 0.2, 7)
    assert assign_splits(SINGLES[::-1], {}, 0.12, 0.2, 7) == forwards
    assert assign_splits(SINGLES, {}, 0.12, 0.2, 8) != forwards


def test_pins_bind_and_count_towards_the_share():
    pinned = dict.fromkeys(SINGLES[:150], "test")
    splits = assign_splits(SINGLES, pinned, 0.12, 0.2, 7)
    assert all(splits[cluster] == "test" for cluster in pinned)
    assert sizes(SINGLES, splits)["test"] == 200


def test_nothing_joins_a_test_split_that_pins_fill():
    pinned = dict.fromkeys(SINGLES[:300], "test")
    splits = assign_splits(SINGLES, pinned, 0.12, 0.2, 7)
    assert {cluster for cluster in splits if splits[cluster] == "test"} == set(pinned)


def test_an_image_pinned_to_train_is_never_tested():
    pinned = dict.fromkeys(SINGLES[:500], "train")
    splits = assign_splits(SINGLES, pinned, 0.2, 0.3, 7)
    assert all(splits[cluster] == "train" for cluster in pinned)
    assert sizes(SINGLES, splits) == {"train": 500, "validation": 200, "test": 300}


@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("shares", [(0.01, 0.01), (0.12, 0.2), (0.45, 0.5), (0.05, 0.9)])
def test_few_clusters_still_leave_some_to_train_and_to_validate(count, shares):
    cluster_ids = [f"c{i}" for i in range(count)]
    for seed in range(10):
        counts = sizes(cluster_ids, assign_splits(cluster_ids, {}, *shares, seed))
        assert counts["train"] >= 1 and counts["validation"] >= 1


def test_a_share_of_nothing_gets_nothing():
    assert sizes(SINGLES, assign_splits(SINGLES, {}, 0.0, 0.0, 7)) == {"train": 1000}


def test_one_cluster_trains():
    assert assign_splits(["a", "a"], {}, 0.12, 0.2, 0) == {"a": "train"}


def test_the_wish_that_protects_most_wins():
    assert strictest(["train", None, "test"]) == "test"
    assert strictest(["train", "validation"]) == "validation"
    assert strictest([None]) is None


def test_all_splits_are_counted():
    assert per_split(["train", "train"]) == {"train": 2, "validation": 0, "test": 0}
