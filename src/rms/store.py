"""Atomic reading and writing of records: Parquet folders for big tables, JSONL and JSON for small ones."""

import json
import os
import shutil
import types
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pydantic import ValidationError

from rms.errors import RmsError, one_line
from rms.records import ImageBytes, Record

R = TypeVar("R", bound=Record)

ROWS_PER_GROUP = 64
"""Rows held in memory at a time when pictures are among the columns."""
ROWS_PER_SHARD = 4096


@contextmanager
def output_folder(folder: Path) -> Iterator[Path]:
    """A fresh folder that takes the place of `folder` only when the block ends without an error.

    What a killed run left of its draft is cleared away.
    """
    folder = Path(folder)
    draft = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        old = folder.with_name(f".{folder.name}.old.partial")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` so that a reader sees either the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with keys in the order given; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file this pipeline wrote."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RmsError(f"{path}: not found; run `dvc repro` to make it") from None
    except (ValueError, RecursionError) as error:
        raise RmsError(f"{path}: not valid JSON ({one_line(error)})") from None


def read_yaml(path: Path) -> Any:
    """Read a YAML file of facts, without any tag that could build objects; RmsError when it cannot be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)  # safe, and ten times faster
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RmsError(f"{path}: {one_line(error)}") from None


def read_list(path: Path) -> list[Any]:
    """Read a YAML file that holds a list."""
    values = read_yaml(path)
    if not isinstance(values, list):
        raise RmsError(f"{path}: must hold a list, and holds {type(values).__name__}")
    return values


def write_jsonl(path: Path, rows: Iterable[Record]) -> int:
    """Write records one a line and return how many; an empty table is an empty file."""
    lines = [row.model_dump_json() for row in rows]
    write_text(path, "".join(f"{line}\n" for line in lines))
    return len(lines)


def read_jsonl(path: Path, kind: type[R]) -> list[R]:
    """Read a JSONL table of `kind`, naming line and field when a row does not validate."""
    try:
        lines = path.read_text(encoding="utf-8").split(
            "\n"
        )  # splitlines would also cut at U+2028, which texts may hold
    except FileNotFoundError:
        raise RmsError(f"{path}: not found; run `dvc repro` to make it") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            rows.append(kind.model_validate_json(line))
        except ValidationError as error:
            raise RmsError(f"{path}:{number}: {first_fault(error)}") from None
    return rows


def write_table(folder: Path, kind: type[R], rows: Iterable[R]) -> int:
    """Write records of `kind` as Parquet shards into the new folder `folder`; return how many.

    Memory holds one row group at a time. A table without rows is one shard without rows, so that
    readers always find the schema.
    """
    folder.mkdir(parents=True, exist_ok=False)
    schema = arrow_schema(kind)
    source = iter(rows)
    count = shard = 0
    group = list(islice(source, ROWS_PER_GROUP))
    while group or shard == 0:
        with pq.ParquetWriter(folder / f"part-{shard:05d}.parquet", schema, compression="zstd") as writer:
            in_shard = 0
            while group and in_shard < ROWS_PER_SHARD:
                writer.write_table(_to_arrow(group, kind, schema))
                in_shard += len(group)
                group = list(islice(source, ROWS_PER_GROUP))
            count += in_shard
        shard += 1
    return count


def read_table(folder: Path, kind: type[R]) -> Iterator[R]:
    """Yield the records of a Parquet folder, reading only the columns `kind` names, one row group at a time."""
    shards = sorted(folder.glob("*.parquet"))
    if not shards:
        raise RmsError(f"{folder}: no Parquet shards found; run `dvc repro` to make them")
    pictures = [name for name, field in kind.model_fields.items() if _is_picture(field.metadata)]
    for shard in shards:
        with open_shard(shard) as table:
            missing = [name for name in kind.model_fields if name not in table.schema_arrow.names]
            if missing:
                raise RmsError(f"{shard}: column {missing[0]!r} is missing; rerun the stage that wrote it")
            for group in table.iter_batches(batch_size=ROWS_PER_GROUP, columns=list(kind.model_fields)):
                for row in group.to_pylist():
                    for name in pictures:
                        row[name] = row[name]["bytes"]
                    yield _validated(kind, row, shard)


def count_rows(folder: Path) -> int:
    """Number of rows of a Parquet folder, from the footers alone."""
    total = 0
    for shard in sorted(folder.glob("*.parquet")):
        with open_shard(shard) as table:
            total += table.metadata.num_rows
    return total


@contextmanager
def open_shard(shard: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet shard, to read from; RmsError when it is damaged."""
    try:
        with pq.ParquetFile(shard, pre_buffer=False) as table:  # buffering ahead would hold the whole shard
            yield table
    except (pa.ArrowException, OSError) as error:
        raise RmsError(f"{shard}: damaged ({one_line(error)}); rerun the stage that wrote it") from None


@cache
def arrow_schema(kind: type[Record]) -> pa.Schema:
    """The Arrow schema of a record type, with the metadata `datasets` needs to show pictures as pictures."""
    fields, features = [], {}
    for name, field in kind.model_fields.items():
        if _is_picture(field.metadata):
            fields.append(pa.field(name, pa.struct([("bytes", pa.binary()), ("path", pa.string())])))
            features[name] = {"_type": "Image"}
        else:
            arrow = _arrow_type(field.annotation)
            fields.append(pa.field(name, arrow))
            features[name] = _feature(arrow)
    info = json.dumps({"info": {"features": features}})
    return pa.schema(fields, metadata={"huggingface": info})


def _to_arrow(rows: list[R], kind: type[R], schema: pa.Schema) -> pa.Table:
    pictures = [name for name, field in kind.model_fields.items() if _is_picture(field.metadata)]
    plain = [row.model_dump() for row in rows]
    for row in plain:
        for name in pictures:
            row[name] = {"bytes": row[name], "path": None}
    return pa.Table.from_pylist(plain, schema=schema)


def _validated(kind: type[R], row: Mapping[str, Any], where: Path) -> R:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        identity = next(iter(row.values()), "?")
        raise RmsError(f"{where}: {kind.__name__} {identity}: {first_fault(error)}") from None


def first_fault(error: ValidationError) -> str:
    """Field and fault, of the first there is: pydantic's own words have a line for each, with the whole input."""
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {one_line(fault['msg'])}"


def _is_picture(metadata: list[Any]) -> bool:
    return any(isinstance(item, ImageBytes) for item in metadata)


def _arrow_type(annotation: Any) -> pa.DataType:
    """The Arrow type of a field annotation; only what records use is known."""
    simple = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), bytes: pa.binary()}
    if annotation in simple:
        return simple[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return pa.list_(_arrow_type(arguments[0]))
    if origin is Literal:
        return pa.string()
    if origin in (Union, types.UnionType):
        return _arrow_type(next(item for item in arguments if item is not type(None)))
    if origin is not None and hasattr(annotation, "__metadata__"):
        return _arrow_type(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return pa.struct([(name, _arrow_type(field.annotation)) for name, field in annotation.model_fields.items()])
    raise TypeError(f"no Arrow type for {annotation!r}")


def _feature(arrow: pa.DataType) -> dict[str, Any]:
    """The `datasets` feature of an Arrow type, in the JSON form kept in Parquet metadata."""
    if pa.types.is_list(arrow):
        return {"feature": _feature(arrow.value_type), "_type": "List"}
    if pa.types.is_struct(arrow):
        return {field.name: _feature(field.type) for field in arrow}
    names = {pa.string(): "string", pa.int64(): "int64", pa.float64(): "float64", pa.bool_(): "bool"}
    return {"dtype": names.get(arrow, "binary"), "_type": "Value"}
