"""Which judge a score is of: a short hash of what it was made with, besides its training data."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rms.errors import RmsError
from rms.judge.interface import CARD, Example
from rms.records import Record
from rms.seeds import content_id
from rms.store import first_fault, read_json

IDENTITY = "identity.json"
"""Beside the folders of the judges of one training set and seed."""


class JudgeIdentity(Record):
    """A judge as it was fine-tuned once."""

    hash: str
    """Of settings, base model, its revision, policy and seed: equal for judges made alike, on whatever data."""
    kind: str
    base: str
    """The pretrained model."""
    revision: str
    """Of the pretrained model: a commit, or the hash of its weights."""
    seed: int
    rows: int
    """Of the training split."""
    unsafe: int
    benign_pool: str = ""
    """Training set whose safe rows completed one that has none; empty for any other."""


def identify(
    folder: Path, settings: Mapping[str, Any], seed: int, train: Sequence[Example], benign_pool: str = ""
) -> JudgeIdentity:
    """The identity of the judge saved in `folder`, fine-tuned by `settings` with `seed` on `train`."""
    card: dict[str, Any] = read_json(folder / CARD)
    base = str(card.get("base") or card.get("encoder") or "")
    revision = str(card.get("revision") or card.get("encoder_sha256") or "")
    made_with = [dict(settings), card["kind"], base, revision, card.get("policy"), seed]
    return JudgeIdentity(
        hash=content_id(json.dumps(made_with, sort_keys=True))[:10],
        kind=card["kind"],
        base=base,
        revision=revision[:12],
        seed=seed,
        rows=len(train),
        unsafe=sum(example.label for example in train),
        benign_pool=benign_pool,
    )


def read_identity(folder: Path) -> JudgeIdentity:
    """The identity that lies in `folder` beside the judges."""
    try:
        return JudgeIdentity.model_validate(read_json(folder / IDENTITY))
    except ValidationError as error:
        raise RmsError(f"{folder / IDENTITY}: {first_fault(error)}; run `dvc repro finetune` again") from None
