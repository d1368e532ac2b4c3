"""The stage writes one folder, whole or not at all."""

from pathlib import Path

import pytest
import yaml

from rms.errors import RmsError
from rms.params import Images, Params
from rms.records import Image
from rms.stages import collect
from rms.store import read_json, read_table

EMBEDDED = Path(__file__).parents[2] / "conf" / "manifests" / "embedded.yaml"


@pytest.fixture
def params(tmp_path, monkeypatch) -> Params:
    """Two photographs of packages in an otherwise empty project folder; the stage needs no other parameters."""
    monkeypatch.chdir(tmp_path)
    Path("two.yaml").write_text(yaml.safe_dump({"photos": yaml.safe_load(EMBEDDED.read_text())["photos"][:2]}))
    images = Images.model_validate(
        {
            "source": {"kind": "package", "manifest": "two.yaml"},
            "watch": "two.yaml", "limit": None, "min_side": 128, "max_side": 512, "max_pixels": 50_000_000,
            "max_bytes": 20_000_000, "nsfw_threshold": 0.5, "near_duplicate_bits": 4, "drop_near_duplicates": True,
            "cluster_bits": 10, "validation_share": 0.12, "test_share": 0.2, "workers": 2,
        }
    )  # fmt: skip
    return Params.model_construct(seed=7, images=images)


def test_the_stage_writes_its_folder(params):
    collect.run(params)
    out = Path("data/images")
    assert sorted(path.name for path in out.iterdir()) == ["images", "rejects.jsonl", "summary.json"]
    assert len(list(read_table(out / "images", Image))) == 2
    assert read_json(out / "summary.json")["kept"] == 2
    assert [path.name for path in out.parent.iterdir()] == ["images"]


def test_a_failed_run_leaves_the_last_good_one(params):
    collect.run(params)
    before = Path("data/images/summary.json").read_bytes()
    manifest = yaml.safe_load(Path("two.yaml").read_text())
    manifest["photos"][1]["sha256"] = "0" * 64
    Path("two.yaml").write_text(yaml.safe_dump(manifest))
    with pytest.raises(RmsError, match="sha256"):
        collect.run(params)
    assert Path("data/images/summary.json").read_bytes() == before
    assert [path.name for path in Path("data").iterdir()] == ["images"]
