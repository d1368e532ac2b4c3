"""Whatever a corpus' files hold, the only exception that leaves a parser is RmsError, and nothing leaves its folder."""

import contextlib
import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_layouts import pixels, records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from public_layouts import LAYOUTS

from rms.corpora import adapter
from rms.corpora.base import Row
from rms.errors import RmsError
from rms.seeds import content_id

PICTURES = {".png", ".jpg"}
SECRET = "secret.png"
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["a.png", "..", f"../{SECRET}", f"..\\{SECRET}", "/etc/passwd", "\ud800", "\0", "x" * 100_001])
)
VALUES: st.SearchStrategy[Any] = SCALARS | st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)
CSV_LETTERS = 'a1.,/"\n\r\0;é'
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _annotations(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in PICTURES)


@contextlib.contextmanager
def _layout(name: str) -> Iterator[Path]:
    """The corpus' public layout, with a picture outside that no path may reach."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "corpus"
        LAYOUTS[name](folder)
        (Path(place) / SECRET).write_bytes(pixels("purple"))
        yield folder


def _read(name: str, folder: Path) -> None:
    """Read every split; each row becomes a sample or a reject, and the picture outside is never among them."""
    corpus = adapter(name)
    for split in corpus.splits:
        with contextlib.suppress(RmsError):
            pictures, samples, rejects = records(name, folder, split.name)
            assert content_id(pixels("purple")) not in {picture.image_id for picture in pictures}
            assert len(samples) + len(rejects) == sum(1 for _ in corpus.rows(folder, split.name))
            for reject in rejects:
                assert reject.reason
                assert "\n" not in reject.model_dump_json()


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a JSON value something can be replaced."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = _replaced(value[path[0]], path[1:], new)
    return changed


@pytest.mark.parametrize("name", LAYOUTS)
@QUICK
@given(data=st.data())
def test_any_bytes(name: str, data: st.DataObject) -> None:
    with _layout(name) as folder:
        file = data.draw(st.sampled_from(_annotations(folder)))
        file.write_bytes(data.draw(st.binary(max_size=100)))
        _read(name, folder)


@pytest.mark.parametrize("name", LAYOUTS)
@QUICK
@given(data=st.data())
def test_a_file_cut_or_with_bytes_changed(name: str, data: st.DataObject) -> None:
    with _layout(name) as folder:
        file = data.draw(st.sampled_from(_annotations(folder)))
        content = bytearray(file.read_bytes())
        for _ in range(data.draw(st.integers(0, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        _read(name, folder)


@pytest.mark.parametrize("name", LAYOUTS)
@QUICK
@given(data=st.data())
def test_any_value_anywhere_in_a_record(name: str, data: st.DataObject) -> None:
    with _layout(name) as folder:
        file = data.draw(st.sampled_from(_annotations(folder)))
        match file.suffix:
            case ".json":
                value = json.loads(file.read_text())
                place = data.draw(st.sampled_from(list(_places(value))))
                file.write_text(json.dumps(_replaced(value, place, data.draw(VALUES))))
            case ".jsonl":
                record = json.loads(file.read_text().splitlines()[0])
                place = data.draw(st.sampled_from(list(_places(record))))
                file.write_text(f"{json.dumps(_replaced(record, place, data.draw(VALUES)))}\n{file.read_text()}")
            case ".csv":
                header = file.read_text().splitlines()[0]
                rows = data.draw(st.text(alphabet=CSV_LETTERS, max_size=60))
                file.write_text(f"{header}\n{rows}\n")
            case _:
                table = pq.read_table(file)
                column = data.draw(st.sampled_from(table.column_names))
                values = [data.draw(SCALARS.filter(_encodable))] * table.num_rows
                with contextlib.suppress(pa.ArrowException, OverflowError):
                    table = table.set_column(table.column_names.index(column), column, pa.array(values))
                pq.write_table(table, file)
        _read(name, folder)


@pytest.mark.parametrize("name", LAYOUTS)
@QUICK
@given(data=st.data())
def test_a_column_or_field_renamed(name: str, data: st.DataObject) -> None:
    with _layout(name) as folder:
        rows = [row for split in adapter(name).splits for row in adapter(name).rows(folder, split.name)]
        fields = {key for row in rows if isinstance(row, Row) for key in row.entry.values if key}
        field = data.draw(st.sampled_from(sorted(fields)))
        for file in _annotations(folder):
            if file.suffix == ".parquet":
                table = pq.read_table(file)
                pq.write_table(table.rename_columns([f"{c}2" if c == field else c for c in table.column_names]), file)
            else:
                file.write_text(file.read_text().replace(field, f"{field}2"))
        _read(name, folder)


def _encodable(value: object) -> bool:
    return not isinstance(value, str) or value.isprintable()
