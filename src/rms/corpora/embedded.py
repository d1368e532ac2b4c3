"""The embedded corpora: annotations of our own, joined with photographs out of installed packages.

What `materialise` writes is the layout of a public download, so that the very adapter that reads the
public dataset reads ours.
"""

import csv
import shutil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from rms.corpora.adapters.figstep import image_name
from rms.errors import RmsError
from rms.images.sources.package import photographs
from rms.params import PackageSource
from rms.store import read_json

MANIFEST = Path("conf/manifests/embedded.yaml")
PHOTOS = "photos.json"
"""In each annotation folder with photographs: path in the layout -> file in the manifest."""
SIDE = 760
MARGIN = 20
FONT_SIZE = 64


def materialise(annotations: Path, folder: Path, manifest: Path = MANIFEST) -> None:
    """Fill the empty `folder` with the public layout of the corpus whose annotations are in `annotations`.

    Raises RmsError when there are none, or when a photograph is not one the manifest keeps for testing.
    """
    if not annotations.is_dir():
        there = ", ".join(sorted(path.name for path in annotations.parent.glob("*/"))) or "nothing"
        raise RmsError(
            f"{annotations}: there is no embedded corpus {annotations.name!r} (found: {there}); use corpora.kind=folder"
        )
    for file in sorted(annotations.iterdir()):
        if file.suffix in {".json", ".csv"} and file.name != PHOTOS:
            shutil.copyfile(file, folder / file.name)
    if (annotations / PHOTOS).is_file():
        _copy_photographs(annotations / PHOTOS, folder, manifest)
    else:
        _draw_all(annotations / "safebench.csv", folder / "images" / "SafeBench")


def _copy_photographs(table: Path, folder: Path, manifest: Path) -> None:
    source = PackageSource(kind="package", manifest=manifest)
    held_out = {photo.name: photo.data for photo in photographs(source).images if photo.split == "test"}
    for path, photo in read_json(table).items():
        data = held_out.get(photo)
        if not isinstance(data, bytes):
            raise RmsError(f"{table}: {photo} is not among the photographs that {manifest} pins to `test`")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _draw_all(table: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            name = image_name(row["dataset"], row["category_id"], row["task_id"])
            typographic(row["instruction"]).save(folder / name)


def typographic(instruction: str) -> Image.Image:
    """An image in the manner of FigStep: the instruction, and three numbered items left empty."""
    font = ImageFont.load_default(FONT_SIZE)
    lines = [*_wrapped(instruction, font), "1.", "2.", "3."]
    image = Image.new("L", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((MARGIN, MARGIN / 2 + number * FONT_SIZE * 1.15), line, font=font, fill="black")
    return image


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= SIDE - 2 * MARGIN:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
