"""The judge: an endpoint that is asked for verdicts, through the client that assistants are asked through."""

import math
import threading
import weakref
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from rms.assistant import Books, NoAnswerError
from rms.assistant.openai.reading import Completion
from rms.errors import RmsError
from rms.judge.api.forms import form_of
from rms.judge.api.view import view_of
from rms.judge.interface import CARD, Example, Modality, Opinion, Query, QueryLike
from rms.judge.queries import as_queries
from rms.judge.threshold import best_threshold
from rms.judge.vlm.policy import policy_text, policy_version
from rms.params import ApiJudge as Settings
from rms.params.section import Share
from rms.progress import track
from rms.runtime import TRUSTED_ENDPOINT, endpoint_name, is_trusted
from rms.store import first_fault, read_json, write_json, write_text
from rms.turns import in_turns

if TYPE_CHECKING:
    from rms.assistant.openai.client import Client

POLICY = "policy.md"
_AT_ONCE = 256
"""Examples whose answers are waited for together."""


class _Card(BaseModel):
    """What `judge.json` says of a saved judge; the key of the endpoint is nowhere in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["api"]
    modality: Modality
    threshold: Share
    base: str
    """The model, as the endpoint calls it."""
    policy: str
    """Version: first digits of the sha256 of `policy.md`; empty without one."""
    settings: dict[str, Any]


class ApiJudge:
    """A model that is asked as it is; fitting it chooses the threshold and nothing else.

    The twins are the same model, shown one modality. An answer that says no verdict (see `rms.judge.api.answers`), a
    refusal, and a question without an answer are NaN, and counted in `without_verdict`. It may be asked from one
    thread at a time; what it has in flight is up to the settings.
    """

    def __init__(self, modality: Modality, settings: Settings, policy: str, books: Books | None = None) -> None:
        self.modality = modality
        self.threshold = 0.5
        self.asked = 0
        """Queries."""
        self.without_verdict: Counter[str] = Counter()
        """By reason: `refused`, `unclear`, `unanswered`."""
        self.last_error = ""
        """Why the last unanswered question had no answer."""
        self._settings = settings
        self._policy = policy
        self._books = books
        self._form = form_of(settings.form, policy, settings.logprobs, settings.policy or settings.form)
        self._opened: Client | None = None

    @classmethod
    def untrained(cls, modality: Modality, settings: Settings, books: Books | None = None) -> "ApiJudge":
        """A judge without a threshold yet; what its answers take is entered in `books`."""
        return cls(modality, settings, policy_text(Path(settings.policy)) if settings.policy else "", books)

    def fit(self, train: Sequence[Example], validation: Sequence[Example]) -> None:  # noqa: ARG002 - nothing is learned
        starts = range(0, len(validation), _AT_ONCE)
        parts = [
            self.p_unsafe([example.query for example in validation[start : start + _AT_ONCE]])
            for start in track(starts, f"judge {self.modality}")
        ]
        scores = np.concatenate([np.zeros(0), *parts])
        read = ~np.isnan(scores)
        labels = np.array([example.label for example in validation], dtype=int)
        self.threshold = best_threshold(labels[read].tolist(), scores[read]) if read.any() else 0.5

    def p_unsafe(self, batch: Sequence[QueryLike]) -> NDArray[np.float64]:
        return np.array([opinion.p_unsafe for opinion in self.opinions(batch)], dtype=np.float64)

    def opinions(self, batch: Sequence[QueryLike]) -> list[Opinion]:
        """Probability and categories of each query; asks as many at a time as the settings allow."""
        queries = as_queries(batch)
        opinions = list(in_turns(partial(self._opinion, self._client()), queries, self._settings.concurrency))
        self.asked += len(opinions)
        self.without_verdict.update(opinion.why for opinion in opinions if opinion.why)
        self.last_error = next((opinion.error for opinion in reversed(opinions) if opinion.error), self.last_error)
        return opinions

    def save(self, folder: Path) -> None:
        card = _Card(
            kind="api",
            modality=self.modality,
            threshold=self.threshold,
            base=self._settings.model,
            policy=policy_version(self._policy) if self._policy else "",
            settings=self._settings.model_dump(),
        )
        if self._policy:
            write_text(folder / POLICY, f"{self._policy}\n")
        write_json(folder / CARD, card.model_dump())

    @classmethod
    def load(cls, folder: Path, books: Books | None = None) -> "ApiJudge":
        """The judge as saved; the endpoint is not asked anything, and its key not looked for, before it must judge.

        RmsError where the user did not name its endpoint, in params.yaml or in the environment: a folder of others
        could have any key sent to any address.
        """
        try:
            card = _Card.model_validate(read_json(folder / CARD))
            settings = Settings.model_validate(card.settings)
        except ValidationError as error:
            raise RmsError(f"{folder / CARD}: {first_fault(error)}") from None
        _check_trusted(folder, settings)
        judge = cls(card.modality, settings, policy_text(folder / POLICY) if settings.policy else "", books)
        judge.threshold = card.threshold
        return judge

    def _opinion(self, client: "Client", query: Query) -> Opinion:
        questions = self._form.questions(view_of(query, self.modality, vision=client.vision))
        try:
            return self._form.read({name: client.ask(request, Completion) for name, request in questions.items()})
        except NoAnswerError as error:
            return Opinion(math.nan, {}, "unanswered", error.error)

    def _client(self) -> "Client":
        """Opened when the first verdict is wanted, and closed when the judge is no more."""
        if self._opened is None:
            from rms.assistant.openai.client import Client  # noqa: PLC0415 - heavy

            self._opened = Client(self._settings, self._books)
            weakref.finalize(self, _let_go, self._opened).atexit = False  # the client sees to that itself
        return self._opened


def _check_trusted(folder: Path, settings: Settings) -> None:
    name = endpoint_name(settings)
    if not is_trusted(TRUSTED_ENDPOINT, name):
        sent = f"pictures and the key in {settings.api_key_env}" if settings.api_key_env else "pictures"
        raise RmsError(
            f"{folder}: sends {sent} to {settings.base_url}, which params.yaml does not name as judge; "
            f"set {TRUSTED_ENDPOINT}='{name}' if you trust it"
        )


def _let_go(client: "Client") -> None:
    """Close a client, unless this is its own thread, which cannot wait for itself: then that is left for the end."""
    if threading.current_thread().name != "endpoint":
        client.close()
