import pytest
import yaml

from rms.dataset.card import card
from rms.dataset.statistics import statistics
from rms.records import ImageInfo, Provenance, SampleInfo

HOSTILE = "<script>alert(1)</script> | `rm -rf` \n\n# Heading {{ 7 * 7 }}"


def _image(image_id: str, licence: str, attribution: str) -> ImageInfo:
    return ImageInfo(
        image_id=image_id, name=image_id, width=9, height=9, sha256="0", phash="0" * 16, cluster_id=image_id,
        split="train", source="folder", licence=licence, attribution=attribution, url="", nsfw=0.0,
    )  # fmt: skip


def _sample(number: int, **changes) -> SampleInfo:
    facts = {
        "sample_id": str(number), "image_id": "a", "text": f"text number {number}", "label": "unsafe",
        "category": "fire",
        "risk": "r", "guidance": "g", "kind": "triplet", "parent_id": "p", "family": "wish", "split": "train",
    }  # fmt: skip
    return SampleInfo(**(facts | changes))


IMAGES = {"a": _image("a", "CC0-1.0", HOSTILE), "b": _image("b", "", "")}
SAMPLES = [
    _sample(1),
    _sample(2, category=HOSTILE),
    _sample(
        3, label="safe", risk="", kind="twin_text", text="text number 1", image_id="b", split="test", family="plan"
    ),
]
MAKERS = [Provenance(assistant="embedded", model=HOSTILE, version="1", seed=0, family=f) for f in ("wish", "plan")]


@pytest.fixture
def text() -> str:
    numbers = {**statistics(SAMPLES, IMAGES), "rms2": True}
    return card("A title", "How it was made.", numbers, IMAGES.values(), MAKERS, {"same_image": 4})


def test_the_header_is_what_the_hub_reads(text):
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["size_categories"] == ["n<1K"]
    assert [files["path"] for files in header["configs"][0]["data_files"]] == [
        "train/*.parquet", "validation/*.parquet", "test/*.parquet",
    ]  # fmt: skip


def test_licences_and_attributions_are_listed(text):
    assert "| `CC0-1.0` |" in text
    assert "| `unknown` | `none given` | `folder` |" in text


def test_texts_from_outside_cannot_become_markup(text):
    lines = [line for line in text.splitlines() if "script" in line]
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("| `"), line
        assert "`<script>alert(1)</script> / 'rm -rf' # Heading {{ 7 * 7 }}`" in line
    assert "\n# Heading" not in text


def test_tables_have_as_many_cells_in_each_row(text):
    rows = [line for line in text.splitlines() if line.startswith("|")]
    blocks = [block.splitlines() for block in "\n".join(text.splitlines()).split("\n\n") if block.startswith("|")]
    assert sum(map(len, blocks)) == len(rows)
    assert all(len({line.count("|") for line in block}) == 1 for block in blocks)


def test_the_same_maker_is_named_once_and_removals_are_counted(text):
    assert text.count("| `embedded` |") == 1
    assert "`same_image` 4." in text


def test_statistics_count_rows_images_and_texts():
    numbers = statistics(SAMPLES, IMAGES)
    assert (numbers["samples"], numbers["images"], numbers["unsafe"], numbers["distinct_texts"]) == (3, 2, 2, 2)
    assert numbers["unsafe_share"] == 0.6667
    assert numbers["splits"]["train"] == {"images": 1, "samples": 2, "unsafe": 2, "families": 1}
    assert numbers["splits"]["validation"]["samples"] == 0
    assert numbers["kinds"] == {"triplet": 2, "twin_text": 1}
    assert list(numbers["categories"].values()) == [1, 1]
    assert statistics([], {})["unsafe_share"] is None


@pytest.mark.parametrize(
    ("samples", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (35_610, "10K<n<100K"), (10**6, "100K<n<1M")]
)
def test_the_size_category_follows_the_number_of_samples(samples, size):
    numbers = {**statistics(SAMPLES, IMAGES), "rms2": False, "samples": samples}
    text = card("T", "M", numbers, [], [], {})
    assert yaml.safe_load(text.split("---\n")[1])["size_categories"] == [size]
    assert "rms2/" not in text
