"""A training split of every public dataset that can be trained on, in its published layout; texts are harmless."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

IMAGES = 20
"""In each dataset; every one looks like no other."""


def pixels(seed: int) -> bytes:
    """A picture of its own: coarse noise, so that its perceptual hash is far from all others."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


def vlguard(folder: Path) -> None:
    rows = []
    for number in range(IMAGES):
        safe = number % 2 == 0
        asked = [{"safe_instruction": _text("vlguard", number)}, {"unsafe_instruction": _text("vlguard not", number)}]
        pairs = asked if safe else [{"instruction": _text("vlguard", number)}]
        rows.append({"id": str(number), "image": f"{number}.png", "safe": safe, "instr-resp": pairs})
        _picture(folder / f"train/{number}.png", 1000 + number)
    _json(folder / "train.json", rows)


def spa_vl(folder: Path) -> None:
    rows = [
        {"image": _cell(2000 + number), "question": _text("spa", number), "chosen": "Better not.", "rejected": "Do it."}
        for number in range(IMAGES)
    ]
    _parquet(folder / "data/train-00000-of-00001.parquet", rows)


def beavertails_v(folder: Path) -> None:
    rows = [
        {
            "image": _cell(3000 + number), "question": _text("beavertails", number), "category": "animal_abuse",
            "response": f"Answer {answer}.", "is_response_safe": answer,
        }
        for number in range(IMAGES)
        for answer in ("yes", "no")
    ]  # fmt: skip
    _parquet(folder / "data/animal_abuse/train.parquet", rows)


def mis(folder: Path) -> None:
    rows = []
    for number in range(IMAGES // 2):
        names = [f"images/{number}_{part}.png" for part in (1, 2)]
        for part, name in enumerate(names):
            _picture(folder / name, 4000 + 2 * number + part)
        rows.append({"id": number, "image": names, "question": _text("mis", number), "category": "Violence"})
    _json(folder / "mis_train.json", rows)


def rms2(folder: Path) -> None:
    rows = []
    for number in range(3 * IMAGES):
        rows.append({"image": f"{number}.png", "query": _text("rms2", number), "unsafe": number % 3 > 0})
        _picture(folder / f"images/{number}.png", 5000 + number)
    _json(folder / "privacy.json", rows)


def local(folder: Path) -> None:
    rows = []
    for number in range(IMAGES):
        rows.append({"image": f"{number}.png", "text": _text("local", number), "label": ["safe", "unsafe"][number % 2]})
        _picture(folder / f"{number}.png", 6000 + number)
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "vlguard": vlguard, "spa_vl": spa_vl, "beavertails_v": beavertails_v, "mis": mis, "rms2": rms2, "local": local,
}  # fmt: skip


def _text(dataset: str, number: int) -> str:
    return f"{dataset} asks about thing {number} beside the {'abcdefghijklmnopqrstuvwxyz'[number % 26] * 3}"


def _picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pixels(seed))


def _cell(seed: int) -> dict[str, object]:
    return {"bytes": pixels(seed), "path": None}


def _json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def _parquet(path: Path, rows: Sequence[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
