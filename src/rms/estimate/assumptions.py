"""What is taken for granted in an estimate: the typed content of `assumptions.yaml`."""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from rms.params.section import Section, Share
from rms.store import read_yaml

_FILE = Path(__file__).with_name("assumptions.yaml")

_Some = Annotated[float, Field(gt=0.0)]
_Likely = Annotated[float, Field(gt=0.0, le=1.0)]


class Rates(Section):
    """How many come out of a step; the file says what each stands for."""

    patterns: _Some
    own_texts: Share
    near_new: Share
    near_texts: Share
    image_safe: Share
    text_safe: Share
    together_unsafe: Share
    rewrites: _Some
    rewrite_text_safe: Share
    rewrite_unsafe: Share
    rewrite_new: Share
    harmless_elsewhere: _Likely
    wishes: _Some
    wish_harmless: _Likely

    @property
    def rewrite_kept(self) -> float:
        """Share of variations that pass everything."""
        return self.rewrite_text_safe * self.rewrite_unsafe * self.rewrite_new


class AnswerLength(Section):
    """Tokens of an answer: a fixed part, and more for each thing in it."""

    fixed: float
    each: float


class Typical(Section):
    """What prompts are filled with."""

    caption: str
    elements: list[str]
    text: str
    risk: str
    wish: str
    element: str
    intent: str
    category: str


class Tiles(Section):
    base: int
    tile: int


class Patches(Section):
    factor: float


class PictureRule(Section):
    """One of the two ways in which pictures are counted."""

    tiles: Tiles | None = None
    patches: Patches | None = None


class Assumptions(Section):
    factor: Annotated[float, Field(ge=1.0)]
    rates: Rates
    output_tokens: dict[str, AnswerLength]
    chars_per_token: _Some
    typical: Typical
    pictures: dict[str, PictureRule]


@cache
def assumptions() -> Assumptions:
    """The content of the file."""
    return Assumptions.model_validate(read_yaml(_FILE))
