"""RMS2: the data of the paper, one JSON file a class. Its fields are documented nowhere, so they are looked for."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rms.corpora.base import Adapter, Download, Entry, Fault, Field, Row, Split
from rms.corpora.files import json_value, keyed, listed, matching
from rms.corpora.labels import SAFE_IF_TRUE, UNSAFE_IF_TRUE, spelled
from rms.records import Label
from rms.seeds import content_id

REPO = "NewCityLetter/RMS2"
IMAGE = ("image", "image_path", "img", "img_path", "image_name", "file_name", "filename", "image_file", "images")
TEXT = ("text", "query", "question", "instruction", "prompt", "user_query", "input", "caption")
RISK = ("label", "unsafe", "is_unsafe", "harmful", "risky")
"""Fields whose truth is unsafe."""
SAFETY = ("safe", "is_safe", "safety")
"""Fields whose truth is safe."""
TEST_SHARE = 5
"""One image in so many is for testing."""


class RMS2(Adapter):
    name = "rms2"
    source = REPO
    homepage = "https://huggingface.co/datasets/NewCityLetter/RMS2"
    revision = None
    licence = "Apache-2.0"
    gated = False
    label_of = "query"
    classes = "both"
    derived = (
        "rows without a label of their own count as unsafe, which is what the dataset collects; it has no published "
        "split, and one image in five, by the hash of its path, is read as test"
    )
    splits = (Split("test", None, Download(REPO, ("*",))), Split("train", None, Download(REPO, ("*",))))
    trainable = True
    layout = "one JSON file for each class (discrimination.json and so on) and the images they name"

    def entries(self, folder: Path, split: str) -> Iterator[Entry | Fault]:  # noqa: ARG002 - parse() splits
        for file in matching(folder, ("*.json",)):
            yield from _records(json_value(folder, file), folder, file)

    def parse(self, entry: Entry, split: str) -> Iterator[Row | Fault]:
        image, text = (_first(entry, names) for names in (IMAGE, TEXT))
        for wanted, field in (("an image", image), ("a text", text)):
            if field is None:
                fields = ", ".join(f"{name!a:.40}" for name in list(entry.values)[:12]) or "nothing"
                yield entry.fault(Field("", None), "missing_field", f"found no field for {wanted}; it has {fields}")
                return
        if image is None or text is None or _split(image) != split:
            return
        several = isinstance(image.value, list)
        yield Row(
            entry,
            images=tuple(entry.items(image.name)) if several else (image,),
            roots=("", "images", PurePosixPath(entry.file).stem),
            text=text,
            label=_label(entry),
            categories=(Field("class", PurePosixPath(entry.file).stem), *_category(entry)),
        )


def _records(value: object, folder: Path, file: str) -> Iterator[Entry | Fault]:
    """A list of records, a mapping from id to record, or a mapping with one such list in it."""
    if not isinstance(value, dict):
        return listed(value, folder, file)
    lists = [name for name, inner in value.items() if isinstance(inner, list)]
    if len(lists) == 1 and not any(isinstance(inner, dict) for inner in value.values()):
        return listed(value[lists[0]], folder, file)
    return keyed(value, folder, file)


def _first(entry: Entry, names: tuple[str, ...]) -> Field | None:
    return next((entry.field(name) for name in names if name in entry.values), None)


def _category(entry: Entry) -> tuple[Field, ...]:
    return tuple(field for field in entry.filled("category") if isinstance(field.value, str))


def _split(image: Field) -> str:
    """By the paths of a row's images, so that rows with the same image share a split."""
    paths = image.value if isinstance(image.value, list) else [image.value]
    named = content_id(*(ascii(path) for path in paths if isinstance(path, str)))
    return "test" if int(named, 16) % TEST_SHARE == 0 else "train"


def _label(entry: Entry) -> Label:
    for names, spellings in ((RISK, UNSAFE_IF_TRUE), (SAFETY, SAFE_IF_TRUE)):
        field = _first(entry, names)
        if field is not None:
            return spelled(entry, field.name, spellings)
    return "unsafe"
