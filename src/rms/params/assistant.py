"""`assistant:` and `checker:` who describes, proposes, checks and writes."""

from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, JsonValue

from rms.params.section import Count, Positive, Section, Share


class EmbeddedAssistant(Section):
    """Real perception and a hand-written hazard knowledge base; no key, no network."""

    kind: Literal["embedded"]
    min_confidence: Share
    """Scene elements with less probability mass are not named."""
    max_elements: Positive
    intent_similarity: Share
    """A text closer than this to a known intent is read as that intent."""


class SentImage(Section):
    """How a picture is sent: longest side in pixels, JPEG quality, and OpenAI's `detail`."""

    detail: Literal["auto", "low", "high"]
    side: Positive
    quality: Annotated[int, Field(ge=1, le=95)]


class Price(Section):
    """US dollars per million tokens."""

    input: Annotated[float, Field(ge=0.0)]
    output: Annotated[float, Field(ge=0.0)]


class Batch(Section):
    """How questions are asked in `mode: batch`."""

    least: Count
    """Fewer questions than this are asked online."""
    rounds: Positive
    """What still waits after so many rounds of batches is asked online."""
    max_requests: Annotated[int, Field(gt=0, le=50_000)]
    max_mb: Annotated[float, Field(gt=0, le=200)]
    """Of one batch."""
    poll_s: Annotated[float, Field(gt=0)]
    price_factor: Share
    """What an answer costs, as a share of its price online."""


def _with_host(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.port == 0:  # a port that is none raises ValueError
        raise ValueError("no address: no host, or no port that can be")
    return url


Address = Annotated[str, Field(pattern=r"^https?://[^@?#\s]+$"), AfterValidator(_with_host)]
"""Of an endpoint; a key in it, be it as user or query, would stand in files."""


def _no_key(name: str) -> str:
    if name.lower() in ("authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"):
        raise ValueError("a key in params.yaml would stand in files; name its environment variable in api_key_env")
    return name


HeaderName = Annotated[str, Field(pattern=r"^[!-9;-~]+$"), AfterValidator(_no_key)]
HeaderValue = Annotated[str, Field(pattern=r"^[ -~]*$")]


class Endpoint(Section):
    """An OpenAI-compatible endpoint, and how it is asked."""

    section: ClassVar[str] = "assistant"
    """Where in `params.yaml` its settings stand, for messages."""
    base_url: Address
    model: Annotated[str, Field(min_length=1)]
    api_key_env: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]
    """Name of the environment variable that holds the key; empty for an endpoint that needs none."""
    vision: bool
    answers: Literal["json_schema", "json_object", "text"]
    temperature: Annotated[float, Field(ge=0.0)] | None
    top_p: Share | None
    seed: int | None
    max_tokens: Positive
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"]
    image: SentImage
    headers: dict[HeaderName, HeaderValue]
    body: dict[str, JsonValue]
    timeout_s: Annotated[float, Field(gt=0)]
    deadline_s: Annotated[float, Field(gt=0)]
    retries: Count
    concurrency: Positive
    rpm: Positive | None
    tpm: Positive | None
    price: Price | None


class OpenAIAssistant(Endpoint):
    """An endpoint as assistant or checker."""

    kind: Literal["openai"]
    language: Annotated[str, Field(min_length=1)]
    votes: Positive
    mode: Literal["online", "batch"]
    batch: Batch


Assistant = Annotated[EmbeddedAssistant | OpenAIAssistant, Field(discriminator="kind")]
