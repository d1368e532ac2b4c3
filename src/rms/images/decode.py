"""Bytes of unknown origin to an upright RGB picture, or an `ImageFault` that says why not.

Nothing is decoded before the header has been judged: format, number of pixels and sides come first, so a
decompression bomb costs as little as a small file.
"""

import re
import struct
from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.Image import Resampling, Transpose

from rms.errors import one_line
from rms.images.faults import ImageFault

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""The only decoders ever offered the bytes."""

EXTENSIONS: Mapping[str, str] = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""File name endings, in lower case, and the format each promises."""

_SIGNATURE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|BM....\0\0\0\0|II\*\0|MM\0\*", re.DOTALL
)
_UPRIGHT: Mapping[int, Transpose] = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_JPEG_QUALITY = 92


class Limits(NamedTuple):
    """What a file may weigh and measure: bytes, pixels of the original, and sides in pixels."""

    max_bytes: int
    max_pixels: int
    min_side: int
    max_side: int
    """Longest side of the normalised picture. Larger JPEGs may be decoded at a reduced scale,
    never below twice this size, which is several times faster and leaves the resampling its detail."""


def decode(data: bytes, limits: Limits, extension: str = "") -> Image.Image:
    """The picture in `data`: RGB, upright by its EXIF orientation, first frame, transparency over white.

    `extension` is the ending of the file's name; an empty or unknown one promises no format.
    Raises ImageFault with one of the reasons `empty`, `too_large`, `not_an_image`, `mislabelled`,
    `decompression_bomb`, `too_small`, `truncated`.
    """
    if not data:
        raise ImageFault("empty", "0 bytes")
    if len(data) > limits.max_bytes:
        raise ImageFault("too_large", f"{len(data)} bytes, at most {limits.max_bytes} allowed")
    with _open(data, limits) as image:
        _check_header(image, limits, extension)
        if image.format == "JPEG" and max(image.size) > 2 * limits.max_side:
            scale = 2 * limits.max_side / max(image.size)
            image.draft(None, (round(image.width * scale), round(image.height * scale)))
        try:
            image.load()
            return _upright(_as_rgb(image), _orientation(image))
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error) as error:
            raise ImageFault("truncated", one_line(error)) from None


def shrink(image: Image.Image, max_side: int) -> Image.Image:
    """`image` with its longest side at most `max_side` pixels; never enlarged."""
    if max(image.size) <= max_side:
        return image
    scale = max_side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Resampling.LANCZOS, reducing_gap=3.0)


def encode(image: Image.Image) -> bytes:
    """`image` as JPEG without any metadata, colours at full resolution (4:4:4)."""
    buffer = BytesIO()
    bare = Image.new("RGB", image.size)  # Pillow writes back comments it finds in `image.info`
    bare.paste(image)
    bare.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def normalise(image: Image.Image, max_side: int) -> bytes:
    """`image` as it is stored: within `max_side`, JPEG, no metadata; the same input gives the same bytes."""
    return encode(shrink(image, max_side))


def _open(data: bytes, limits: Limits) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageFault("decompression_bomb", f"more than {limits.max_pixels} pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        if _SIGNATURE.match(data):
            raise ImageFault("truncated", "the header cannot be read") from None
        kind = type(error).__name__ if not isinstance(error, UnidentifiedImageError) else "unknown content"
        raise ImageFault("not_an_image", f"{kind}; known are {', '.join(FORMATS)}") from None


def _check_header(image: Image.Image, limits: Limits, extension: str) -> None:
    # Pillow calls a JPEG with further pictures behind it (many phones write one) MPO.
    found = "JPEG" if image.format == "MPO" else image.format
    promised = EXTENSIONS.get(extension.lower(), found)
    if found != promised:
        raise ImageFault("mislabelled", f"named {extension} but the content is {found}")
    width, height = image.size
    if width * height > limits.max_pixels:
        raise ImageFault("decompression_bomb", f"{width} x {height} pixels, at most {limits.max_pixels} allowed")
    if min(width, height) < limits.min_side:
        raise ImageFault("too_small", f"{width} x {height} pixels, at least {limits.min_side} on each side needed")


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_to_8_bit(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, with_alpha).convert("RGB")
    return image.convert("RGB")


def _to_8_bit(grey: np.ndarray) -> np.ndarray:
    """Greyscale of more than 8 bits, shape (height, width), to 0..255.

    The range is taken from what such files hold: 0..1 for floats, 0..65535 for integers; values outside
    are stretched from their least to their greatest. Not-a-number is black.
    """
    values = np.nan_to_num(grey.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = 0.0, 1.0 if grey.dtype.kind == "f" else 65535.0
    if values.min() < low or values.max() > high:
        low, high = values.min(), max(values.max(), values.min() + 1.0)  # a picture of one value has no range
    return np.rint((values - low) * (255.0 / (high - low))).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) when there is none or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)
