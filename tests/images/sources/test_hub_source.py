"""Datasets as the Hub's library streams them; local dataset folders stand in for the network."""

from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from rms.errors import RmsError
from rms.images.faults import ImageFault
from rms.images.sources import RawImage, open_source
from rms.params import HubSource


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    import datasets  # noqa: PLC0415 - slow to load, and only this file needs it
    import huggingface_hub.constants  # noqa: PLC0415

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def read(name: object, max_bytes: int = 100_000, **changes: str | None) -> list[RawImage]:
    values = {"config": None, "revision": None, "split": "train", "image_column": "image"} | changes
    source = HubSource(kind="hub", name=str(name), licence="CC BY 4.0", attribution="them", **values)
    return list(open_source(source, max_bytes).images)


def png(shade: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (20, 20), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def parquet(folder: Path, pictures: list[dict[str, object] | None], column: str = "image") -> Path:
    folder.mkdir()
    rows = pa.array(pictures, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({column: rows, "other": list(range(len(pictures)))}), folder / "train-00000.parquet")
    return folder


def test_parquet_rows_come_in_order_with_their_original_bytes(tmp_path):
    folder = parquet(tmp_path / "d", [{"bytes": png(i), "path": f"{i}.png"} for i in range(5)])
    images = read(folder)
    assert [image.data for image in images] == [png(i) for i in range(5)]
    assert [image.name for image in images][:2] == ["train/00000000", "train/00000001"]
    assert images[0].source == f"hub:{folder}"
    assert (images[0].licence, images[0].attribution, images[0].extension) == ("CC BY 4.0", "them", ".png")


def test_a_folder_of_images_is_a_dataset_too(tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(3):
        (tmp_path / "photos" / f"{i}.png").write_bytes(png(i))
    assert [image.data for image in read(tmp_path / "photos")] == [png(0), png(1), png(2)]


def test_only_what_is_asked_for_is_read(tmp_path):
    """A broken shard behind the first is never reached by one who stops early."""
    folder = parquet(tmp_path / "d", [{"bytes": png(1), "path": None}])
    (folder / "train-00001.parquet").write_bytes(b"PAR1 broken PAR1")
    values = {"config": None, "revision": None, "split": "train", "image_column": "image"}
    source = HubSource(kind="hub", name=str(folder), licence="", attribution="", **values)
    assert next(open_source(source, 1000).images).data == png(1)


def test_rows_without_a_picture_are_faults(tmp_path):
    images = read(parquet(tmp_path / "d", [None, {"bytes": None, "path": None}, {"bytes": png(1), "path": None}]))
    assert [image.data.reason for image in images if isinstance(image.data, ImageFault)] == ["unreadable"] * 2
    assert images[2].data == png(1)


@pytest.mark.parametrize(
    "elsewhere", ["/etc/passwd", "{tmp}/secret.png", "{tmp}/d/../secret.png", "file://{tmp}/secret.png"]
)
def test_rows_cannot_point_out_of_the_dataset(tmp_path, elsewhere):
    (tmp_path / "secret.png").write_bytes(b"secret")
    folder = parquet(tmp_path / "d", [{"bytes": None, "path": elsewhere.format(tmp=tmp_path)}])
    fault = read(folder)[0].data
    assert isinstance(fault, ImageFault) and fault.reason == "outside_folder"


def test_a_file_of_the_dataset_is_read_no_further_than_allowed(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "0.png").write_bytes(png(0) + b"0" * 5000)
    data = read(tmp_path / "photos", max_bytes=1000)[0].data
    assert isinstance(data, bytes) and len(data) == 1001


def test_a_wrong_column_is_named_with_the_right_ones(tmp_path):
    with pytest.raises(RmsError, match=r"no column 'image'; .*columns are: photo, other"):
        read(parquet(tmp_path / "d", [{"bytes": png(1), "path": None}], column="photo"))


def test_a_column_that_holds_no_pictures_is_one_line(tmp_path):
    with pytest.raises(RmsError, match="hub dataset") as caught:
        read(parquet(tmp_path / "d", [{"bytes": png(1), "path": None}]), image_column="other")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"split": "nosuch"}, {"config": "nosuch"}, {"name": "no-such-owner/no-such-name"}])
def test_what_cannot_be_loaded_is_one_line_that_names_it(tmp_path, changes):
    folder = parquet(tmp_path / "d", [{"bytes": png(1), "path": None}])
    with pytest.raises(RmsError, match=str(next(iter(changes.values())))) as caught:
        read(changes.pop("name", folder), **changes)
    assert "\n" not in str(caught.value)
