"""Small corpora on disk, in the layouts the adapters read."""

import json
from pathlib import Path

from PIL import Image

from rms.corpora import adapter
from rms.corpora.reader import read
from rms.records import CorpusImage, CorpusReject, CorpusSample


def picture(path: Path, colour: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 32), colour).save(path)
    return path


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
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
    name: str, folder: Path, split: str = "test"
) -> tuple[list[CorpusImage], list[CorpusSample], list[CorpusReject]]:
    """What `read` yields, by kind."""
    found = list(read(adapter(name), folder, split))
    return (
        [item for item in found if isinstance(item, CorpusImage)],
        [item for item in found if isinstance(item, CorpusSample)],
        [item for item in found if isinstance(item, CorpusReject)],
    )
