"""The stage `finetune` with a vision-language judge, and the configurations that choose one."""

import contextlib
import copy
import hashlib
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml
from tiny_models import POLICY, SETTINGS, examples, picture

import rms.judge
from rms.compose import compose
from rms.errors import RmsError
from rms.judge import Query
from rms.judge.vlm.policy import read_policy
from rms.params import Params, VlmJudge, check_params
from rms.records import CorpusImage, TrainSample
from rms.stages import finetune
from rms.store import write_table
from rms.train_sets.sources import LearnedSplit

ROOT = Path(__file__).parents[3]
NAMED = sorted(file.stem for file in (ROOT / "conf/judge").glob("*.yaml") if "kind: vlm" in file.read_text())
NAMED += sorted(file.stem for file in (ROOT / "conf/judge").glob("*.yaml") if "- vlm" in file.read_text())


def _write_train_set(folder: Path) -> None:
    """Eight rows to learn from and eight to validate on, as the stage before writes them."""
    rows = examples(8)
    ids = [hashlib.sha256(row.query.images[0]).hexdigest() for row in rows]
    pictures = [
        CorpusImage(image_id=name, sha256=name, phash="0" * 16, image=row.query.images[0])
        for name, row in zip(ids, rows, strict=True)
    ]
    samples = [
        TrainSample(
            sample_id=f"{split}{number}", split=split, image_ids=[ids[number]], text=row.query.text, response="",
            label="unsafe" if row.label else "safe", risk=row.rationale, source=folder.name,
        )
        for split in get_args(LearnedSplit) for number, row in enumerate(rows)
    ]  # fmt: skip
    write_table(folder / "images", CorpusImage, pictures)
    write_table(folder / "samples", TrainSample, samples)


@pytest.fixture
def params(composed, base, tmp_path, monkeypatch) -> Params:
    """Of a project folder with a small dataset, in which the stage runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RMS_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "policy.md").write_text(POLICY)
    _write_train_set(tmp_path / "data/train_sets/rms")
    values = copy.deepcopy(composed)
    values["judge"] = {**SETTINGS, "model": str(base), "policy": "policy.md", "method": "lora", "rationale": True}
    return check_params(values, "test")


def test_the_stage_trains_the_judge_and_its_twins_and_leaves_nothing_else_behind(params, tmp_path):
    finetune.run(params, "rms")
    folder = tmp_path / "models/judge/rms" / str(params.finetune.seeds[0])
    one = Query((picture("red"),), "Shall we carry it?")
    other_text, other_picture = one._replace(text="Shall we leave?"), one._replace(images=(picture("blue"),))
    judges = {name: rms.judge.load(folder / name) for name in ("full", "text_only", "image_only", "majority")}
    for name, moved in {"full": (True, True), "text_only": (True, False), "image_only": (False, True)}.items():
        score, text, image = judges[name].p_unsafe([one, other_text, other_picture])
        assert (
            not np.isclose(score, text, rtol=0, atol=1e-9),
            not np.isclose(score, image, rtol=0, atol=1e-9),
        ) == moved
    curves = tmp_path / "reports/train/rms" / str(params.finetune.seeds[0])
    for name in ("full", "text_only", "image_only"):
        assert (curves / name / "plots/metrics/eval_auroc.tsv").is_file()
    assert not list((tmp_path / "cache/training").iterdir())


def test_a_stage_that_fails_writes_no_judge(params, tmp_path):
    (tmp_path / "policy.md").write_text("- fire: harm\n")
    with pytest.raises(RmsError, match="no line for the category"):
        finetune.run(params, "rms")
    assert not (tmp_path / "models/judge/rms").exists()
    assert not (tmp_path / "reports/train/rms").exists()


@pytest.mark.parametrize("name", NAMED)
def test_each_named_judge_composes(name):
    with contextlib.chdir(ROOT):
        judge = check_params(yaml.safe_load(compose([f"judge={name}"])), "conf").judge
        assert isinstance(judge, VlmJudge)
        read_policy(Path(judge.policy))
    assert not judge.trust_remote_code


def test_seven_models_are_named():
    assert len(NAMED) == 8, "seven models and what they share"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (["judge.method=full", "judge.quantize=true"], "quantize = true needs method = lora"),
        (["judge.launch.processes=0"], "judge.launch.processes = 0"),
        (["judge.precision=fp16"], "judge.precision = 'fp16'"),
        (["judge.lora.rank=0"], "judge.lora.rank = 0"),
    ],
)
def test_settings_that_cannot_be_are_told(override, message):
    with contextlib.chdir(ROOT), pytest.raises(RmsError, match=message):
        check_params(yaml.safe_load(compose(["judge=vlm", *override])), "conf")
