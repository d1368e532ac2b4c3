"""The learning check: what only picture and words together tell is learned, and the twins cannot learn it."""

import io
from collections.abc import Sequence
from itertools import product

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score
from tiny_models import save_idefics3

from rms.judge import Example, Query
from rms.judge.interface import Modality
from rms.judge.vlm import Plan, VlmJudge
from rms.judge.vlm.checkpoints import Checkpoints

WARM = [(220, 40, 40), (230, 130, 30), (230, 210, 40), (200, 60, 140)]
COOL = [(40, 60, 220), (40, 180, 200), (40, 190, 80), (110, 60, 200)]
SWEET = ["apples", "dates", "honey", "grapes"]
SALTY = ["bread", "cheese", "olives", "crisps"]
COLOURS, FOODS = [*WARM, *COOL], [*SWEET, *SALTY]


def _photo(colour: tuple[int, int, int], draw: np.random.Generator) -> bytes:
    """A square of about this colour somewhere on grey."""
    pixels = np.full((32, 32, 3), 127, np.uint8)
    left, top = draw.integers(0, 12, 2)
    pixels[top : top + 20, left : left + 20] = np.clip(np.array(colour) + draw.normal(0, 15, 3), 0, 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _rows(pairs: Sequence[tuple[int, int]], each: int, draw: np.random.Generator) -> list[Example]:
    """Unsafe are sweet things with warm colours and salty ones with cool colours; colours and foods by number."""
    return [
        Example(Query((_photo(COLOURS[colour], draw),), f"I brought {FOODS[food]}."), int((colour < 4) == (food < 4)))
        for colour, food in pairs
        for _ in range(each)
    ]


def test_a_tiny_vlm_learns_what_only_both_modalities_tell_and_its_twins_do_not(settings, tmp_path):
    draw = np.random.default_rng(0)
    pairs = list(product(range(8), range(8)))
    unseen = [(colour, food) for colour, food in pairs if (colour + food) % 4 == 0]
    seen = [pair for pair in pairs if pair not in unseen]
    train, validation, test = _rows(seen, 16, draw), _rows(seen, 2, draw), _rows(unseen, 12, draw)
    labels = [row.label for row in test]
    assert sum(labels) == len(labels) / 2
    base = save_idefics3(tmp_path / "base", [row.query.text for row in train])
    chosen = settings(model=str(base), lr=4e-3, epochs=14, batch_size=16, warmup_ratio=0.1, evaluations=1)
    reached: dict[Modality, float] = {}
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        for modality in ("full", "text_only", "image_only"):
            judge = VlmJudge.untrained(modality, Plan(chosen, 0, tmp_path / modality, checkpoints))
            judge.fit(train, validation)
            reached[modality] = float(roc_auc_score(labels, judge.p_unsafe([row.query for row in test])))
    print(reached)
    assert reached["full"] > 0.95
    assert 0.4 <= reached["text_only"] <= 0.6
    assert 0.4 <= reached["image_only"] <= 0.6
