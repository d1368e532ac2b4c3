"""Counts that describe a dataset; the card and the report print them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rms.records import ImageInfo, SampleInfo


def statistics(samples: Iterable[SampleInfo], images: Mapping[str, ImageInfo]) -> dict[str, Any]:
    """Counts of samples by split, label, category, kind and licence, as one JSON object."""
    rows = list(samples)
    used = {row.image_id for row in rows}
    lengths = sorted(len(row.text.split()) for row in rows)
    unsafe = [row for row in rows if row.label == "unsafe"]
    return {
        "samples": len(rows),
        "images": len(used),
        "unsafe": len(unsafe),
        "unsafe_share": round(len(unsafe) / len(rows), 4) if rows else None,
        "distinct_texts": len({row.text for row in rows}),
        "median_words": lengths[len(lengths) // 2] if rows else None,
        "splits": {
            split: {
                "images": len({row.image_id for row in rows if row.split == split}),
                "samples": sum(row.split == split for row in rows),
                "unsafe": sum(row.split == split for row in unsafe),
                "families": len({row.family for row in rows if row.split == split and row.family}),
            }
            for split in ("train", "validation", "test")
        },
        "categories": _counts(row.category for row in unsafe),
        "kinds": _counts(row.kind for row in rows),
        "licences": _counts(images[image_id].licence for image_id in used),
    }


def _counts(values: Iterable[str]) -> dict[str, int]:
    """Most frequent first, then by name."""
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))
