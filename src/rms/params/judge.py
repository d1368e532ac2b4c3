"""`judge:` what is fine-tuned; `evaluate:` and `report:` how it is measured and shown."""

from typing import Annotated, Literal

from pydantic import Field

from rms.params.section import Count, Positive, Section


class EmbeddedJudge(Section):
    kind: Literal["embedded"]
    width: Positive
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    lr: Annotated[float, Field(gt=0.0, le=1.0)]
    epochs: Positive
    batch_size: Positive
    weight_decay: Annotated[float, Field(ge=0.0)]
    warmup_ratio: Annotated[float, Field(ge=0.0, lt=1.0)]


class VlmJudge(Section):
    kind: Literal["vlm"]
    model: str
    lr: Annotated[float, Field(gt=0.0, le=1.0)]
    epochs: Positive


Judge = Annotated[EmbeddedJudge | VlmJudge, Field(discriminator="kind")]


class Evaluate(Section):
    resamples: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0.0, lt=1.0)]


class Report(Section):
    gallery: Count
