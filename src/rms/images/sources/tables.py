"""Tables of addresses: CSV, TSV and Parquet, read a few rows at a time."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from rms.errors import RmsError, one_line
from rms.params import UrlSource


class Address(NamedTuple):
    """One row of the table."""

    url: str
    licence: str


def read_addresses(source: UrlSource) -> Iterator[Address]:
    """The rows in the order of the table; a row without a licence of its own has the source's.

    Raises RmsError when there is no such table, it cannot be read, or a named column is missing.
    """
    rows = {".csv": _delimited, ".tsv": _delimited, ".parquet": _parquet}.get(source.table.suffix.lower())
    if rows is None:
        raise RmsError(f"{source.table}: must be a .csv, .tsv or .parquet file; set images.source.table")
    columns = [name for name in (source.url_column, source.licence_column) if name is not None]
    try:
        for row in rows(source.table, columns):
            licence = row.get(source.licence_column) if source.licence_column else None
            yield Address(str(row[source.url_column] or "").strip(), str(licence or source.licence))
    except FileNotFoundError:
        raise RmsError(f"{source.table}: no such file; set images.source.table to a table of addresses") from None
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise RmsError(f"{source.table}: cannot be read ({one_line(error)}); mend the table") from None


def _delimited(table: Path, columns: list[str]) -> Iterator[Mapping[str, Any]]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t" if table.suffix.lower() == ".tsv" else ",")
        _check(table, columns, list(reader.fieldnames or []))
        yield from reader


def _parquet(table: Path, columns: list[str]) -> Iterator[Mapping[str, Any]]:
    with pq.ParquetFile(table) as file:
        _check(table, columns, file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=1024, columns=columns):
            yield from batch.to_pylist()


def _check(table: Path, columns: list[str], known: list[str]) -> None:
    missing = next((name for name in columns if name not in known), None)
    if missing is not None:
        raise RmsError(
            f"{table}: no column {missing!r}; set images.source.url_column or licence_column; "
            f"columns are: {', '.join(known) or 'none'}"
        )
