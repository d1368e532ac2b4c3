import pytest

from rms.errors import RmsError
from rms.pictures import Pictures
from rms.records import CorpusImage
from rms.store import write_table


@pytest.fixture
def folder(tmp_path):
    rows = [CorpusImage(image_id=f"i{n:03d}", sha256="0", phash="0", image=f"bytes {n}".encode()) for n in range(400)]
    write_table(tmp_path / "t", CorpusImage, rows)
    return tmp_path / "t"


def test_any_picture_is_found_in_any_order(folder):
    pictures = Pictures(folder)
    for number in [0, 399, 64, 1, 128, 256, 320, 63, 0]:
        assert pictures[f"i{number:03d}"] == f"bytes {number}".encode()


def test_positions_read_the_folder_front_to_back(folder):
    pictures = Pictures(folder)
    assert [pictures.position(f"i{n:03d}") for n in range(400)] == list(range(400))


def test_only_a_few_row_groups_stay_in_memory(folder):
    pictures = Pictures(folder)
    for number in range(0, 400, 64):
        pictures[f"i{number:03d}"]
    assert len(pictures._groups) <= 4


def test_an_unknown_picture_is_named(folder):
    with pytest.raises(RmsError, match="image nobody is missing; rerun the stage that wrote it"):
        Pictures(folder)["nobody"]
