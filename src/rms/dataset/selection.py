"""Which candidates become rows: pairs of an unsafe text and its harmless twin, spread evenly over images."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rms.records import Candidate
from rms.seeds import derive


def select(
    unsafe: Iterable[Candidate], twins: Iterable[Candidate], max_per_image: int, unsafe_share: float, seed: int
) -> list[Candidate]:
    """Balanced candidates in a stable order.

    Pairs are taken whole, so that every unsafe text is also seen where it is harmless, or every image also with a
    harmless text; no image gets more than `max_per_image` rows. For another `unsafe_share` than one half, rows
    of the class that is too many are left out afterwards.
    """
    twin_of = {twin.parent_id: twin for twin in twins}
    rows: dict[str, Candidate] = {}
    used: Counter[str] = Counter()
    for candidate in _round_robin(unsafe, seed):
        twin = twin_of.get(candidate.candidate_id)
        pair = [candidate, twin] if twin else []
        load = Counter(row.image_id for row in pair)
        if any(row.candidate_id in rows for row in pair):
            continue
        if pair and all(used[image] + more <= max_per_image for image, more in load.items()):
            rows.update((row.candidate_id, row) for row in pair)
            used += load
    return sorted(_share(list(rows.values()), unsafe_share, seed), key=lambda row: (row.image_id, row.candidate_id))


def _round_robin(candidates: Iterable[Candidate], seed: int) -> list[Candidate]:
    """One candidate of each triplet before the second of any: variety before volume."""
    turn: Counter[str] = Counter()
    ranked = []
    for candidate in sorted(candidates, key=lambda c: derive(seed, "select", c.candidate_id)):
        ranked.append((turn[candidate.parent_id], candidate))
        turn[candidate.parent_id] += 1
    return [candidate for _, candidate in sorted(ranked, key=lambda pair: pair[0])]


def _share(rows: Sequence[Candidate], unsafe_share: float, seed: int) -> list[Candidate]:
    """`rows` less as many of one class as it takes to come to `unsafe_share`."""
    ordered = sorted(rows, key=lambda row: derive(seed, "share", row.candidate_id))
    unsafe = [row for row in ordered if row.label == "unsafe"]
    safe = [row for row in ordered if row.label == "safe"]
    unsafe = unsafe[: round(len(safe) * unsafe_share / (1.0 - unsafe_share))]
    safe = safe[: round(len(unsafe) * (1.0 - unsafe_share) / unsafe_share)]
    return [*unsafe, *safe]
