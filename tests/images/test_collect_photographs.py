"""From a folder as people have them to images, rejects and a summary."""

import json
import os
import resource
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
import sklearn
import yaml
from PIL import Image as PillowImage

from rms.errors import RmsError
from rms.images.collect import collect
from rms.images.faults import REASONS
from rms.params import Images
from rms.records import Image, ImageReject
from rms.seeds import content_id
from rms.store import read_jsonl, read_table

DATA = Path(skimage.__file__).parent / "data"
FLOWERS = Path(sklearn.__file__).parent / "datasets" / "images"
PHOTOS = ["astronaut.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png", "rocket.jpg"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "photos"
    path.mkdir()
    for name in PHOTOS:
        shutil.copy(DATA / name, path / name)
    return path


def configured(source: Path | dict[str, Any], **changes: Any) -> Images:
    if isinstance(source, Path):
        source = {"kind": "folder", "path": source, "licence": "CC0-1.0", "attribution": "many"}
    values = {
        "watch": "", "limit": None, "min_side": 128, "max_side": 512, "max_pixels": 50_000_000,
        "max_bytes": 20_000_000, "nsfw_threshold": 0.5, "near_duplicate_bits": 4, "drop_near_duplicates": True,
        "cluster_bits": 10, "validation_share": 0.12, "test_share": 0.2, "workers": 2,
    }  # fmt: skip
    return Images.model_validate({"source": source} | values | changes)


def collected(out: Path, params: Images, seed: int = 7) -> tuple[list[Image], dict[str, ImageReject], dict[str, Any]]:
    out.mkdir()
    summary = collect(params, seed, out)
    assert json.loads((out / "summary.json").read_text()) == summary
    assert sorted(path.name for path in out.iterdir()) == ["images", "rejects.jsonl", "summary.json"]
    rejects = {reject.name: reject for reject in read_jsonl(out / "rejects.jsonl", ImageReject)}
    return list(read_table(out / "images", Image)), rejects, summary


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_images_are_normalised_and_say_where_they_come_from(folder, tmp_path):
    images, rejects, summary = collected(tmp_path / "out", configured(folder))
    assert [image.name for image in images] == PHOTOS
    assert not rejects
    for image in images:
        pixels = PillowImage.open(BytesIO(image.image))
        assert (pixels.format, pixels.mode, pixels.size) == ("JPEG", "RGB", (image.width, image.height))
        assert max(pixels.size) <= 512
        assert (image.source, image.licence, image.attribution) == ("folder", "CC0-1.0", "many")
        assert image.image_id == content_id((folder / image.name).read_bytes())
    assert next(image for image in images if image.name == "coffee.png").width == 512
    assert (summary["read"], summary["kept"], summary["licences"]) == (7, 7, {"CC0-1.0": 7})
    assert sum(summary["splits"].values()) == 7 and min(summary["splits"].values()) >= 1


def test_every_drop_is_a_row_with_its_reason(folder, tmp_path):
    PillowImage.new("RGB", (100, 400)).save(folder / "thin.png")
    (folder / "text.jpg").write_text("<html>not found</html>")
    (folder / "nothing.jpg").touch()
    shutil.copy(DATA / "chelsea.png", folder / "cat.jpg")
    whole = (DATA / "rocket.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    shutil.copy(DATA / "coffee.png", folder / "z_coffee_again.png")
    cup = PillowImage.open(DATA / "coffee.png")
    cup.resize((300, 200)).save(folder / "z_small_cup.jpg", quality=70)
    (folder / "link.jpg").symlink_to(DATA / "moon.png")
    (folder / "readme.txt").write_text("ignored")
    images, rejects, summary = collected(tmp_path / "out", configured(folder))
    assert {name: reject.reason for name, reject in rejects.items()} == {
        "cat.jpg": "mislabelled",
        "half.jpg": "truncated",
        "link.jpg": "outside_folder",
        "nothing.jpg": "empty",
        "text.jpg": "not_an_image",
        "thin.png": "too_small",
        "z_coffee_again.png": "duplicate",
        "z_small_cup.jpg": "near_duplicate",
    }
    assert list(rejects) == sorted(rejects)
    assert all(reject.reason in REASONS for reject in rejects.values())
    assert rejects["z_coffee_again.png"].detail == "same bytes as coffee.png"
    assert rejects["z_small_cup.jpg"].detail.endswith("bits from coffee.png")
    assert [image.name for image in images] == PHOTOS
    assert (summary["read"], summary["kept"], summary["ignored"]) == (15, 7, 1)
    assert summary["rejects"] == dict.fromkeys(sorted(reject.reason for reject in rejects.values()), 1)


def test_near_duplicates_kept_on_request_stay_on_one_side_and_exact_ones_never_stay(folder, tmp_path):
    cup = PillowImage.open(DATA / "coffee.png")
    for i in range(6):
        cup.resize((300 + i, 200)).save(folder / f"cup_{i}.jpg", quality=70 + i)
    shutil.copy(DATA / "coffee.png", folder / "coffee_again.png")
    for name, changes in (("kept", {"drop_near_duplicates": False}), ("zero", {"near_duplicate_bits": 0})):
        images, rejects, summary = collected(tmp_path / name, configured(folder, **changes))
        cups = [image for image in images if image.name.startswith(("cup", "coffee"))]
        assert len(cups) == 7
        assert len({image.cluster_id for image in cups}) == 1
        assert cups[0].cluster_id == min(image.image_id for image in cups)
        assert len({image.split for image in cups}) == 1
        assert {name: reject.reason for name, reject in rejects.items()} == {"coffee_again.png": "duplicate"}
        assert summary["clusters"] == 7


def test_what_the_screening_model_scores_high_is_unsafe_alone(folder, tmp_path):
    _, rejects, _ = collected(tmp_path / "out", configured(folder, nsfw_threshold=0.02))
    assert {name: reject.reason for name, reject in rejects.items()} == {"astronaut.png": "unsafe_alone"}


def test_runs_are_byte_identical_whatever_the_number_of_threads(folder, tmp_path):
    (folder / "text.jpg").write_text("no image")
    collected(tmp_path / "one", configured(folder, workers=1))
    collected(tmp_path / "many", configured(folder, workers=5))
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_only_the_first_are_read_under_a_limit(folder, tmp_path):
    images, _, summary = collected(tmp_path / "out", configured(folder, limit=3))
    assert [image.name for image in images] == PHOTOS[:3]
    assert summary["read"] == 3


def test_a_pin_holds_for_look_alikes_even_when_the_pinned_copy_is_dropped(tmp_path):
    """Of two equal photographs the first is kept; the second was pinned to test; so the first is tested."""
    manifest = tmp_path / "manifest.yaml"
    photos = yaml.safe_load((Path(__file__).parents[2] / "conf" / "manifests" / "embedded.yaml").read_text())["photos"]
    chosen = [photo for photo in photos if "skimage" in photo["file"]]
    left = next(photo for photo in chosen if photo["file"].endswith("motorcycle_left.png"))
    assert left["split"] == "test"
    coffee = next(photo for photo in chosen if photo["file"].endswith("coffee.png"))
    twice = coffee | {"file": "skimage/data/./coffee.png", "split": "test"}
    manifest.write_text(yaml.safe_dump({"photos": [*chosen, twice]}))
    source = {"kind": "package", "manifest": manifest}
    images, rejects, _ = collected(tmp_path / "out", configured(source, test_share=0.0))
    assert len(rejects) == 1
    assert {Path(image.name).name for image in images if image.split == "test"} == {"motorcycle_left.png", "coffee.png"}


def test_the_embedded_thirty_are_all_kept_with_the_pinned_eight_as_test(tmp_path):
    manifest = Path(__file__).parents[2] / "conf" / "manifests" / "embedded.yaml"
    images, rejects, summary = collected(tmp_path / "out", configured({"kind": "package", "manifest": manifest}))
    assert not rejects
    assert summary["splits"] == {"train": 18, "validation": 4, "test": 8}
    pinned = {photo["file"] for photo in yaml.safe_load(manifest.read_text())["photos"] if "split" in photo}
    assert {image.name for image in images if image.split == "test"} == pinned
    assert len({image.licence for image in images}) > 3


def test_nothing_kept_is_an_error_that_names_the_commonest_reason(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(3):
        PillowImage.new("RGB", (50, 50 + i)).save(photos / f"{i}.png")
    (photos / "a.png").touch()
    (tmp_path / "out").mkdir()
    with pytest.raises(
        RmsError, match=r"none of 4 photographs was kept; most often too_small \(3\), for example 0.png"
    ):
        collect(configured(photos), 7, tmp_path / "out")


def test_a_source_that_yields_nothing_is_an_error(tmp_path):
    (tmp_path / "photos.csv").write_text("url\n")
    source = {
        "kind": "urls", "table": tmp_path / "photos.csv", "url_column": "url", "licence_column": None,
        "licence": "", "attribution": "", "concurrency": 2, "timeout_s": 1.0, "retries": 0,
    }  # fmt: skip
    (tmp_path / "out").mkdir()
    with pytest.raises(RmsError, match="yields no photographs"):
        collect(configured(source), 7, tmp_path / "out")


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    """160 pictures, some of 12 megapixels, are more than 100 MB even when shrunk; a few are held at a time."""
    photos = tmp_path / "photos"
    photos.mkdir()
    draw = np.random.default_rng(0)
    for i in range(160):
        coarse = draw.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        size = (4000, 3000) if i % 32 == 0 else (640, 480)
        PillowImage.fromarray(coarse).resize(size, PillowImage.Resampling.BICUBIC).save(photos / f"{i:03d}.jpg")
    collected(tmp_path / "warm", configured(photos, limit=24))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    images, rejects, _ = collected(tmp_path / "out", configured(photos))
    assert len(images) + len(rejects) == 160
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 70_000  # KiB


def test_a_thousand_photographs_as_they_are(tmp_path):
    photos = os.environ.get("RMS_TEST_PHOTOS")
    if not photos:
        pytest.skip("RMS_TEST_PHOTOS is not set")
    images, rejects, summary = collected(tmp_path / "out", configured(Path(photos)))
    assert len(images) + len(rejects) == summary["read"] == 1000
    assert len(images) > 950
    assert set(summary["rejects"]) <= set(REASONS)
    assert abs(summary["splits"]["test"] - 0.2 * len(images)) <= 1
    clusters: dict[str, set[str]] = {}
    for image in images:
        clusters.setdefault(image.cluster_id, set()).add(image.split)
    assert all(len(splits) == 1 for splits in clusters.values())
