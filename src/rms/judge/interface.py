"""What every judge can do, and how a saved one is found again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, SupportsBytes, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rms.errors import RmsError
from rms.store import read_json

if TYPE_CHECKING:
    from rms.assistant import Books

CARD = "judge.json"
"""In every judge's folder: its kind and threshold, and what it takes to load it."""

Modality = Literal["full", "text_only", "image_only"]
"""What a judge looks at: everything, or as a twin one modality alone."""


class Query(NamedTuple):
    """What a judge reads: encoded images (one or more), the text, and the response where there is one."""

    images: tuple[SupportsBytes, ...]
    """Looked at as `bytes(image)`, so that memory need not hold those of a whole training set; hashable."""
    text: str
    response: str = ""


Picture = bytes | str | Path
"""An encoded image, or the file that holds one."""
QueryLike = Query | tuple[Picture | Sequence[Picture], str] | tuple[Picture | Sequence[Picture], str, str]
"""What judges may be asked: queries, or plain tuples of images, text and response (see `rms.judge.queries`)."""


class Opinion(NamedTuple):
    """All that a judge says of one query."""

    p_unsafe: float
    """NaN where it gave no verdict."""
    categories: dict[str, float] = {}  # noqa: RUF012 - never changed
    """Probability by category, where the judge names categories."""
    why: str = ""
    """Where there is no verdict: `refused`, `unclear` (it cannot be read from the answer) or `unanswered`."""
    error: str = ""
    """Of one that is unanswered: what was met instead of an answer."""


class QueryError(RmsError):
    """A query that the judge cannot take, whatever it makes of others."""


class Example(NamedTuple):
    """A query with its label: 1 is unsafe."""

    query: Query
    label: int
    rationale: str = ""
    """What the risk is, for judges that learn to say why; empty where there is none."""


@runtime_checkable
class Judge(Protocol):
    """A model that says how likely an image-text pair is unsafe."""

    threshold: float
    """Chosen on the validation split: at or above it, the verdict is unsafe."""

    def fit(self, train: Sequence[Example], validation: Sequence[Example]) -> None:
        """Learn from `train`; choose the threshold, and nothing else, on `validation`."""

    def p_unsafe(self, batch: Sequence[QueryLike]) -> NDArray[np.float64]:
        """Probability of unsafe for each query, shape (len(batch),); NaN where the judge gave no verdict."""

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into the existing folder, `judge.json` among it."""


@runtime_checkable
class Opinionated(Protocol):
    """A judge that says more of a query than how likely it is unsafe."""

    def opinions(self, batch: Sequence[QueryLike]) -> list[Opinion]:
        """What it says of each query."""


def opinions(judge: Judge, batch: Sequence[QueryLike]) -> list[Opinion]:
    """All that a judge says of each query, be it the probability alone."""
    if isinstance(judge, Opinionated):
        return judge.opinions(batch)
    scores = judge.p_unsafe(batch).tolist()
    return [Opinion(score, {}, "" if score == score else "unclear") for score in scores]  # noqa: PLR0124 - NaN


def load(place: str | Path, books: "Books | None" = None) -> Judge:
    """The judge saved in a folder, or on the Hugging Face Hub as OWNER/NAME or OWNER/NAME@REVISION.

    Needs no training data, and opens no connection for a folder. What an api judge takes is entered in `books`.
    """
    folder = Path(place)
    if not folder.is_dir():
        from rms.judge.hub import fetch  # noqa: PLC0415

        folder = fetch(str(place))
    card = read_json(folder / CARD)
    kind = card.get("kind") if isinstance(card, dict) else None
    match kind:
        case "majority":
            from rms.judge.baselines import Majority  # noqa: PLC0415

            return Majority.load(folder)
        case "embedded":
            from rms.judge.embedded import EmbeddedJudge  # noqa: PLC0415 - loads torch

            return EmbeddedJudge.load(folder)
        case "vlm":
            from rms.judge.vlm import VlmJudge  # noqa: PLC0415 - loads torch

            return VlmJudge.load(folder)
        case "api":
            from rms.judge.api import ApiJudge  # noqa: PLC0415

            return ApiJudge.load(folder, books)
    raise RmsError(f"{folder / CARD}: kind = {kind!r}: must be one of api, embedded, majority, vlm")
