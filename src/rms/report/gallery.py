"""A few samples of the dataset to look at, evenly over labels and categories, each with its picture."""

import base64
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from rms.pictures import Pictures
from rms.records import Candidate, Check, SampleInfo
from rms.store import read_table

_THUMBNAIL = 320
"""Longest side in pixels."""


class Credited(SampleInfo):
    """A sample without pixels, but with whom its picture is owed to."""

    licence: str
    attribution: str


class Exhibit(NamedTuple):
    """One sample as shown."""

    sample: Credited
    thumbnail: str
    """A `data:` address."""
    size: tuple[int, int]
    """Width and height of the thumbnail in pixels."""
    checks: Sequence[Check]
    p_unsafe: float | None
    """Of the full judge; None where it was not asked or gave no verdict."""


def gallery(split: Path, candidates: Sequence[Path], p_unsafe: Mapping[str, float], count: int) -> list[Exhibit]:
    """Up to `count` samples of the Parquet folder `split`, with the checks found in the folders `candidates`.

    Only the pictures of the chosen samples are kept. `p_unsafe` is by sample id, NaN without a verdict.
    """
    chosen = choose(read_table(split, Credited), count)
    checks = _checks(candidates, chosen)
    pictures = Pictures(split)
    exhibits = []
    for sample in chosen:
        thumbnail, size = _thumbnail(pictures[sample.image_id])
        found = checks.get((sample.image_id, sample.text), [])
        judged = p_unsafe.get(sample.sample_id)
        exhibits.append(Exhibit(sample, thumbnail, size, found, None if judged is None or isnan(judged) else judged))
    return exhibits


def choose(samples: Iterable[Credited], count: int) -> list[Credited]:
    """In turn one sample of each category and label, from the images shown least; ties go by id."""
    groups: dict[tuple[str, bool], list[Credited]] = {}
    for sample in samples:
        groups.setdefault((sample.category, sample.label == "safe"), []).append(sample)
    chosen: list[Credited] = []
    shown: Counter[str] = Counter()
    while len(chosen) < count and groups:
        for key in sorted(groups):
            if len(chosen) == count:
                break
            sample = min(groups[key], key=lambda item: (shown[item.image_id], item.sample_id))
            shown[sample.image_id] += 1
            chosen.append(sample)
            groups[key].remove(sample)
        groups = {key: rest for key, rest in groups.items() if rest}
    return chosen


def _checks(folders: Sequence[Path], samples: Sequence[Credited]) -> dict[tuple[str, str], list[Check]]:
    """The checker's verdicts by image and text."""
    wanted = {(sample.image_id, sample.text) for sample in samples}
    rows = (row for folder in folders for row in read_table(folder, Candidate))
    return {key: row.checks for row in rows if (key := (row.image_id, row.text)) in wanted}


def _thumbnail(encoded: bytes) -> tuple[str, tuple[int, int]]:
    with Image.open(io.BytesIO(encoded)) as opened:
        opened.draft("RGB", (_THUMBNAIL, _THUMBNAIL))
        picture = opened.convert("RGB")
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    out = io.BytesIO()
    picture.save(out, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}", picture.size
