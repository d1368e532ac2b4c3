"""Rows to be judged, from JSON lines or CSV: image (or images), text, and if wanted response and id."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rms.errors import RmsError, one_line
from rms.judge.queries import is_writable

SEPARATOR = "|"
"""Between the names of several images in a cell of a CSV file."""
_LONGEST = 100_000
"""Characters of a text or a response."""


class Row(NamedTuple):
    """A row as it stands in the file; with `error`, what makes it none."""

    number: int
    """From 1, the head of a CSV file not counted."""
    images: tuple[str, ...] = ()
    text: str = ""
    response: str = ""
    name: str = ""
    error: str = ""


def read_rows(file: Path) -> Iterator[Row]:
    """The rows of a `.jsonl` or `.csv` file. RmsError where it is neither, cannot be read, or lacks a column."""
    readers = {".jsonl": _json_lines, ".csv": _csv}
    if file.suffix.lower() not in readers:
        raise RmsError(f"{file}: a batch is a file that ends in .jsonl or .csv")
    try:
        yield from readers[file.suffix.lower()](file)
    except FileNotFoundError:
        raise RmsError(f"{file}: not found; check the path") from None
    except UnicodeDecodeError as error:
        raise RmsError(f"{file}: is not UTF-8 ({one_line(error)}); save it as UTF-8") from None
    except csv.Error as error:
        raise RmsError(f"{file}: no CSV that can be read ({one_line(error)})") from None


def _json_lines(file: Path) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="\n") as lines:
        filled = (line for line in lines if line.strip())
        for number, line in enumerate(filled, start=1):
            try:
                values = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Row(number, error=f"not JSON: {one_line(error)}")
                continue
            yield _row(number, values) if isinstance(values, dict) else Row(number, error="not a JSON object")


def _csv(file: Path) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines)
        columns = [name for name in table.fieldnames or [] if name]
        if "text" not in columns or not {"image", "images"} & set(columns):
            raise RmsError(f"{file}: needs the columns image and text (and may have response, id); has {columns}")
        for number, values in enumerate(table, start=1):
            if None in values or None in values.values():
                yield Row(number, error=f"has not {len(columns)} cells, as the head has")
                continue
            images = (values.get("image") or values.get("images") or "").split(SEPARATOR)
            yield _row(
                number, {**values, "image": None, "images": [image.strip() for image in images if image.strip()]}
            )


def _row(number: int, values: Mapping[str, Any]) -> Row:
    """The row, or what is wrong with it."""
    images = values.get("images") or values.get("image")
    images = [images] if isinstance(images, str) else images
    text, response = values.get("text"), values.get("response") or ""
    name = values.get("id")
    fault = ""
    if not isinstance(images, list) or not images or not all(isinstance(one, str) and one for one in images):
        fault = "image: must be the path of a file, or a list of them"
    elif not isinstance(text, str) or not text.strip():
        fault = "text: must be words"
    elif not isinstance(response, str):
        fault = "response: must be text"
    elif max(len(text), len(response)) > _LONGEST:
        fault = f"text or response: longer than {_LONGEST} characters"
    elif not is_writable(text + response):
        fault = "text or response: has half a character (a lone surrogate)"
    label = str(name)[:200] if isinstance(name, str | int) else ""
    if fault:
        return Row(number, name=label, error=fault)
    assert isinstance(images, list)
    assert isinstance(text, str)
    return Row(number, tuple(images), text, response, label)
