"""Small corpora on disk, in the layouts the adapters read."""

import csv
import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from rms.corpora import adapter, read
from rms.records import CorpusImage, CorpusReject, CorpusSample


def picture(path: Path, colour: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 32), colour).save(path)
    return path


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def pixels(colour: str = "red") -> bytes:
    """An encoded picture."""
    buffer = BytesIO()
    Image.new("RGB", (48, 32), colour).save(buffer, "PNG")
    return buffer.getvalue()


def cell(colour: str = "red") -> dict[str, object]:
    """A picture as the Hub's tables hold it."""
    return {"bytes": pixels(colour), "path": f"{colour}.png"}


def write_parquet(path: Path, rows: Sequence[Mapping[str, object]], rows_per_group: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=rows_per_group)
    return path


def write_csv(path: Path, rows: Sequence[Mapping[str, object]], delimiter: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        table.writeheader()
        table.writerows(rows)
    return path


def local(folder: Path, *rows: object) -> Path:
    """A `local` corpus of these rows, with one picture `a.png`."""
    picture(folder / "a.png")
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "samples.jsonl").write_text(lines, encoding="utf-8")
    return folder


def row(**changes: object) -> dict[str, object]:
    """A good row of a `local` corpus, changed."""
    return {"image": "a.png", "text": "Is this a good place to rest?", "label": "safe"} | changes


def records(
    name: str, folder: Path, split: str = "test", **options: str
) -> tuple[list[CorpusImage], list[CorpusSample], list[CorpusReject]]:
    """What `read` yields, by kind."""
    found = list(read(adapter(name, options), folder, split))
    return (
        [item for item in found if isinstance(item, CorpusImage)],
        [item for item in found if isinstance(item, CorpusSample)],
        [item for item in found if isinstance(item, CorpusReject)],
    )
