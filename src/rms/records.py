"""The records that flow through the pipeline, and the ids that name them.

Ids are hashes of content: the same input gives the same id on any machine. A record that does not
validate is an error that names the record and the field, never a silent skip.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Split = Literal["train", "validation", "test"]
Label = Literal["safe", "unsafe"]
Verdict = Literal["safe", "unsafe", "unsure"]
Modality = Literal["image", "text", "together"]

Text = Annotated[str, Field(min_length=1)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class ImageBytes:
    """Marks a `bytes` field that holds an encoded picture, so that it is stored as `datasets.Image`."""


Pixels = Annotated[bytes, ImageBytes()]


class Record(BaseModel):
    """Base of all records: immutable, and strict about unknown fields and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ImageInfo(Record):
    """A collected photograph without its pixels."""

    image_id: Text
    """Content id of the original file's bytes: the stored JPEG's depend on the encoder's version."""
    name: Text
    """Where it came from, relative to its source (a file name, a URL)."""
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    sha256: Text
    """Of the original file."""
    phash: Text
    """64-bit perceptual hash, 16 hexadecimal digits."""
    cluster_id: Text
    """Photographs that look alike share a cluster; splits never cut through one."""
    split: Split
    source: Text
    licence: str
    attribution: str
    url: str
    nsfw: Probability
    """Score of the screening model for the image alone."""


class Image(ImageInfo):
    """A collected photograph: RGB, upright, within the configured size, encoded as JPEG."""

    image: Pixels


class ImageReject(Record):
    """A file that was not taken, and why."""

    name: str
    reason: Text
    """One of the stable reason names of `rms.images`."""
    detail: str


class SceneElement(Record):
    """Something seen in an image, with the probability mass behind it."""

    name: Text
    confidence: Probability
    tags: list[str]


class Description(Record):
    """What an assistant sees in one image."""

    image_id: Text
    caption: Text
    elements: list[SceneElement]


class Provenance(Record):
    """Who made a text: enough to make it again."""

    assistant: Text
    model: Text
    version: Text
    """Version of the prompts or of the knowledge base."""
    seed: int
    family: str
    """The way of wording (a phrase family) where the assistant has a closed set of them, else empty."""


class Check(Record):
    """One verdict of the checker on an image, a text or both together."""

    modality: Modality
    verdict: Verdict
    score: Probability
    """Probability of unsafe."""
    by: Text
    reason: str


class Pattern(Record):
    """Scene element x innocent intent -> latent risk, as found in images."""

    pattern_id: Text
    element: Text
    intent: Text
    risk: Text
    category: Text
    support: Annotated[int, Field(ge=1)]
    example_image_ids: list[str]


class PatternFound(Record):
    """One image showed one pattern."""

    image_id: Text
    pattern_id: Text


class Triplet(Record):
    """Image, text and risk: image safe alone, text safe alone, risky together."""

    triplet_id: Text
    image_id: Text
    text: Text
    intent: Text
    """The innocent wish behind the text, free of its wording."""
    risk: Text
    category: Text
    pattern_id: Text
    rationale: str
    checks: list[Check]
    provenance: Provenance


class Candidate(Record):
    """A labelled image-text pair before splits are balanced: a triplet, a variation or a twin."""

    candidate_id: Text
    image_id: Text
    text: Text
    label: Label
    category: Text
    risk: str
    guidance: Text
    kind: Literal["triplet", "variation", "twin_image", "twin_text", "risk_oriented"]
    """`twin_image`: same text, harmless image. `twin_text`: same image, harmless text."""
    criterion: str
    """The augmentation criterion that made a variation, else empty."""
    parent_id: Text
    """The triplet a variation came from; the unsafe candidate a twin mirrors."""
    checks: list[Check]
    provenance: Provenance


class TextReject(Record):
    """A proposed text that was not taken, with the check that failed."""

    image_id: Text
    text: str
    kind: Text
    failed: Text
    """Name of the failed check, for example `text_alone` or `too_similar`."""
    detail: str
    parent_id: str


class SampleInfo(Record):
    """One row of the dataset, without pixels."""

    sample_id: Text
    image_id: Text
    text: Text
    label: Label
    category: Text
    risk: str
    guidance: Text
    kind: Text
    parent_id: Text
    family: str
    split: Split


class Sample(SampleInfo):
    """One row of the dataset as published, pixels and attribution included."""

    image: Pixels
    licence: str
    attribution: str


class CorpusFingerprint(Record):
    """A picture of a corpus without its pixels."""

    image_id: Text
    sha256: Text
    phash: Text


class CorpusImage(CorpusFingerprint):
    """A picture of a corpus, stored once however many samples use it."""

    image: Pixels


class CorpusText(Record):
    """The text of a corpus' sample, read alone where nothing else is needed."""

    sample_id: Text
    text: Text
    label_of: Literal["query", "response", "image"]


class CorpusSample(Record):
    """One row of a public safety dataset, normalised."""

    sample_id: Text
    corpus: Text
    split: Text
    image_ids: Annotated[list[str], Field(min_length=1)]
    text: Text
    response: str
    """Empty unless the label is of a response."""
    label: Label
    label_of: Literal["query", "response", "image"]
    category: str


class CorpusReject(Record):
    """A row of a corpus that could not be read, and why."""

    corpus: Text
    file: str
    row: str
    """Row number or id within `file`."""
    field: str
    reason: Text
    """A stable name, for example `missing_image`."""
    detail: str


class TrainSample(Record):
    """One row that a judge learns from, of whatever training set."""

    sample_id: Text
    split: Literal["train", "validation"]
    image_ids: Annotated[list[str], Field(min_length=1)]
    text: Text
    response: str
    """Empty unless the label is of a response."""
    label: Label
    risk: str
    """What the risk is, where the training set says."""
    source: Text
    """The training set the row comes from: another one's name for a safe row of the benign pool."""


class Contaminated(Record):
    """A row to learn from that was left out because a test set holds its picture or its text."""

    sample_id: Text
    text: Text
    corpus: Text
    """The test set, by the name it has in the matrix."""
    reason: Literal["same_image", "similar_image", "same_text", "similar_text"]
    """The first of these that applies."""
    found: Text
    """Id of the test set's image, or of its sample."""


class Prediction(Record):
    """A judge's probability that one sample is unsafe."""

    sample_id: Text
    corpus: Text
    judge: Text
    """`full`, `text_only`, `image_only` or `majority`."""
    seed: Annotated[int, Field(ge=0)]
    """The judge was fine-tuned with."""
    p_unsafe: Probability | None
    """None where the judge gave no verdict."""
    label: Label
    category: str
    image_id: Text
    """What the bootstrap clusters by: samples that share an image, directly or by way of others, have it alike."""
