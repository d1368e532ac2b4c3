"""Whatever the bytes, the outcome is an upright RGB picture or a fault with a stable reason."""

import random
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image, ImageCms

from rms.images.decode import Limits, decode, encode, normalise, shrink
from rms.images.faults import REASONS, ImageFault

LIMITS = Limits(max_bytes=20_000_000, max_pixels=50_000_000, min_side=16, max_side=512)
DATA = Path(skimage.__file__).parent / "data"


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.open(DATA / "chelsea.png").convert("RGB").resize((96, 64))


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def fault(data: bytes, extension: str = "", limits: Limits = LIMITS) -> ImageFault:
    with pytest.raises(ImageFault) as caught:
        decode(data, limits, extension)
    assert caught.value.reason in REASONS
    assert caught.value.detail and "\n" not in caught.value.detail
    return caught.value


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95}, 6),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("GIF", {}, 20),
    ],
)
def test_every_format_gives_the_same_picture(photo, kind, options, tolerance):
    decoded = decode(encoded(photo, kind, **options), LIMITS)
    assert decoded.mode == "RGB"
    assert np.abs(pixels(decoded) - pixels(photo)).mean() <= tolerance


def test_palette_grey_and_one_bit_become_rgb(photo):
    for mode, tolerance in (("P", 20), ("L", 40), ("1", 120)):
        decoded = decode(encoded(photo.convert(mode), "PNG"), LIMITS)
        assert decoded.mode == "RGB"
        assert np.abs(pixels(decoded) - pixels(photo)).mean() < tolerance


def test_cmyk_keeps_its_colours():
    red = Image.new("RGB", (32, 32), (220, 30, 40)).convert("CMYK")
    for data in (encoded(red, "JPEG", quality=95), encoded(red, "TIFF")):
        assert np.abs(pixels(decode(data, LIMITS)).mean(axis=(0, 1)) - (220, 30, 40)).max() < 8


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_white_and_opaque_ones_keep_their_colour(mode):
    picture = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    picture.paste((10, 10, 10, 255), (0, 0, 16, 32))
    if mode == "P":
        flat = Image.new("P", (32, 32), 1)
        flat.putpalette([10, 10, 10, 200, 0, 0])
        flat.paste(0, (0, 0, 16, 32))
        data = encoded(flat, "PNG", transparency=1)
    else:
        data = encoded(picture.convert(mode), "PNG")
    decoded = pixels(decode(data, LIMITS))
    assert (decoded[:, :16] == 10).all()
    assert (decoded[:, 16:] == 255).all()


def test_half_transparent_is_blended_with_white():
    data = encoded(Image.new("RGBA", (32, 32), (0, 0, 0, 128)), "PNG")
    assert np.abs(pixels(decode(data, LIMITS)) - 127).max() <= 1


def test_transparent_colour_of_an_rgb_png_is_white():
    picture = Image.new("RGB", (32, 32), (1, 2, 3))
    picture.paste((90, 90, 90), (0, 0, 16, 32))
    decoded = pixels(decode(encoded(picture, "PNG", transparency=(1, 2, 3)), LIMITS))
    assert (decoded[:, 16:] == 255).all()
    assert (decoded[:, :16] == 90).all()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.linspace(0, 65535, 32 * 32).astype(np.uint16), "PNG"),
        (np.linspace(0, 65535, 32 * 32).astype(np.uint16), "TIFF"),
        (np.linspace(0, 65535, 32 * 32).astype(np.int32), "TIFF"),
        (np.linspace(0, 1, 32 * 32).astype(np.float32), "TIFF"),
        (np.linspace(-700, 2000, 32 * 32).astype(np.float32), "TIFF"),
    ],
    ids=["uint16 png", "uint16 tiff", "int32", "float 0..1", "float beyond"],
)
def test_deep_greyscale_uses_the_whole_range(values, kind):
    decoded = pixels(decode(encoded(Image.fromarray(values.reshape(32, 32)), kind), LIMITS))
    ramp = decoded[:, :, 0].ravel()
    assert (ramp[0], ramp[-1]) == (0, 255)
    assert np.abs(ramp - np.linspace(0, 255, 32 * 32)).max() <= 1


def test_float_picture_with_holes_is_not_lost():
    values = np.full((32, 32), np.nan, dtype=np.float32)
    values[:16] = 1.0
    decoded = pixels(decode(encoded(Image.fromarray(values), "TIFF"), LIMITS))
    assert (decoded[:16] == 255).all()
    assert (decoded[16:] == 0).all()


def test_sixteen_bit_half_grey_stays_half_grey():
    data = encoded(Image.fromarray(np.full((32, 32), 32896, dtype=np.uint16)), "PNG")
    assert (pixels(decode(data, LIMITS)) == 128).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation(kind):
    first, second = Image.new("RGB", (32, 32), (250, 0, 0)), Image.new("RGB", (32, 32), (0, 0, 250))
    data = encoded(first, kind, save_all=True, append_images=[second])
    assert np.abs(pixels(decode(data, LIMITS)).mean(axis=(0, 1)) - (250, 0, 0)).max() < 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(kind, orientation):
    """A red corner, stored turned as a camera would, comes out at the top left."""
    upright = Image.new("RGB", (64, 32), "white")
    upright.paste((255, 0, 0), (0, 0, 16, 16))
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(inverse[orientation]) if orientation in inverse else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(encoded(stored, kind, exif=exif), LIMITS)
    assert decoded.size == (64, 32)
    assert np.abs(pixels(decoded)[2:14, 2:14].mean(axis=(0, 1)) - (255, 0, 0)).max() < 8
    assert pixels(decoded)[20:, 20:].mean() > 250


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_photograph(photo):
    data = encoded(photo, "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff garbage")
    assert decode(data, LIMITS).size == photo.size


def test_a_phone_picture_with_a_second_one_behind_it_is_a_jpeg(photo):
    data = encoded(photo, "MPO", save_all=True, append_images=[photo])
    assert decode(data, LIMITS, ".jpg").size == photo.size


def test_empty_file():
    assert fault(b"").reason == "empty"


@pytest.mark.parametrize(
    "data", [b"<html>404</html>", b"BM is how this text begins", b"RIFF....WAVEfmt ", b"\x00" * 99]
)
def test_other_content_is_not_an_image_whatever_its_name(data):
    assert fault(data, ".jpg").reason == "not_an_image"


@pytest.mark.parametrize("kind", ["PPM", "ICO", "PDF"])
def test_formats_off_the_list_are_never_opened(photo, kind):
    assert fault(encoded(photo, kind)).reason == "not_an_image"


def test_a_png_named_jpg_is_mislabelled(photo):
    png = encoded(photo, "PNG")
    assert fault(png, ".jpg").reason == "mislabelled"
    assert fault(png, ".JPEG").reason == "mislabelled"
    for fine in (".png", ".PNG", "", ".dat"):
        assert decode(png, LIMITS, fine).size == photo.size


def test_bytes_and_sides_are_limited(photo):
    data = encoded(photo, "PNG")
    assert fault(data, limits=LIMITS._replace(max_bytes=len(data) - 1)).reason == "too_large"
    assert fault(data, limits=LIMITS._replace(min_side=65)).reason == "too_small"
    assert decode(data, LIMITS._replace(max_bytes=len(data), min_side=64)).size == photo.size


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_known_by_its_header(side):
    """A PNG that announces a huge picture and holds next to nothing; decoding it would allocate gigabytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 99))
        + chunk(b"IEND", b"")
    )
    assert fault(data).reason == "decompression_bomb"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_half_a_file_is_truncated(photo, kind):
    data = encoded(photo, kind)
    assert fault(data[: len(data) // 2]).reason == "truncated"


def test_lab_keeps_its_colours(photo):
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    decoded = decode(encoded(ImageCms.applyTransform(photo, to_lab), "TIFF"), LIMITS)
    assert np.abs(pixels(decoded) - pixels(photo)).mean() < 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_end_in_a_picture_or_a_fault(photo, kind):
    """120 files with random damage: nothing but an RGB picture or a known reason comes out."""
    whole = encoded(photo, kind, exif=Image.Exif()) if kind in {"JPEG", "PNG", "WEBP"} else encoded(photo, kind)
    draw = random.Random(kind)
    faults = 0
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 20)):
            # Headers are where decoders are most trusting.
            data[draw.randrange(min(len(data), draw.choice([60, 400, len(data)])))] = draw.randrange(256)
        try:
            assert decode(bytes(data[: draw.randint(1, 2 * len(data))]), LIMITS).mode == "RGB"
        except ImageFault as caught:
            assert caught.reason in REASONS
            faults += 1
    assert faults > 0


def test_normalised_picture_is_within_size_keeps_its_shape_and_is_never_enlarged(photo):
    large = Image.open(BytesIO(normalise(photo.resize((1200, 800)), 512)))
    assert (large.size, large.format, large.mode) == ((512, 341), "JPEG", "RGB")
    assert shrink(photo, 512).size == photo.size
    assert shrink(Image.new("RGB", (3000, 2)), 512).size == (512, 1)


def test_normalised_bytes_are_repeatable_and_carry_no_metadata(photo):
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    data = encoded(photo, "JPEG", exif=exif, comment=b"a secret comment", icc_profile=b"a secret profile")
    first, second = (normalise(decode(data, LIMITS), 512) for _ in range(2))
    assert first == second
    assert b"secret" in data and b"secret" not in first


def test_full_colour_resolution_survives_encoding():
    """Red and blue columns one pixel wide would blur into purple with halved chroma."""
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2, 0] = 255
    stripes[:, 1::2, 2] = 255
    stored = pixels(Image.open(BytesIO(encode(Image.fromarray(stripes)))))
    assert np.abs(stored - stripes).mean() < 12


def test_a_large_jpeg_decoded_at_reduced_scale_looks_the_same():
    full = Image.open(DATA / "astronaut.png").convert("RGB").resize((4096, 3072))
    data = encoded(full, "JPEG", quality=92)
    reduced = decode(data, LIMITS)
    assert 1024 <= max(reduced.size) < 4096
    assert np.abs(pixels(shrink(reduced, 512)) - pixels(shrink(full, 512))).mean() < 2
