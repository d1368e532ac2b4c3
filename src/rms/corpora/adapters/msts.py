"""MSTS: 200 images, each with a question and a plan that are unsafe with it, in eleven languages."""

from collections.abc import Iterator
from pathlib import Path

from rms.corpora.base import Adapter, Download, Entry, Fault, Field, Option, Row, Split
from rms.corpora.files import table
from rms.corpora.parquet import Cell

LANGUAGES = (
    *("english", "arabic", "chinese", "farsi", "french", "german"),
    *("hindi", "italian", "korean", "russian", "spanish"),
)
"""English has 400 prompts, the others the 200 questions."""


class MSTS(Adapter):
    name = "msts"
    source = "felfri/MSTS"
    homepage = "https://huggingface.co/datasets/felfri/MSTS"
    revision = "e9ae69e8"  # of the repository paul-rottger/msts-multimodal-safety, which holds the prompts as CSV
    licence = "CC-BY-4.0"
    gated = False
    label_of = "query"
    classes = "unsafe"
    splits = (Split("test", 400, Download("felfri/MSTS", ("data/*.parquet",))),)
    trainable = False
    options = (Option("language", LANGUAGES),)
    id_field = "prompt_id"
    layout = "data/LANGUAGE-*.parquet, or prompts_LANGUAGE.csv (or .tsv) and the folder unsafe_images/"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - it has one split
        language = self.chosen["language"]
        files = (
            f"data/{language}-*.parquet",
            f"prompts_{language}.csv",
            f"prompts_{language}.tsv",
            f"data/prompts/{language}_multimodal.csv",
        )
        return table(folder, files, ("prompt_text", "hazard_category"))

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:  # noqa: ARG002
        yield Row(
            entry,
            images=(_image(entry),),
            roots=("unsafe_images", "data/unsafe_images", "images"),
            suffixes=(".jpg", ".png", ".jpeg", ".webp", ""),
            text=entry.field("prompt_text"),
            label="unsafe",
            categories=entry.filled("hazard_category", "hazard_subcategory"),
        )


def _image(entry: Entry) -> Field:
    """The picture itself where the table holds it, else its id, which is its file's name without the ending."""
    inside = entry.field("unsafe_image")
    return inside if isinstance(inside.value, Cell) else entry.field("unsafe_image_id")
