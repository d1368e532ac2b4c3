"""How data is made and which corpora are read: from `patterns:` to `finetune:`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from rms.params.section import (
    Count,
    FolderName,
    Fraction,
    Positive,
    Section,
    Seed,
    Share,
    distinct,
    rows_wanted,
    with_whole,
)


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


class TrainCorpora(Section):
    names: Annotated[list[FolderName], AfterValidator(distinct)]
    """Public datasets whose training split is read."""
    root: str
    """Folder with one subfolder per dataset, each in its public layout."""


OURS = ("rms", "risk_oriented")
"""The training sets that the pipeline makes itself."""


class Finetune(Section):
    train_sets: Annotated[list[FolderName], Field(min_length=1), AfterValidator(distinct)]
    """`OURS`, and any of `train_corpora.names`."""
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(distinct)]
    """Each judge is fine-tuned once with each."""
    size: Annotated[Literal["match"] | int | None, BeforeValidator(rows_wanted)]
    """Training rows of each: as many as the smallest has, so many, or all there are."""
    fractions: Annotated[list[Fraction], Field(min_length=1), AfterValidator(distinct), AfterValidator(with_whole)]
    """Of those rows: a judge for each, for the scaling curve."""
    benign_pool: FolderName | None
    """Training set whose safe rows complete one that has unsafe rows alone."""
    validation_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Of the images of a public dataset, which has no validation split that all share."""

    @property
    def own_tests(self) -> list[str]:
        """The datasets of ours whose test split judges are tried on, whatever they learned from."""
        return [name for name in OURS if name == "rms" or name in self.train_sets]


class RiskOriented(Section):
    per_risk: Positive
