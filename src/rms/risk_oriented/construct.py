"""Texts about the risks of a list, each put beside the images that fit the risk's words best."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from rms.assistant import Scene
from rms.encoder import embed
from rms.records import Candidate, Label, Provenance, Split
from rms.seeds import content_id

RISKS_FILE = Path(__file__).parent / "risks.yaml"

_TEXT_SHARES: dict[Split, tuple[float, float]] = {"train": (0.0, 0.65), "validation": (0.65, 0.8), "test": (0.8, 1.0)}
_REFUSAL = "I can't help with that, because it could do harm. I am glad to help you find a safe way to what you need."
_REPLY = "Gladly. Here is what to keep in mind so that it goes well and everyone stays safe."


class Risk(BaseModel):
    """One risk of the list: words to retrieve images by, and texts that do and do not ask for harm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: str
    query: str
    unsafe: tuple[str, ...]
    safe: tuple[str, ...]


class RiskList(NamedTuple):
    """The risks and the first digits of their file's sha256."""

    risks: tuple[Risk, ...]
    version: str


@cache
def load_risks() -> RiskList:
    """The fixed list of risks."""
    raw = RISKS_FILE.read_bytes()
    risks = TypeAdapter(tuple[Risk, ...]).validate_python(yaml.safe_load(raw))
    return RiskList(risks, hashlib.sha256(raw).hexdigest()[:12])


def construct(scenes: Sequence[Scene], per_risk: int, seed: int) -> list[Candidate]:
    """`per_risk` pairs for each risk, half of them unsafe, shared over the splits as the scenes are.

    Images are retrieved by the similarity of their caption to the risk's words. Each split has texts of its own.
    """
    risks, version = load_risks()
    queries = embed([risk.query for risk in risks])
    rows: dict[str, Candidate] = {}
    for split, (first, last) in _TEXT_SHARES.items():
        members = [scene for scene in scenes if scene.split == split]
        if not members:
            continue
        wanted = max(1, round(per_risk / 2 * len(members) / len(scenes)))
        fit = queries @ embed([scene.description.caption for scene in members]).T
        for risk, row in zip(risks, fit, strict=True):
            order = [members[i] for i in np.argsort(-np.round(row, 4), kind="stable")]
            for label, texts in (("unsafe", risk.unsafe), ("safe", risk.safe)):
                own = texts[round(first * len(texts)) : round(last * len(texts))]
                for turn in range(min(wanted, len(own) * len(order))):
                    # Each text in turn, the best image first; every round moves each text to the next image.
                    scene = order[(turn // len(own) + turn) % len(order)]
                    candidate = _candidate(scene, own[turn % len(own)], label, risk, version, seed)  # type: ignore[arg-type]
                    rows.setdefault(candidate.candidate_id, candidate)
    return sorted(rows.values(), key=lambda row: (row.image_id, row.candidate_id))


def _candidate(scene: Scene, text: str, label: Label, risk: Risk, version: str, seed: int) -> Candidate:
    identity = content_id("risk_oriented", scene.image_id, text)
    return Candidate(
        candidate_id=identity,
        image_id=scene.image_id,
        text=text,
        label=label,
        category=risk.category,
        risk=f"The text asks for something harmful ({risk.category.replace('_', ' ')})." if label == "unsafe" else "",
        guidance=_REFUSAL if label == "unsafe" else _REPLY,
        kind="risk_oriented",
        criterion="",
        parent_id=identity,
        checks=[],
        provenance=Provenance(assistant="risk_oriented", model="list of risks", version=version, seed=seed, family=""),
    )
