"""What an endpoint can do, found out by asking: a few small questions, each bounded in time and tokens.

That a setting is taken says little: servers ignore what they do not know. So an answer is read each time: JSON must
fit the schema, the colour of a picture must be the right one, and log-probabilities must be there.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from rms.assistant.openai import body
from rms.assistant.openai.answers import json_schema
from rms.assistant.openai.probe_session import Failed, Session
from rms.assistant.openai.reading import Reply, fault_of
from rms.assistant.openai.request import Message, Request, Usage
from rms.errors import RmsError
from rms.params import OpenAIAssistant as Settings
from rms.progress import track

Found = Literal["yes", "no", "unknown"]

_LIMITS = ("max_tokens", "max_completion_tokens")
_PICTURE = (0, 110, 255)
_SIDE = 128
_YES = "Answer with the single word: yes"
_NAMES_SHOWN = 5


class Finding(NamedTuple):
    """One capability: whether it is there, and what that means for the settings."""

    capability: str
    found: Found
    meaning: str


class Report(NamedTuple):
    """What was found, the settings that fit, and what it took."""

    findings: list[Finding]
    settings: Mapping[str, Any]
    """Values for `assistant:` (or `checker:`), by name."""
    usable: bool
    requests: int
    usage: Usage


class _Saying(BaseModel):
    """Its names stand in no question, so that who answers so has read the schema."""

    model_config = ConfigDict(extra="forbid", strict=True)

    season: Literal["winter", "spring", "summer", "autumn"]
    remark: str


class _Colour(BaseModel):
    """The right one stands last: a server that takes the first of a list has seen nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    colour: Literal["red", "orange", "yellow", "green", "black", "white", "grey", "blue"]


def probe(settings: Settings) -> Report:
    """Ask the endpoint all there is to know; RmsError where it cannot be asked at all."""
    return _Probe(Session(settings), settings).report()


class _Probe:
    """The questions, each built on what the ones before found."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._fit: dict[str, Any] = {
            "answers": settings.answers,
            "vision": False,
            "max_tokens_name": settings.max_tokens_name,
            "temperature": settings.temperature,
            "seed": settings.seed,
        }
        self._way: int | None = None
        self._sampling: dict[str, Any] = {}

    def report(self) -> Report:
        questions: list[Callable[[], list[Finding]]] = [
            self._model, self._limit, self._temperature, self._seed,
            self._ways, self._vision, self._logprobs, self._batch,
        ]  # fmt: skip
        findings = [finding for question in track(questions, "probe") for finding in question()]
        return Report(findings, self._fit, self._way is not None, self._session.requests, self._session.usage)

    def _model(self) -> list[Finding]:
        names = self._session.models()
        wanted = self._settings.model
        if isinstance(names, Failed):
            return [Finding("model", "unknown", f"the endpoint does not list its models ({names.error})")]
        if wanted in names:
            return [Finding("model", "yes", f"{wanted} is one of {len(names)} models")]
        shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
        return [Finding("model", "no", f"{wanted} is not among the models listed: {shown or 'none'}")]

    def _limit(self) -> list[Finding]:
        """The first question: what it meets tells whether there is any use in going on."""
        reply = self._first_answer()
        name = self._fit["max_tokens_name"] = self._session.limit_name
        guessed, thinks = reply.usage.estimated, self._session.thinking
        counts = "tokens are estimated from lengths, and marked so" if guessed else "the endpoint counts the tokens"
        thought = "thinks first, and is paid for it as output: leave max_tokens room" if thinks else "answers at once"
        return [
            Finding(name, "yes", "the name by which it takes the limit of tokens"),
            Finding("usage", "no" if guessed else "yes", counts),
            Finding("reasoning", "yes" if thinks else "no", thought),
        ]

    def _first_answer(self) -> Reply:
        """Under the name for the limit of tokens that is set, or else the other one."""
        failed = Failed(0, "")
        for name in sorted(_LIMITS, key=lambda name: name != self._settings.max_tokens_name):
            self._session.limit_name = name
            reply = self._ask(_YES)
            if isinstance(reply, Reply):
                return reply
            failed = reply
            if not any(limit in failed.error for limit in _LIMITS):
                break
        advice = f"check base_url and model ({self._settings.model})" if failed.status < 429 else "try again later"
        raise RmsError(f"{self._settings.base_url}: {failed.error}; {advice}")

    def _temperature(self) -> list[Finding]:
        wanted = 0.0 if self._settings.temperature is None else self._settings.temperature
        reply = self._ask(_YES, temperature=wanted)
        if isinstance(reply, Failed):
            self._fit["temperature"] = None
            return [Finding("temperature", _refusal(reply), f"leave it to the endpoint ({reply.error})")]
        self._sampling["temperature"] = 0.0
        return [Finding("temperature", "yes", f"{wanted:g} is taken")]

    def _seed(self) -> list[Finding]:
        seed = 0 if self._settings.seed is None else self._settings.seed
        replies = []
        for _ in range(2):
            reply = self._ask("Name ten animals at random, in one line.", **self._sampling, seed=seed)
            if isinstance(reply, Failed):
                self._fit["seed"] = None
                return [Finding("seed", _refusal(reply), f"leave it out ({reply.error})")]
            replies.append(reply.text)
        self._sampling["seed"] = seed
        if replies[0] == replies[1]:
            return [Finding("seed", "yes", "the same question was answered alike twice")]
        return [Finding("seed", "unknown", "taken, but two answers differ: only the cache makes runs repeatable")]

    def _ways(self) -> list[Finding]:
        """Every way of asking for JSON; the first that works is the one to set."""
        findings = []
        for way, name in enumerate(body.FORMATS):
            fault = self._fault("Which season has the longest nights?", _Saying, way)
            if not fault and self._way is None:
                self._way = way
                self._fit["answers"] = name
            findings.append(Finding(name, "no" if fault else "yes", fault or "answers fit the schema"))
        if self._way is None:
            findings.append(Finding("answers", "no", "no answer was JSON as asked for: this model cannot be used"))
        return findings

    def _vision(self) -> list[Finding]:
        if self._way is None:
            return [Finding("vision", "unknown", "cannot be told without JSON answers")]
        reply = self._json("Which colour is the picture?", _Colour, self._way, (_square(),))
        if isinstance(reply, Failed):
            found: Found = "no" if "image" in reply.error.lower() else _refusal(reply)  # llama.cpp says 500
            return [Finding("vision", found, f"the embedded classifier looks for it ({reply.error})")]
        fault = fault_of(reply, _Colour)
        if not fault and '"blue"' in reply.text.lower():
            self._fit["vision"] = True
            return [Finding("vision", "yes", "saw the colour of a picture")]
        return [Finding("vision", "no", f"takes a picture but does not see it: {fault or 'it named a wrong colour'}")]

    def _logprobs(self) -> list[Finding]:
        reply = self._ask(_YES, **self._sampling, logprobs=True, top_logprobs=5)
        if isinstance(reply, Failed):
            return [Finding("logprobs", _refusal(reply), f"of no use as a judge ({reply.error})")]
        if not self._session.logprobs:
            return [Finding("logprobs", "no", "asked for, but not in the answer: of no use as a judge")]
        return [Finding("logprobs", "yes", "in the answer: it can serve as a judge")]

    def _batch(self) -> list[Finding]:
        failed = self._session.batches()
        if failed is None:
            return [Finding("batch", "yes", "batches are listed: mode=batch is worth a try (half price at OpenAI)")]
        found: Found = "no" if failed.status in (404, 405, 501) else "unknown"
        return [Finding("batch", found, f"stay with mode=online ({failed.error})")]

    # -- asking ---------------------------------------------------------------------------------

    def _ask(self, text: str, **extra: Any) -> Reply | Failed:
        return self._session.ask([{"role": "user", "content": text}], **extra)

    def _json(self, text: str, kind: type[BaseModel], way: int, pictures: tuple[bytes, ...] = ()) -> Reply | Failed:
        request = Request("probe", [Message("user", text, pictures)], json_schema(kind))
        messages = [body.message(turn, self._settings) for turn in request.messages]
        said = body.told(messages, request) if way else messages
        return self._session.ask(said, **self._sampling, **body.response_format(way, request))

    def _fault(self, text: str, kind: type[BaseModel], way: int) -> str:
        """Why asking in this way brings no answer of `kind`; "" where it does."""
        reply = self._json(text, kind, way)
        if isinstance(reply, Failed):
            return reply.error
        fault = fault_of(reply, kind)
        return f"taken, but the answer does not fit: {fault}" if fault else ""


def _refusal(failed: Failed) -> Found:
    """Whether an error says that it cannot be, or only that it went wrong this time."""
    return "no" if failed.status in (400, 404, 415, 422, 501) else "unknown"


def _square() -> bytes:
    from PIL import Image  # noqa: PLC0415

    out = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), _PICTURE).save(out, "JPEG", quality=90)
    return out.getvalue()
