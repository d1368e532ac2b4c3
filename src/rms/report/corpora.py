"""The facts a corpus' score has to be read with: where it comes from, its licence, what was skipped."""

from pathlib import Path
from typing import Any, NamedTuple

from rms.store import read_json


class CorpusFacts(NamedTuple):
    """One corpus as it was read."""

    name: str
    source: str
    homepage: str
    """An https address, or empty."""
    revision: str
    licence: str
    gated: bool
    label_of: str
    derivation: str
    """The rule that labels were derived by, where the dataset states none."""
    options: dict[str, str]
    """Which part of it was read, where it has several."""
    embedded: bool
    """A small test set of our own in the layout of `source`, not its content."""
    read: int
    kept: int
    skipped: dict[str, int]
    """By reason."""
    safe: int
    unsafe: int
    images: int


def corpus_facts(folder: Path) -> CorpusFacts:
    """Read `summary.json` of a folder that the stage `corpora` wrote."""
    found: dict[str, Any] = read_json(folder / "summary.json")
    homepage = str(found["homepage"] or "")
    return CorpusFacts(
        name=found["corpus"],
        source=found["source"],
        homepage=homepage if homepage.startswith("https://") else "",
        revision=(found["revision"] or "")[:12],
        licence=found["licence"],
        gated=found["gated"],
        label_of=found["label_of"],
        derivation=found["derivation"],
        options=found["options"],
        embedded=found["embedded"],
        read=found["rows"]["read"],
        kept=found["rows"]["kept"],
        skipped=found["skipped"],
        safe=found["labels"]["safe"],
        unsafe=found["labels"]["unsafe"],
        images=found["images"],
    )
