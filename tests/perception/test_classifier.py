import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image as Pillow

from rms.perception import perceive

CAT = Path(skimage.__file__).parent / "data/chelsea.png"
COFFEE = Path(skimage.__file__).parent / "data/coffee.png"


def test_a_cat_is_seen_as_a_cat():
    probabilities = perceive(CAT.read_bytes())
    assert probabilities.shape == (1000,)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-4)
    assert probabilities[281:286].sum() > 0.8


def test_threads_change_nothing():
    files = [CAT.read_bytes(), COFFEE.read_bytes()] * 2
    alone = [perceive(file) for file in files]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(perceive, files))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize(("mode", "size"), [("L", (300, 40)), ("RGB", (1, 1)), ("P", (40, 300)), ("RGBA", (224, 224))])
def test_any_shape_and_mode_is_seen(mode, size):
    out = io.BytesIO()
    Pillow.new(mode, size).save(out, format="PNG")
    assert np.isfinite(perceive(out.getvalue())).all()
