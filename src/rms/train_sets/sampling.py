"""Which rows are taken where not all are: a smaller sample always lies within a larger one."""

from collections.abc import Iterable, Mapping, Sequence
from math import floor
from typing import Literal

from rms.errors import RmsError
from rms.records import TrainSample
from rms.seeds import derive
from rms.train_sets.sources import Member

Size = Literal["match"] | int | None


def drawing_order(members: Iterable[Member], seed: int) -> list[Member]:
    """The order in which rows are taken: groups by lot, the rows of a group together."""
    return sorted(members, key=lambda member: (derive(seed, "train_sets", member.group), member.row.sample_id))


def cut(rows: Sequence[TrainSample], count: int) -> list[TrainSample]:
    """The first `count` rows of a drawing order, with the share of unsafe rows of all; of two classes both stay.

    For every `count` the rows of a smaller one are among them.
    """
    unsafe = sum(row.label == "unsafe" for row in rows)
    if unsafe in (0, len(rows)):
        return list(rows[:count])
    quota = min(max(floor(count * unsafe / len(rows) + 0.5), 1), count - 1)
    left = {"unsafe": quota, "safe": count - quota}
    taken = []
    for row in rows:
        if left[row.label]:
            left[row.label] -= 1
            taken.append(row)
    return taken


def rows_of_each(split: str, there: Mapping[str, int], size: Size) -> dict[str, int]:
    """How many rows of `split` to take of each training set, of the number there is; RmsError where one has too few."""
    small = min(there, key=there.__getitem__)
    if there[small] < 2:
        raise RmsError(
            f"{small}: too few rows for a {split} split ({there[small]}); take more of it, change "
            "finetune.validation_share, or leave it out of finetune.train_sets"
        )
    if size is None:
        return dict(there)
    if size != "match" and there[small] < size:
        raise RmsError(
            f"finetune.size = {size}: {small} has {there[small]} rows; set no more than that, or match, or null for all"
        )
    return dict.fromkeys(there, there[small] if size == "match" else size)
