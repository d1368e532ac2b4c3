"""What every part of `params.yaml` is made of: strict sections, and the types of their values."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
HashBits = Annotated[int, Field(ge=0, le=64)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
FolderName = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


def distinct(names: list[T]) -> list[T]:
    """A list in which no name stands twice; ValueError where one does."""
    if len(set(names)) < len(names):
        raise ValueError("each name may stand in the list once")
    return names


def rows_wanted(value: object) -> object:
    """What says how many rows to take; ValueError for anything else."""
    if value is None or value == "match" or (type(value) is int and value > 1):
        return value
    raise ValueError("must be match, null, or a number of rows above 1")


def with_whole(fractions: list[float]) -> list[float]:
    """A list of shares with 1 among them; ValueError where it is not."""
    if 1.0 not in fractions:
        raise ValueError("must hold 1.0: every table is about the judges of all rows")
    return fractions


class Section(BaseModel):
    """A part of `params.yaml`: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
