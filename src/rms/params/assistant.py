"""`assistant:` and `checker:` who describes, proposes, checks and writes."""

from typing import Annotated, Any, Literal

from pydantic import Field

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


class OpenAIAssistant(Section):
    """An OpenAI-compatible endpoint."""

    kind: Literal["openai"]
    base_url: Annotated[str, Field(pattern=r"^https?://[^@\s]+$")]
    model: Annotated[str, Field(min_length=1)]
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_]*[A-Za-z0-9_]*$")]
    """Name of the environment variable that holds the key; empty for an endpoint that needs none."""
    vision: bool
    language: Annotated[str, Field(min_length=1)]
    votes: Positive
    answers: Literal["json_schema", "json_object", "text"]
    temperature: Annotated[float, Field(ge=0.0)] | None
    top_p: Share | None
    seed: int | None
    max_tokens: Positive
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"]
    image: SentImage
    headers: dict[str, str]
    body: dict[str, Any]
    timeout_s: Annotated[float, Field(gt=0)]
    deadline_s: Annotated[float, Field(gt=0)]
    retries: Count
    concurrency: Positive
    rpm: Positive | None
    tpm: Positive | None
    price: Price | None
    budget_usd: Annotated[float, Field(ge=0.0)] | None


Assistant = Annotated[EmbeddedAssistant | OpenAIAssistant, Field(discriminator="kind")]
