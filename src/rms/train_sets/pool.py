"""A training set of unsafe rows alone teaches a judge nothing; safe rows of a named other one complete it."""

from collections.abc import Mapping

from rms.errors import RmsError
from rms.train_sets.sampling import drawing_order
from rms.train_sets.sources import LearnedSplit, Member, Source


def completed(source: Source, pool: Source | None, seed: int) -> Source:
    """`source` as it is where it has both classes, else with as many safe rows of `pool`, in each split.

    RmsError where there is no pool, or none that fits.
    """
    classes = {member.row.label for member in source.members if member.row.split == "train"}
    if classes == {"safe"}:
        raise RmsError(f"{source.name}: has safe rows alone, and nothing can be learned from one class; leave it out")
    if classes != {"unsafe"}:
        return source
    if pool is None or pool.name == source.name:
        raise RmsError(
            f"{source.name}: has unsafe rows alone, and nothing can be learned from one class; "
            "set finetune.benign_pool to a training set whose safe rows are to complete it"
        )
    if any(member.row.response for member in source.members) != any(member.row.response for member in pool.members):
        raise RmsError(
            f"finetune.benign_pool = {pool.name!r}: of it and {source.name} only one has responses, which would give "
            "the label away; take another training set"
        )
    if not pool.own_texts:
        raise RmsError(
            f"finetune.benign_pool = {pool.name!r}: all its rows have one text, which would give the label away; "
            "take another training set"
        )
    safe = [member for member in drawing_order(pool.members, seed) if member.row.label == "safe"]
    if not any(member.row.split == "train" for member in safe):
        raise RmsError(
            f"finetune.benign_pool = {pool.name!r}: it has no safe rows to learn from; take another training set"
        )
    wanted: Mapping[LearnedSplit, int] = {
        split: sum(member.row.split == split for member in source.members) for split in ("train", "validation")
    }
    drawn = [
        member
        for split, count in wanted.items()
        for member in [member for member in safe if member.row.split == split][:count]
    ]
    return _joined(source, pool, drawn)


def _joined(source: Source, pool: Source, drawn: list[Member]) -> Source:
    return source._replace(members=[*source.members, *drawn], prints={**pool.prints, **source.prints})
