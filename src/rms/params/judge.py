"""`judge:` what is fine-tuned; `evaluate:` and `report:` how it is measured and shown."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from rms.params.assistant import Endpoint
from rms.params.section import Count, FolderName, Positive, Section, distinct


class EmbeddedJudge(Section):
    kind: Literal["embedded"]
    width: Positive
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    lr: Annotated[float, Field(gt=0.0, le=1.0)]
    epochs: Positive
    batch_size: Positive
    weight_decay: Annotated[float, Field(ge=0.0)]
    warmup_ratio: Annotated[float, Field(ge=0.0, lt=1.0)]


class Lora(Section):
    """Low-rank adapters (Hu et al. 2022) on linear layers."""

    rank: Positive
    alpha: Positive
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    vision: bool
    """Adapt what sees the picture too, not the language model alone."""


class Launch(Section):
    """Processes that train together, by `torchrun`."""

    processes: Positive
    """On each machine; one for each of its GPUs."""
    nodes: Positive
    address: str
    """Of the first machine."""
    port: Annotated[int, Field(gt=0, lt=65536)]


class VlmJudge(Section):
    """A vision-language model; conf/judge/vlm.yaml says what each setting trades off."""

    kind: Literal["vlm"]
    model: Annotated[str, Field(min_length=1)]
    revision: str | None
    trust_remote_code: bool
    policy: Annotated[str, Field(min_length=1)]
    rationale: bool
    max_images: Positive
    max_pixels: Positive
    max_tokens: Positive | None
    processor: dict[str, Any]
    method: Literal["lora", "full"]
    lora: Lora
    quantize: bool
    precision: Literal["auto", "bf16", "fp32"]
    gradient_checkpointing: bool
    lr: Annotated[float, Field(gt=0.0, le=1.0)]
    epochs: Positive
    batch_size: Positive
    gradient_accumulation: Positive
    weight_decay: Annotated[float, Field(ge=0.0)]
    warmup_ratio: Annotated[float, Field(ge=0.0, lt=1.0)]
    class_weights: Literal["none", "balanced"]
    evaluations: Positive
    """On the validation split, each epoch; a checkpoint is written with each."""
    patience: Positive | None
    launch: Launch

    @model_validator(mode="after")
    def _four_bits_are_frozen(self) -> "VlmJudge":
        if self.quantize and self.method == "full":
            raise ValueError("quantize = true needs method = lora: weights of 4 bits are not trained themselves")
        return self


class ApiJudge(Endpoint):
    """A judge behind an endpoint, asked as it is; conf/judge/api.yaml says what each setting trades off."""

    section: ClassVar[str] = "judge"
    kind: Literal["api"]
    form: Literal["words", "json", "llama_guard", "shieldgemma", "llavaguard"]
    policy: Annotated[str, Field(min_length=1)] | None
    logprobs: Annotated[int, Field(ge=0, le=20)]
    """Likeliest first tokens asked for; 0 for the verdict alone."""

    @model_validator(mode="after")
    def _models_without_a_policy_of_their_own_need_one(self) -> "ApiJudge":
        if self.policy is None and self.form != "llama_guard":
            raise ValueError(f"form = {self.form} needs a policy: set judge.policy to a file (conf/policy/default.md)")
        return self


Judge = Annotated[EmbeddedJudge | VlmJudge | ApiJudge, Field(discriminator="kind")]


class Evaluate(Section):
    resamples: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0.0, lt=1.0)]
    benign_pool: Annotated[list[FolderName], AfterValidator(distinct)]
    """Corpora whose safe rows stand in for the missing class of all-unsafe corpora."""


class Report(Section):
    gallery: Count
