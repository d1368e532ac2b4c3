"""Typed parameters: the one way a stage learns how it was configured.

`conf/` is the source of truth. Hydra composes it to `params.yaml` (`rms params`, or `dvc exp run -S`), and
`load_params()` reads that file, checks every key, type and range, and explains the first fault in one line.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rms.errors import RmsError, one_line

T = TypeVar("T")

PARAMS_FILE = Path("params.yaml")

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
HashBits = Annotated[int, Field(ge=0, le=64)]
FolderName = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


def _distinct(names: list[T]) -> list[T]:
    if len(set(names)) < len(names):
        raise ValueError("each name may stand in the list once")
    return names


class Section(BaseModel):
    """A part of `params.yaml`: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FolderSource(Section):
    """Photographs in a folder, searched through all its subfolders."""

    kind: Literal["folder"]
    path: Path = Field(strict=False)
    licence: str
    attribution: str


class PackageSource(Section):
    """Photographs inside installed Python packages, each pinned by its sha256 in a manifest."""

    kind: Literal["package"]
    manifest: Path = Field(strict=False)


class HubSource(Section):
    """A dataset of the Hugging Face Hub, streamed."""

    kind: Literal["hub"]
    name: str
    config: str | None
    revision: str | None
    split: str
    image_column: str
    licence: str
    attribution: str


class UrlSource(Section):
    """A CSV, TSV or Parquet table of addresses."""

    kind: Literal["urls"]
    table: Path = Field(strict=False)
    url_column: str
    licence_column: str | None
    licence: str
    attribution: str
    concurrency: Positive
    timeout_s: Annotated[float, Field(gt=0)]
    retries: Count


class Images(Section):
    """What to collect and what to leave out."""

    source: Annotated[FolderSource | PackageSource | HubSource | UrlSource, Field(discriminator="kind")]
    watch: str
    """File or folder whose change makes DVC collect again."""
    limit: Positive | None
    min_side: Positive
    max_side: Positive
    max_pixels: Positive
    max_bytes: Positive
    nsfw_threshold: Share
    near_duplicate_bits: HashBits
    """Images at most this many pHash bits apart are duplicates; 0 keeps only exact copies out."""
    drop_near_duplicates: bool
    cluster_bits: HashBits
    validation_share: Share
    test_share: Share
    workers: Positive

    @model_validator(mode="after")
    def _shares_leave_room(self) -> "Images":
        if self.validation_share + self.test_share >= 1.0:
            raise ValueError("validation_share + test_share must be below 1, to leave images for training")
        return self


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


class Patterns(Section):
    inspiration: Positive | None
    """How many images to discover patterns in; null for all of them."""
    merge_similarity: Share
    min_support: Positive


class Generate(Section):
    per_image: Positive
    nearest: Count
    """Patterns of other images tried on each image."""
    workers: Positive


class Augment(Section):
    variations: Count
    """Rewrites kept for each triplet, at most."""
    criteria: list[str]
    max_similarity: Share
    """To every kept sibling: above it a variation says nothing new."""
    min_similarity: Share
    """Below it a variation has left its subject."""
    max_words: Positive
    twin_tries: Positive
    """Images tried in search of a harmless one for a text."""
    counterpart_share: Share
    """Share of harmless twins that keep the image and change the text."""


class Build(Section):
    unsafe_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    max_per_image: Positive


class Corpora(Section):
    names: Annotated[list[FolderName], Field(min_length=1), AfterValidator(_distinct)]
    kind: Literal["embedded", "folder"]
    root: str
    """Folder with one subfolder per corpus, each in its public layout."""
    on_missing: Literal["error", "skip"]
    split: str


class Finetune(Section):
    train_sets: Annotated[list[Literal["rms", "risk_oriented"]], Field(min_length=1), AfterValidator(_distinct)]


class RiskOriented(Section):
    per_risk: Positive


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


class Params(Section):
    """Everything in `params.yaml`."""

    experiment: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    offline: bool
    max_failure_rate: Share
    """Share of questions without an answer above which a stage stops."""
    images: Images
    assistant: Assistant
    checker: Assistant
    patterns: Patterns
    generate: Generate
    augment: Augment
    build: Build
    risk_oriented: RiskOriented
    corpora: Corpora
    finetune: Finetune
    judge: Judge
    evaluate: Evaluate
    report: Report


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check `params.yaml`.

    Raises RmsError with one line that names the key, the value and what is allowed.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RmsError(f"{path}: not found; run `rms params` in the project folder to compose it from conf/") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RmsError(f"{path}: not valid YAML ({one_line(error)}); run `rms params` to compose it again") from None
    return check_params(values, str(path))


def check_params(values: Any, where: str) -> Params:
    """Validate a composed configuration; `where` names it in errors."""
    if not isinstance(values, dict):
        raise RmsError(f"{where}: holds no parameters; run `rms params` to compose it again")
    missing = next(_missing(values), None)
    if missing:
        raise RmsError(f"{where}: {missing} = ???: a value must be given: {missing}=VALUE")
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise RmsError(f"{where}: {_explain(error, values)}") from None


def _missing(values: Any, prefix: str = "") -> Any:
    """Dotted keys whose value is Hydra's mark for 'to be given', which DVC writes out as plain text."""
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        name = f"{prefix}{key}"
        if value == "???":
            yield name
        else:
            yield from _missing(value, f"{name}.")


def _explain(error: ValidationError, values: dict[str, Any]) -> str:
    fault = error.errors(include_url=False)[0]
    path = _path_in(fault["loc"], values)
    key = ".".join(map(str, path)) or "the whole file"
    match fault["type"]:
        case "extra_forbidden":
            known = ", ".join(sorted(_siblings(path)))
            return f"{key}: unknown key; known here: {known}"
        case "missing":
            return f"{key}: missing; run `rms params` to compose a complete file"
        case "union_tag_invalid":
            allowed = fault["ctx"]["expected_tags"]
            return f"{key}.kind = {fault['ctx']['tag']!r}: must be one of {allowed}"
        case "union_tag_not_found":
            return f"{key}.kind: missing; it says which kind of {path[-1]} this is"
    message = fault["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(fault["input"], dict) else f" = {fault['input']!r}"
    return f"{key}{shown}: {one_line(message[0].lower() + message[1:])}"


def _path_in(location: tuple[int | str, ...], values: Any) -> tuple[int | str, ...]:
    """`location` without the tags that pydantic puts in for the chosen member of a union."""
    path: list[int | str] = []
    for position, part in enumerate(location):
        last = position == len(location) - 1
        tag = isinstance(values, dict) and part not in values and values.get("kind") == part
        if tag and not last:
            continue
        path.append(part)
        if isinstance(values, dict):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int):
            values = values[part] if part < len(values) else None
    return tuple(path)


def _siblings(path: tuple[int | str, ...]) -> set[str]:
    """Names the model knows at the level of `path`'s last key, over every member of a union."""
    models: list[Any] = [Params]
    for part in path[:-1]:
        models = [
            member
            for model in models
            if part in model.model_fields
            for member in _section_types(model.model_fields[part].annotation)
        ]
    return {name for model in models for name in model.model_fields}


def _section_types(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    arguments = getattr(annotation, "__args__", ())
    return [found for argument in arguments for found in _section_types(argument)]
