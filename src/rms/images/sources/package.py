"""Photographs that ship inside installed Python packages, each pinned by its sha256 in a manifest."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rms.errors import RmsError, one_line
from rms.images.fingerprints import sha256
from rms.images.sources.raw import Photographs, RawImage
from rms.params import PackageSource
from rms.records import Split


class Photo(BaseModel):
    """One line of the manifest."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    package: Annotated[str, Field(min_length=1)]
    """Distribution name, as given to `pip install`."""
    file: Annotated[str, Field(min_length=1)]
    """Path below site-packages, with forward slashes."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    licence: str
    attribution: str
    url: str
    split: Split | None = None

    @field_validator("file")
    @classmethod
    def _stays_inside(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or "\\" in file or ":" in file:
            raise ValueError("must be a path below site-packages")
        return file


class Manifest(BaseModel):
    """The photographs of a package source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    photos: Annotated[list[Photo], Field(min_length=1)]


def photographs(source: PackageSource) -> Photographs:
    """The manifest's photographs, ordered by file.

    Raises RmsError when the manifest, a package or a file is missing, or a file is not the pinned one.
    """
    photos = sorted(load_manifest(source.manifest).photos, key=lambda photo: photo.file)
    return Photographs(_read(photos, source.manifest), len(photos))


def _read(photos: list[Photo], manifest: Path) -> Iterator[RawImage]:
    for photo in photos:
        yield RawImage(
            name=photo.file,
            data=_pinned_bytes(photo, manifest),
            source=f"package:{photo.package}",
            licence=photo.licence,
            attribution=photo.attribution,
            url=photo.url,
            split=photo.split,
            extension=PurePosixPath(photo.file).suffix,
        )


def load_manifest(path: Path) -> Manifest:
    """Read and check a manifest; files must be named once each."""
    try:
        manifest = Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise RmsError(f"{path}: no such manifest; set images.source.manifest") from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the whole file"
        raise RmsError(f"{path}: {where}: {one_line(fault['msg'])}") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise RmsError(f"{path}: cannot be read as YAML ({one_line(error)})") from None
    names = [photo.file for photo in manifest.photos]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise RmsError(f"{path}: {twice} is listed twice; remove one of the entries")
    return manifest


def _pinned_bytes(photo: Photo, manifest: Path) -> bytes:
    try:
        file = Path(str(distribution(photo.package).locate_file(photo.file)))
    except PackageNotFoundError:
        raise RmsError(
            f"{manifest}: {photo.file} is in the package {photo.package}, which is not installed; "
            f"run `pip install {photo.package}`"
        ) from None
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RmsError(f"{file}: cannot be read ({error.strerror}); reinstall the package {photo.package}") from None
    found = sha256(data)
    if found != photo.sha256:
        raise RmsError(
            f"{file}: sha256 is {found[:12]}…, but {manifest} pins {photo.sha256[:12]}…; "
            f"install the version of {photo.package} that requirements.lock names"
        )
    return data
