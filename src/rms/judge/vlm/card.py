"""What `judge.json` says of a saved vision-language judge, and whether its folder is whole."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from rms.errors import RmsError
from rms.judge.interface import CARD, Modality
from rms.params.section import Share
from rms.runtime import TRUSTED_CODE, is_trusted
from rms.store import first_fault, read_json, write_json

Method = Literal["lora", "full"]
Precision = Literal["bf16", "fp32"]

MODEL = "model"
"""Folder of the weights (or the adapter) and the processor, in Hugging Face's layout."""
FRAME = "prompt.md"
POLICY = "policy.md"


class Card(BaseModel):
    """Everything that decides what a judge answers, but for the files it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["vlm"]
    modality: Modality
    threshold: Share
    base: str
    revision: str
    """Of the base: commit on the Hub, or sha256 of a folder's configuration and weights."""
    trust_remote_code: bool
    method: Method
    quantize: bool
    precision: Precision
    policy: str
    """Version: first digits of the sha256 of `policy.md`."""
    rationale: bool
    max_images: PositiveInt
    max_pixels: PositiveInt
    max_tokens: PositiveInt | None
    """None for as many as the model reads."""
    batch_size: PositiveInt
    shortened: int
    """Texts of the training and validation splits that did not fit and lost words."""
    files: dict[str, int]
    """Size in bytes of each file beside this one."""


def sizes(folder: Path) -> dict[str, int]:
    """Size of each file under `folder` but the card, by relative path."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CARD)
    return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}


def write_card(folder: Path, card: Card) -> None:
    write_json(folder / CARD, card.model_dump())


def read_card(folder: Path) -> Card:
    """The card of a whole judge; RmsError where a file is missing or cut short, or code of others would run."""
    said = read_json(folder / CARD)
    kind = said.get("kind") if isinstance(said, dict) else None
    if kind != "vlm":
        raise RmsError(f"{folder}: holds no vlm judge (kind = {kind!r}); name the folder of one")
    try:
        card = Card.model_validate(said)
    except ValidationError as error:
        raise RmsError(f"{folder / CARD}: {first_fault(error)}") from None
    if card.trust_remote_code and not is_trusted(TRUSTED_CODE, card.base):
        raise RmsError(
            f"{folder}: runs code that comes with {card.base}; set {TRUSTED_CODE}={card.base} if you trust its author"
        )
    found = sizes(folder)
    for name, size in card.files.items():
        if name not in found:
            raise RmsError(f"{folder}: not a complete judge ({name} is missing); run `dvc repro finetune`")
        if found[name] != size:
            raise RmsError(
                f"{folder}: not a complete judge ({name} has {found[name]} bytes of {size}); run `dvc repro finetune`"
            )
    return card
