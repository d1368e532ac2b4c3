"""`images:` what to collect, and what to leave out."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rms.params.section import Count, HashBits, Positive, Section, Share


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
