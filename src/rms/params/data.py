"""How data is made and which corpora are read: from `patterns:` to `finetune:`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rms.params.section import Count, FolderName, Positive, Section, Seed, Share, distinct


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
    names: Annotated[list[FolderName], Field(min_length=1), AfterValidator(distinct)]
    kind: Literal["embedded", "folder"]
    root: str
    """Folder with one subfolder per corpus, each in its public layout."""
    on_missing: Literal["error", "skip"]
    split: str
    options: dict[FolderName, dict[FolderName, str]]
    """By corpus: which language, level or part is read. What there is to choose, its adapter says."""


class Finetune(Section):
    train_sets: Annotated[list[Literal["rms", "risk_oriented"]], Field(min_length=1), AfterValidator(distinct)]
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(distinct)]
    """Each judge is fine-tuned once with each."""


class RiskOriented(Section):
    per_risk: Positive
