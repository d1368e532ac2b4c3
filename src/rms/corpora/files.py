"""Annotation files of other people, read with suspicion: JSON, JSON lines, CSV and Parquet to entries.

A file that is unreadable as a whole is an RmsError; a single bad record is a Fault.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from rms.corpora.base import Entry, Fault
from rms.corpora.parquet import parquet_rows, repeated
from rms.corpora.paths import Refusal, locate
from rms.errors import RmsError, one_line

MAX_BYTES = 1 << 30
"""The largest known annotation file has a tenth of it."""
DELIMITERS = {".csv": ",", ".tsv": "\t"}


def table(folder: Path, patterns: tuple[str, ...], required: tuple[str, ...] = ()) -> Iterator[Entry | Fault]:
    """Entries of the files that match the first of `patterns` to match any, read by their endings.

    A pattern is a path in which `*` stands for any part of a name. `required` columns are asked of CSV and
    Parquet files; a JSON record says for itself what it lacks. RmsError when nothing matches.
    """
    for file in matching(folder, patterns):
        match PurePosixPath(file).suffix:
            case ".parquet":
                yield from parquet_rows(folder, file, required)
            case ".csv" | ".tsv":
                yield from csv_rows(folder, file, required)
            case ".jsonl":
                yield from json_lines(folder, file)
            case _:
                yield from listed(json_value(folder, file), folder, file)


def matching(folder: Path, patterns: tuple[str, ...]) -> list[str]:
    """Files of the first pattern that matches any, relative to `folder` and sorted; RmsError when none does.

    Hidden files are none of the corpus': they are notes of ours, and of file systems and editors.
    """
    for pattern in patterns:
        files = (path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))
        paths = sorted(path.relative_to(folder).as_posix() for path in files)
        if paths:
            return [_decodable(folder, path) for path in paths]
    others = "".join(f" or {pattern}" for pattern in patterns[1:])
    raise RmsError(f"{folder / patterns[0]}{others}: annotation file not found; put the corpus' files there")


def json_value(folder: Path, file: str) -> object:
    """The parsed content of a JSON file, a byte order mark allowed."""
    text = _text(folder, file)
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
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


def keyed(value: object, folder: Path, file: str) -> Iterator[Entry | Fault]:
    """Entries of a parsed mapping from id to record; the id is the record's `id` where it has none."""
    if not isinstance(value, dict):
        raise RmsError(f"{folder / file}: must map ids to records, found {type(value).__name__}")
    for key, record in value.items():
        entry = _entry(record, file, f"{key.encode('ascii', 'backslashreplace').decode():.40}")
        yield entry._replace(values={"id": key, **entry.values}) if isinstance(entry, Entry) else entry


def json_lines(folder: Path, file: str) -> Iterator[Entry | Fault]:
    """Entries of a file with one JSON record a line; blank lines count, but are none."""
    for number, line in enumerate(_text(folder, file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError) as error:
            yield Fault(file, str(number), "", "invalid_json", one_line(error))
        else:
            yield _entry(record, file, str(number))


def csv_rows(folder: Path, file: str, required: tuple[str, ...]) -> Iterator[Entry | Fault]:
    """Entries of a CSV or TSV file with a header; RmsError when one of the `required` columns is missing."""
    csv.field_size_limit(sys.maxsize)  # the size of the file is limited; how long a text may be, the reader says
    delimiter = DELIMITERS[PurePosixPath(file).suffix]
    reader = csv.DictReader(io.StringIO(_text(folder, file), newline=""), delimiter=delimiter, strict=True)
    try:
        header = reader.fieldnames or []
        absent = [name for name in required if name not in header]
        if absent:
            found = ", ".join(f"{name!a:.40}" for name in header[:12]) or "nothing"
            raise RmsError(
                f"{folder / file}: column {absent[0]!r} is missing; the header has {found}{_advice(header, required)}"
            )
        if (twice := repeated(header)) is not None:
            raise RmsError(f"{folder / file}: column {twice!a:.80} stands there twice; keep the one that counts")
        for number, record in enumerate(reader, start=1):
            if None in record:
                yield Fault(file, str(number), "", "too_many_columns", f"more than the header's {len(header)}")
            else:
                present = {name: value for name, value in record.items() if value is not None}
                yield Entry(file, str(number), present)
    except csv.Error as error:
        raise RmsError(f"{folder / file}:{reader.line_num}: not valid CSV ({one_line(error)})") from None


def _advice(header: Sequence[str], required: tuple[str, ...]) -> str:
    """A hint for a file whose columns are all there, but divided by another character."""
    for other in ",;\t|":
        names = {name.strip().strip('"') for name in "".join(header[:1]).split(other)}
        if len(header) == 1 and names.issuperset(required):
            return f"; its columns are divided by {other!a}: save it with commas (.csv) or tabs (.tsv)"
    return ""


def _decodable(folder: Path, path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise RmsError(f"{folder}: {path!a:.120} is no UTF-8 file name; rename it") from None
    return path


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object as a mapping; a name that stands twice would silently lose its first value."""
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError(f"{repeated(name for name, _ in pairs)!a:.80} stands twice in one object")
    return record


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
