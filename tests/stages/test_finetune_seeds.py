"""Each judge is fine-tuned once with each seed, and a seed means the same in whatever company."""

import contextlib
import io
from pathlib import Path

import pytest
import skimage
from PIL import Image

import rms.judge
from rms.judge.identity import read_identity
from rms.measure.results import JUDGES
from rms.params import check_params
from rms.records import CorpusImage, TrainSample
from rms.stages import finetune
from rms.store import write_table


def photo(name: str) -> bytes:
    out = io.BytesIO()
    with Image.open(Path(skimage.__file__).parent / "data" / name) as opened:
        opened.convert("RGB").resize((224, 224)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, composed):
    """The folders of two runs over the same eight rows: seeds 0 and 1; seed 1 alone, with half of them too."""
    photos = [photo("chelsea.png"), photo("coffee.png")]
    rows = [
        TrainSample(
            sample_id=f"s{number}", split=split, image_ids=[f"i{number % 2}"],
            text=f"May I put number {number} next to this?", response="", label="unsafe" if number % 3 else "safe",
            risk="", source="rms",
        )
        for split in ("train", "validation")
        for number in range(8)
    ]  # fmt: skip
    images = [
        CorpusImage(image_id=f"i{number}", sha256="0", phash="0", image=data) for number, data in enumerate(photos)
    ]
    folders = {}
    for seeds in ([0, 1], [1]):
        judge = composed["judge"] | {"epochs": 1, "width": 8}
        changes = {"seeds": seeds, "fractions": [1.0] if len(seeds) > 1 else [0.5, 1.0]}
        settings = composed | {"judge": judge, "finetune": composed["finetune"] | changes}
        folder = folders[tuple(seeds)] = tmp_path_factory.mktemp("run")
        with contextlib.chdir(folder):
            write_table(Path("data/train_sets/rms/samples"), TrainSample, rows)
            write_table(Path("data/train_sets/rms/images"), CorpusImage, images)
            finetune.run(check_params(settings, "test"), "rms")
    return folders


def test_every_seed_has_every_judge_its_curves_and_an_identity(trained):
    models = trained[0, 1] / "models/judge/rms"
    assert sorted(path.name for path in models.iterdir() if path.is_dir()) == ["0", "1"]
    for seed in ("0", "1"):
        assert {path.name for path in (models / seed).iterdir() if path.is_dir()} == set(JUDGES)
        assert list((trained[0, 1] / "reports/train/rms" / seed / "full").rglob("loss.tsv"))
        assert read_identity(models / seed).seed == int(seed)
    assert read_identity(models / "0").hash != read_identity(models / "1").hash
    assert hasattr(rms.judge.load(models / "1" / "full"), "p_unsafe")


def test_a_seed_gives_the_same_weights_alone_and_beside_others(trained):
    def weights(run, seed):
        return (trained[run] / f"models/judge/rms/{seed}/full/model.safetensors").read_bytes()

    assert weights((0, 1), 1) == weights((1,), 1)
    assert weights((0, 1), 0) != weights((0, 1), 1)


def test_a_share_of_the_rows_has_a_full_judge_of_its_own(trained):
    part = trained[(1,)] / "models/judge/rms/1/scaling/0.5"
    assert [path.name for path in part.parent.iterdir()] == ["0.5"]
    identity, whole = read_identity(part), read_identity(part.parents[1])
    assert (identity.rows, whole.rows) == (4, 8)
    assert 0 < identity.unsafe < 4
    assert hasattr(rms.judge.load(part), "p_unsafe")
    assert not (trained[0, 1] / "models/judge/rms/0/scaling").exists()
