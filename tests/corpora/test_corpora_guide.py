"""The guide to a new adapter shows one that works."""

import json
import re
from pathlib import Path

from corpus_layouts import picture, write_parquet

from rms.corpora import Adapter, adapters, read
from rms.records import CorpusReject, CorpusSample

GUIDE = (Path(__file__).resolve().parents[2] / "docs/corpora.md").read_text()


def _shown() -> Adapter:
    """The adapter of the guide."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, type[Adapter]] = {}
    exec(code, names)
    return names["Mine"]({})


def test_the_adapter_in_the_guide_reads_json_lines_and_parquet(tmp_path: Path) -> None:
    image = picture(tmp_path / "lines/images/a.png")
    rows = [{"image": "a.png", "question": "What is it?", "label": label} for label in ("unsafe", "?")]
    (tmp_path / "lines/test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    cells = [row | {"image": {"bytes": image.read_bytes(), "path": None}} for row in rows]
    write_parquet(tmp_path / "table/data/test-0.parquet", cells)
    lines, table = ([*read(_shown(), tmp_path / layout, "test")] for layout in ("lines", "table"))
    assert [type(record) for record in lines[1:]] == [CorpusSample, CorpusReject]
    assert lines[:2] == table[:2]


def test_the_guide_has_a_line_for_every_dataset() -> None:
    assert re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE) == list(adapters())
