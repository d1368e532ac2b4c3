"""Photographs of a dataset on the Hugging Face Hub, streamed; a local dataset folder works as well."""

import itertools
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from rms.errors import RmsError, one_line
from rms.images.faults import ImageFault
from rms.images.sources.raw import Photographs, RawImage
from rms.params import HubSource

_MESSAGE = 300  # characters of another library's error that fit in a line


def photographs(source: HubSource, max_bytes: int) -> Photographs:
    """The rows of one split in the dataset's order, named by split and row number.

    Raises RmsError when the dataset, configuration, revision, split or column cannot be had.
    """
    return Photographs(_read(source, max_bytes))


def _read(source: HubSource, max_bytes: int) -> Iterator[RawImage]:
    label = f"hub:{source.name}" + (f"@{source.revision}" if source.revision else "")
    address = "" if Path(source.name).is_dir() else f"https://huggingface.co/datasets/{source.name}"
    for number, picture in enumerate(_pictures(source)):
        path = picture.get("path") or ""
        yield RawImage(
            name=f"{source.split}/{number:08d}",
            data=_bytes(picture, source.name, max_bytes),
            source=label,
            licence=source.licence,
            attribution=source.attribution,
            url=address,
            extension=PurePosixPath(path).suffix,
        )


def _pictures(source: HubSource) -> Iterator[dict[str, Any]]:
    """The undecoded values of the image column: `bytes` or None, and `path` or None."""
    import datasets  # noqa: PLC0415

    try:
        rows = datasets.load_dataset(
            source.name, source.config, revision=source.revision, split=source.split, streaming=True
        )
        columns = rows.column_names or [name for row in itertools.islice(rows, 1) for name in row]
        _check_column(source, columns)
        rows = rows.select_columns([source.image_column]).cast_column(source.image_column, datasets.Image(decode=False))
        for row in rows:
            yield row[source.image_column] or {}
    except RmsError:
        raise
    except Exception as error:  # the libraries below (HTTP, file systems, parsers) each have their own kinds
        raise RmsError(
            f"hub dataset {source.name} (config {source.config}, revision {source.revision}, split {source.split}): "
            f"{one_line(error)[:_MESSAGE]}; check images.source, the network and `offline`"
        ) from None


def _check_column(source: HubSource, columns: list[str]) -> None:
    if source.image_column not in columns:
        known = ", ".join(columns) or "none"
        raise RmsError(
            f"hub dataset {source.name}: no column {source.image_column!r}; set images.source.image_column; "
            f"columns are: {known}"
        )


def _bytes(picture: dict[str, Any], dataset: str, max_bytes: int) -> bytes | ImageFault:
    data, path = picture.get("bytes"), picture.get("path")
    if data is not None:
        return bytes(data)
    if not path:
        return ImageFault("unreadable", "the row holds no picture")
    if not _belongs(path, dataset):
        return ImageFault("outside_folder", "the row points to a file outside the dataset")
    import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        with fsspec.open(path, "rb") as file:
            return bytes(file.read(max_bytes + 1))  # one more than allowed tells that it is too large
    except Exception as error:  # as above
        return ImageFault("unreadable", one_line(error)[:_MESSAGE])


def _belongs(path: str, dataset: str) -> bool:
    """Whether a path in a row, possibly a chain like `zip://a.jpg::hf://...`, ends in the dataset itself."""
    container = path.rsplit("::", maxsplit=1)[-1]
    if Path(dataset).is_dir():
        return Path(container).resolve().is_relative_to(Path(dataset).resolve())
    return container.startswith((f"hf://datasets/{dataset}@", f"hf://datasets/{dataset}/")) and ".." not in container
