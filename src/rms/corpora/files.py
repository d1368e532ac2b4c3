"""Annotation files of other people, read with suspicion: JSON, JSON lines and CSV to entries.

A file that is unreadable as a whole is an RmsError; a single bad record is a Fault.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Entry, Fault
from rms.corpora.paths import Refusal, locate
from rms.errors import RmsError, one_line

MAX_BYTES = 1 << 30
"""The largest known annotation file has a tenth of it."""


def json_value(folder: Path, file: str) -> object:
    """The parsed content of a JSON file, a byte order mark allowed."""
    text = _text(folder, file)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RmsError(
            f"{folder / file}:{error.lineno}: not valid JSON ({error.msg}); download the file again"
        ) from None
    except (ValueError, RecursionError) as error:
        raise RmsError(f"{folder / file}: not valid JSON ({one_line(error)}); download the file again") from None


def listed(value: object, folder: Path, file: str, prefix: str = "") -> Iterator[Entry | Fault]:
    """Entries of a parsed list of records; `prefix` tells the rows of several lists in a file apart."""
    if not isinstance(value, list):
        raise RmsError(f"{folder / file}: {prefix}must be a list of records, found {type(value).__name__}")
    for number, record in enumerate(value, start=1):
        yield _entry(record, file, f"{prefix}{number}")


def json_lines(folder: Path, file: str) -> Iterator[Entry | Fault]:
    """Entries of a file with one JSON record a line; blank lines count, but are none."""
    for number, line in enumerate(_text(folder, file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Fault(file, str(number), "", "invalid_json", one_line(error))
        else:
            yield _entry(record, file, str(number))


def csv_rows(folder: Path, file: str, required: tuple[str, ...]) -> Iterator[Entry | Fault]:
    """Entries of a CSV file with a header; RmsError when one of the `required` columns is missing."""
    csv.field_size_limit(sys.maxsize)  # the size of the file is limited; a long text is no fault
    reader = csv.DictReader(io.StringIO(_text(folder, file), newline=""), strict=True)
    try:
        header = reader.fieldnames or []
        absent = [name for name in required if name not in header]
        if absent:
            found = ", ".join(f"{name!a:.40}" for name in header[:12]) or "nothing"
            raise RmsError(f"{folder / file}: column {absent[0]!r} is missing; the header has {found}")
        for number, record in enumerate(reader, start=1):
            if None in record:
                yield Fault(file, str(number), "", "too_many_columns", f"more than the header's {len(header)}")
            else:
                present = {name: value for name, value in record.items() if value is not None}
                yield Entry(file, str(number), present)
    except csv.Error as error:
        raise RmsError(f"{folder / file}:{reader.line_num}: not valid CSV ({one_line(error)})") from None


def first_of(folder: Path, files: tuple[str, ...]) -> str:
    """The first of `files` that is in `folder`, or the first of all, for the error message about it."""
    return next((file for file in files if (folder / file).is_file()), files[0])


def _entry(record: object, file: str, row: str) -> Entry | Fault:
    if isinstance(record, dict):
        return Entry(file, row, record)
    return Fault(file, row, "", "wrong_type", f"{type(record).__name__}, not a record")


def _text(folder: Path, file: str) -> str:
    path = locate(folder.resolve(), file)
    if isinstance(path, Refusal):
        raise RmsError(f"{folder / file}: {path.detail or 'annotation file not found'}; put the corpus' files there")
    if path.stat().st_size > MAX_BYTES:
        raise RmsError(f"{folder / file}: larger than {MAX_BYTES >> 20} MiB, which no annotation file is")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RmsError(f"{folder / file}: cannot be read ({one_line(error.strerror)})") from None
    except UnicodeDecodeError as error:
        raise RmsError(f"{folder / file}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
