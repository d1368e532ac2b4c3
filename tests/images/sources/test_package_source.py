"""Photographs inside installed packages, pinned."""

import sys
from pathlib import Path

import pytest
import yaml

from rms.errors import RmsError
from rms.images.sources import RawImage, open_source
from rms.images.sources.package import load_manifest
from rms.params import PackageSource

EMBEDDED = Path(__file__).parents[3] / "conf" / "manifests" / "embedded.yaml"
COFFEE = {
    "package": "scikit-image",
    "file": "skimage/data/coffee.png",
    "sha256": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "licence": "CC0-1.0",
    "attribution": "Rachel Michetti",
    "url": "",
}


def read(manifest: Path) -> list[RawImage]:
    return list(open_source(PackageSource(kind="package", manifest=manifest), 20_000_000).images)


def written(folder: Path, *photos: dict[str, str]) -> Path:
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump({"photos": list(photos)}))
    return path


def test_the_embedded_thirty_are_installed_as_pinned_and_each_has_its_licence():
    images = read(EMBEDDED)
    assert len(images) == 30
    assert [image.name for image in images] == sorted(image.name for image in images)
    assert all(isinstance(image.data, bytes) and image.licence and image.attribution and image.url for image in images)


def test_photographs_of_the_embedded_corpora_are_pinned_to_test():
    pinned = {Path(photo.file).stem for photo in load_manifest(EMBEDDED).photos if photo.split == "test"}
    assert pinned == {
        "imagenet_16_251", "imagenet_07_609", "imagenet_15_99", "imagenet_19_305", "imagenet_08_915",
        "imagenet_04_949", "china", "motorcycle_left",
    }  # fmt: skip


def test_packages_are_not_imported(tmp_path):
    foolbox = next(photo for photo in load_manifest(EMBEDDED).photos if photo.package == "foolbox")
    before = "foolbox" in sys.modules
    read(written(tmp_path, foolbox.model_dump(exclude_none=True)))
    assert ("foolbox" in sys.modules) == before


def test_a_missing_package_is_named_with_what_to_install(tmp_path):
    manifest = written(tmp_path, COFFEE | {"package": "no-such-package-here"})
    with pytest.raises(RmsError, match="pip install no-such-package-here"):
        read(manifest)


def test_another_file_than_the_pinned_one_is_named_with_both_hashes(tmp_path):
    manifest = written(tmp_path, COFFEE | {"sha256": "0123456789ab" + "0" * 52})
    with pytest.raises(RmsError, match=r"coffee\.png: sha256 is cc02f8ca188b.*pins 0123456789ab"):
        read(manifest)


def test_a_file_the_package_lacks_is_named(tmp_path):
    with pytest.raises(RmsError, match=r"tea\.png: cannot be read .*reinstall the package scikit-image"):
        read(written(tmp_path, COFFEE | {"file": "skimage/data/tea.png"}))


@pytest.mark.parametrize("file", ["../../etc/passwd", "/etc/passwd", "a/../../b", "..\\b", "C:/b"])
def test_no_entry_leads_out_of_the_packages(tmp_path, file):
    with pytest.raises(RmsError, match=r"photos\.0\.file.*below site-packages"):
        read(written(tmp_path, COFFEE | {"file": file}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photos: []", "photos"),
        ("photos: [", "cannot be read as YAML"),
        ("", "the whole file"),
        ("photos: [{package: a}]", r"photos\.0\.file"),
        ("photos: [{file: a, package: b, sha256: 12, licence: '', attribution: '', url: ''}]", r"photos\.0\.sha256"),
    ],
)
def test_a_broken_manifest_is_explained_in_one_line(tmp_path, text, message):
    (tmp_path / "manifest.yaml").write_text(text)
    with pytest.raises(RmsError, match=message) as caught:
        read(tmp_path / "manifest.yaml")
    assert "\n" not in str(caught.value)


def test_a_missing_manifest_and_a_double_entry(tmp_path):
    with pytest.raises(RmsError, match="no such manifest"):
        read(tmp_path / "none.yaml")
    with pytest.raises(RmsError, match="listed twice"):
        read(written(tmp_path, COFFEE, COFFEE))
