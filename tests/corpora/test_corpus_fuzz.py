"""Whatever the annotation files hold, the only exception that leaves a parser is RmsError."""

import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from corpus_layouts import picture, records
from hypothesis import given, settings
from hypothesis import strategies as st

from rms.errors import RmsError

FILES = {
    "vlguard": "test.json",
    "siuo": "siuo_gen.json",
    "mssbench": "combined.json",
    "figstep": "safebench.csv",
    "local": "samples.jsonl",
}
KEYS = [
    *("image", "safe", "instr-resp", "safe_instruction", "unsafe_instruction", "instruction", "harmful_category"),
    *("chat", "queries", "Type", "safe_image_path", "unsafe_image_path"),
    *("embodied", "category", "unsafe", "safe_instructions", "question", "text", "label"),
]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["a.png", ".."])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


def _read(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        picture(folder / "a.png")
        (folder / FILES[name]).write_bytes(content)
        with contextlib.suppress(RmsError):
            records(name, folder)


@pytest.mark.parametrize("name", ["vlguard", "siuo", "mssbench", "local"])
@settings(max_examples=60, deadline=None)
@given(value=VALUES | st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=3))
def test_json_of_any_shape(name: str, value: Any) -> None:
    _read(name, json.dumps(value).encode())


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes(name: str, content: bytes) -> None:
    _read(name, content)


@settings(max_examples=60, deadline=None)
@given(content=st.text(alphabet='a1,"\n\r\0\ufeff;é', max_size=80))
def test_csv_with_a_good_header(content: str) -> None:
    _read("figstep", f"dataset,category_id,task_id,category_name\n{content}".encode())
