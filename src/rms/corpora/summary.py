"""What was read of a corpus, and from where: the facts a score on it has to be read with."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rms.corpora.base import Adapter
from rms.records import CorpusReject, CorpusSample


def summarise(
    adapter: Adapter,
    split: str,
    images: int,
    samples: Sequence[CorpusSample],
    rejects: Sequence[CorpusReject],
    *,
    embedded: bool = False,
    missing: bool = False,
    fetched: str | None = None,
) -> dict[str, Any]:
    """Content of `summary.json`. `embedded` corpora have the layout of `source`, not its content; `fetched` is the
    commit that was downloaded, where that is known."""
    labels = Counter(sample.label for sample in samples)
    per_category = Counter((sample.category, sample.label) for sample in samples)
    return {
        "corpus": adapter.name,
        "split": split,
        "embedded": embedded,
        "missing": missing,
        "source": adapter.source,
        "homepage": adapter.homepage,
        "revision": None if embedded else fetched or adapter.revision,
        "licence": "Apache-2.0" if embedded else adapter.licence,
        "gated": not embedded and adapter.gated,
        "trainable": not embedded and adapter.trainable,
        "label_of": adapter.label_of,
        "classes": adapter.classes,
        "derived": bool(adapter.derived),
        "derivation": adapter.derived,
        "options": dict(adapter.chosen),
        "rows": {"read": len(samples) + len(rejects), "kept": len(samples), "skipped": len(rejects)},
        "skipped": dict(sorted(Counter(reject.reason for reject in rejects).items())),
        "images": images,
        "labels": {"safe": labels["safe"], "unsafe": labels["unsafe"]},
        "categories": {
            name: {"safe": per_category[name, "safe"], "unsafe": per_category[name, "unsafe"]}
            for name in sorted({sample.category for sample in samples})
        },
    }
