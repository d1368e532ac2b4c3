"""The stage from stored judges to scores, with the judge that needs no model."""

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from rms.compose import compose
from rms.errors import RmsError
from rms.judge.baselines import Majority
from rms.measure.results import JUDGES, read_evaluation
from rms.params import check_params
from rms.records import CorpusImage, CorpusSample, Prediction, Sample
from rms.stages.evaluate import run
from rms.store import read_table, write_table

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def params():
    with contextlib.chdir(ROOT):
        text = compose(["corpora.names=[vlguard,siuo]", "finetune.train_sets=[rms]", "evaluate.resamples=100"])
    return check_params(yaml.safe_load(text), "conf")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Four majority judges, one corpus with samples, one without, and our own test split."""
    monkeypatch.chdir(tmp_path)
    for judge in JUDGES:
        folder = Path("models/judge/rms") / judge
        folder.mkdir(parents=True)
        Majority(0.75 if judge == "full" else 0.25).save(folder)
    for name, count in (("vlguard", 20), ("siuo", 0)):
        folder = Path("data/corpora") / name
        write_table(folder / "images", CorpusImage, [corpus_image(number) for number in range(count)])
        write_table(folder / "samples", CorpusSample, [corpus_sample(name, number) for number in range(count)])
    write_table(Path("data/dataset/test"), Sample, [own_sample(number) for number in range(12)])
    return tmp_path


def corpus_image(number: int) -> CorpusImage:
    return CorpusImage(image_id=f"i{number}", sha256="0", phash="0", image=b"pixels")


def corpus_sample(corpus: str, number: int) -> CorpusSample:
    return CorpusSample(
        sample_id=f"s{number}", corpus=corpus, split="test", image_ids=[f"i{number}"], text="t", response="",
        label="unsafe" if number % 2 else "safe", label_of="query", category="",
    )  # fmt: skip


def own_sample(number: int) -> Sample:
    return Sample(
        sample_id=f"o{number}", image_id=f"i{number}", text="t", label="unsafe" if number % 3 else "safe",
        category="c", risk="", guidance="g", kind="triplet", parent_id="p", family="", split="test", image=b"pixels",
        licence="", attribution="",
    )  # fmt: skip


def test_every_judge_is_scored_on_corpora_and_own_test(project, params, capsys):
    run(params, "rms")
    folder = project / "reports/eval/rms"
    rows = list(read_table(folder / "predictions", Prediction))
    assert len(rows) == len(JUDGES) * (20 + 12)
    assert {row.p_unsafe for row in rows if row.judge == "full"} == {0.75}
    result = read_evaluation(folder / "metrics.json")
    assert list(result.corpora) == ["vlguard", "rms"]
    assert result.left_out == {"siuo": "no samples"}
    assert "siuo left out" in capsys.readouterr().err
    assert result.quality.over == ["vlguard"]
    assert result.corpora["vlguard"].judges["full"].metrics["detection_rate"].value == 1.0
    assert result.corpora["vlguard"].judges["text_only"].metrics["detection_rate"].value == 0.0
    assert np.isclose(result.corpora["rms"].judges["full"].metrics["accuracy"].value, 8 / 12)


def test_a_second_run_writes_the_same_bytes(project, params):
    def written():
        run(params, "rms")
        files = sorted(path for path in (project / "reports").rglob("*") if path.is_file())
        return {path.name: path.read_bytes() for path in files}

    assert written() == written()


def test_no_samples_at_all_is_an_error(project, params):
    for folder, kind in [
        (project / "data/corpora/vlguard/samples", CorpusSample),
        (project / "data/dataset/test", Sample),
    ]:
        shutil.rmtree(folder)
        write_table(folder, kind, [])
    with pytest.raises(RmsError, match="no corpus has samples"):
        run(params, "rms")
    assert not (project / "reports/eval/rms").exists()


def test_a_judge_that_is_not_there_says_where(project, params):
    (project / "models/judge/rms/full/judge.json").unlink()
    with pytest.raises(RmsError, match=r"models/judge/rms/full/judge.json: not found"):
        run(params, "rms")


def test_an_unknown_kind_of_judge_is_named(project, params):
    (project / "models/judge/rms/full/judge.json").write_text(json.dumps({"kind": "oracle"}))
    with pytest.raises(RmsError, match="kind = 'oracle'"):
        run(params, "rms")
