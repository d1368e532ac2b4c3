"""An OpenAI-compatible endpoint with every fault that real ones have, in a process of its own.

    with running(Behaviour(share_500=0.1, latency_s=0.05)) as server:
        ...                       # ask server.url
        server.stats()            # what it answered, and what it would bill

It goes away with the process that started it.
"""

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

ENDPOINT = Path(__file__).resolve().with_name("fault_endpoint.py")


@dataclass(frozen=True)
class Behaviour:
    """What the endpoint does. A share is of attempts, chosen by a hash of question, attempt and seed."""

    seed: int = 0
    latency_s: float = 0.0
    share_500: float = 0.0
    share_503: float = 0.0
    share_reset: float = 0.0
    share_hang: float = 0.0
    share_slow_drip: float = 0.0
    share_truncated_json: float = 0.0
    """Cut in the middle; half of them say so by finish_reason "length", half claim "stop"."""
    share_wrong_schema: float = 0.0
    share_refusal: float = 0.0
    share_empty: float = 0.0
    drip_s: float = 5.0
    """How long a slow drip takes."""
    rpm: int | None = None
    """Requests a minute; one second's worth can be saved up."""
    retry_after: Literal["seconds", "date", "none"] = "seconds"
    slots: int | None = None
    """At most so many requests are worked on, for `latency_s` each; the others wait in a queue."""
    html: bool = False
    status_401: bool = False
    unknown_model_404: bool = False
    no_json_schema: bool = False
    no_json_object: bool = False
    no_logprobs: bool = False
    no_seed: bool = False
    no_vision: bool = False
    no_usage: bool = False
    unknown_parameters: tuple[str, ...] = ()
    """Names in the body that are refused, as reasoning models refuse `temperature`."""
    items: int = 1
    """How many there are in each list of an answer, no two alike."""
    instead: dict[str, str] = field(default_factory=dict)
    """What of a good answer is replaced, and by what."""
    first_tokens: dict[str, float] = field(default_factory=dict)
    """The likeliest first tokens of any answer and their probabilities, for who asks for log-probabilities."""
    unsafe_if: str = ""
    """Where these words are in a question, half of the verdicts are unsafe, by a hash of it; all others are safe."""
    echo_key: bool = False
    """Errors tell what they were asked with, key and all, as debugging proxies do."""
    reasoning_tokens: int = 0
    """Above 0 the answer starts with thinking, and so many tokens are billed for it."""
    batch_s: float = 0.0
    """How long a batch takes. Its items meet the faults above that an answer can show."""
    batch_expires: bool = False
    """A batch ends half done."""
    batch_expired_items: float = 0.0
    """Share of items that no batch gets to, chosen by a hash of the question."""
    batch_fails: str = ""
    """Code of the error for which batches do not pass validation."""
    batch_room: int | None = None
    """So many batches may be under way; one more fails for want of room."""
    batch_400: bool = False
    """Every item of a batch is a bad request."""
    batch_lost_answer: bool = False
    """A batch begins, and who began it is told of an error."""
    no_batches: bool = False


class Seen(NamedTuple):
    """One request to chat/completions."""

    digest: str
    """Of the request's body."""
    status: int
    """0: reset or never answered; 499: the client went away."""
    fault: str
    """Name of the fault it met, or ""."""
    at_s: float
    """When it came, since the server started."""
    in_flight: int
    """How many there were at that moment, itself included."""
    name: str
    """The first `item-...` in the body, which good answers repeat; or ""."""


@dataclass
class Stats:
    """The server's own books."""

    requests: int = 0
    answered: int = 0
    """With status 200."""
    refused_429: int = 0
    early: int = 0
    """Same request again before the moment that its 429 named."""
    early_any: int = 0
    """Any request before the moment that an earlier 429 named."""
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    log: list[Seen] = field(default_factory=list)
    batches: int = 0
    batched: list[str] = field(default_factory=list)
    """The custom_id of each item of each batch; tokens of its answers are among those above."""

    def sent(self) -> Counter[str]:
        """How often each body was sent."""
        return Counter(one.digest for one in self.log)


class Server(NamedTuple):
    """A running endpoint."""

    url: str
    """What a client is given as base_url."""

    def stats(self) -> Stats:
        with urllib.request.urlopen(self.url.replace("/v1", "/stats"), timeout=30) as answer:
            values = json.load(answer)
        return Stats(**{**values, "log": [Seen(*row) for row in values["log"]]})

    def log(self) -> list[Seen]:
        return self.stats().log

    def behave(self, behaviour: Behaviour, forget: bool = False) -> None:
        """Change at run time; `forget` starts new books."""
        body = json.dumps({"behaviour": asdict(behaviour), "forget": forget}).encode()
        urllib.request.urlopen(self.url.replace("/v1", "/behaviour"), data=body, timeout=30).close()


@contextmanager
def running(behaviour: Behaviour) -> Iterator[Server]:
    """A server in another process, for as long as the block runs."""
    process = subprocess.Popen(
        [sys.executable, str(ENDPOINT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(asdict(behaviour)) + "\n")
        process.stdin.flush()
        try:
            yield Server(process.stdout.readline().strip())
        finally:
            process.kill()
