"""What every part of `params.yaml` is made of: strict sections, and the types of their values."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
HashBits = Annotated[int, Field(ge=0, le=64)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
FolderName = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


def distinct(names: list[T]) -> list[T]:
    """A list in which no name stands twice; ValueError where one does."""
    if len(set(names)) < len(names):
        raise ValueError("each name may stand in the list once")
    return names


class Section(BaseModel):
    """A part of `params.yaml`: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
