"""Parquet annotation files: the rows at once, their pictures one at a time.

A dataset of the Hub has its pictures inside the table. An entry holds a `Cell` in the place of each, and
`pictures` reads them when their turn comes, so that memory holds a few rows of pixels and no more.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from rms.corpora.base import Entry
from rms.corpora.paths import Refusal, locate
from rms.errors import RmsError, one_line

ROWS_OF_TEXT = 256
ROWS_OF_PIXELS = 8
"""Read at a time."""
BUFFER_BYTES = 1 << 20
"""Without a buffer a whole column of a row group is read at once, and many files have one row group."""


class Cell(NamedTuple):
    """A picture inside a Parquet file."""

    file: str
    row: int
    """From 0."""
    column: str


class Content(NamedTuple):
    """What a cell holds: encoded bytes, or the path of a file, or neither."""

    data: bytes | None
    path: str | None


def parquet_rows(folder: Path, file: str, required: tuple[str, ...] = ()) -> Iterator[Entry]:
    """Entries of a Parquet file; RmsError when it is damaged, or one of the `required` columns is missing."""
    with _opened(folder, file) as table:
        schema = table.schema_arrow
        absent = [name for name in required if name not in schema.names]
        if absent:
            found = ", ".join(f"{name!a:.40}" for name in schema.names[:12]) or "nothing"
            raise RmsError(f"{folder / file}: column {absent[0]!r} is missing; the table has {found}")
        if (twice := repeated(schema.names)) is not None:
            raise RmsError(f"{folder / file}: column {twice!a:.80} stands there twice; keep the one that counts")
        cells = [field.name for field in schema if _holds_bytes(field.type)]
        texts = [name for name in schema.names if name not in cells]
        numbers = count()
        for batch in table.iter_batches(ROWS_OF_TEXT, columns=texts, use_threads=False):
            for record, number in zip(batch.to_pylist(), numbers, strict=False):
                pictures = {name: Cell(file, number, name) for name in cells}
                yield Entry(file, str(number + 1), record | pictures)


def repeated(names: Iterable[str]) -> str | None:
    """The first of `names` that stands there more than once; a mapping would silently lose one of its values."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


def pictures(folder: Path, cells: Iterable[Cell]) -> Iterator[Content]:
    """What each of `cells` holds, in their order, which should be that of the files' rows."""
    run: list[Cell] = []
    for cell in cells:
        if run and (cell.file != run[-1].file or cell.row < run[-1].row):
            yield from _one_pass(folder, run)
            run = []
        run.append(cell)
    if run:
        yield from _one_pass(folder, run)


def _one_pass(folder: Path, cells: list[Cell]) -> Iterator[Content]:
    """As `pictures`, for cells of one file in ascending rows."""
    waiting = iter(cells)
    cell: Cell | None = next(waiting)
    start = 0
    columns = list(dict.fromkeys(cell.column for cell in cells))
    with _opened(folder, cells[0].file) as table:
        for batch in table.iter_batches(ROWS_OF_PIXELS, columns=columns, use_threads=False):
            while cell is not None and cell.row < start + batch.num_rows:
                yield _content(batch.column(cell.column)[cell.row - start].as_py())
                cell = next(waiting, None)
            start += batch.num_rows
            if cell is None:
                return


def _content(value: Any) -> Content:
    if isinstance(value, dict):
        return Content(value.get("bytes"), value.get("path"))
    return Content(value, None)


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether a column is binary, or a picture as `datasets` stores it: a struct of bytes and path."""
    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        inner = kind.field(index).type if index >= 0 else None
        return inner is not None and bool(_is_binary(inner) or pa.types.is_null(inner))
    return _is_binary(kind)


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


@contextmanager
def _opened(folder: Path, file: str) -> Iterator[pq.ParquetFile]:
    path = locate(folder.resolve(), file)
    if isinstance(path, Refusal):
        raise RmsError(f"{folder / file}: {path.detail or 'annotation file not found'}; put the corpus' files there")
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES) as table:
            yield table
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise RmsError(f"{folder / file}: damaged ({one_line(error)[:200]}); download the file again") from None
