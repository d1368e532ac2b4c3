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
from rms.judge import Example, Query
from rms.judge.baselines import Majority
from rms.judge.identity import IDENTITY, identify
from rms.measure.results import JUDGES, read_evaluation, read_resampled
from rms.params import check_params
from rms.records import CorpusImage, CorpusSample, Prediction, Sample
from rms.stages.evaluate import run
from rms.store import read_table, write_json, write_table

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
    for seed in (0, 1):
        for judge in JUDGES:
            folder = Path("models/judge/rms") / str(seed) / judge
            folder.mkdir(parents=True)
            Majority(0.75 - 0.5 * seed if judge == "full" else 0.25).save(folder)
        identity = identify(folder, {"width": 8}, seed, [Example(Query((b"",), "t"), 1)])
        write_json(folder.parent / IDENTITY, identity.model_dump())
    for name, count in (("vlguard", 20), ("siuo", 0)):
        folder = Path("data/corpora") / name
        write_table(folder / "images", CorpusImage, [corpus_image(number) for number in range(count)])
        write_table(folder / "samples", CorpusSample, [corpus_sample(name, number) for number in range(count)])
    write_table(Path("data/dataset/test"), Sample, [own_sample(number) for number in range(12)])
    return tmp_path


def corpus_image(number: int) -> CorpusImage:
    return CorpusImage(image_id=f"i{number}", sha256="0", phash="0", image=b"pixels")


def corpus_sample(corpus: str, number: int, image: int | None = None) -> CorpusSample:
    return CorpusSample(
        sample_id=f"s{number}", corpus=corpus, split="test", image_ids=[f"i{number if image is None else image}"],
        text="t", response="", label="unsafe" if number % 2 else "safe", label_of="query", category="",
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
    assert {row.seed for row in rows} == {0}
    assert {row.p_unsafe for row in rows if row.judge == "full"} == {0.75}
    result = read_evaluation(folder / "metrics.json")
    assert list(result.corpora) == ["vlguard", "rms"]
    assert result.left_out == {"siuo": "no samples"}
    assert "siuo left out" in capsys.readouterr().err
    assert result.quality.over == ["vlguard"]
    assert result.corpora["vlguard"].judges["full"].metrics["detection_rate"].value == 1.0
    assert result.corpora["vlguard"].judges["text_only"].metrics["detection_rate"].value == 0.0
    assert np.isclose(result.corpora["rms"].judges["full"].metrics["accuracy"].value, 8 / 12)
    assert [(judge.seed, judge.rows, judge.unsafe) for judge in result.judges] == [(0, 1, 1)]
    assert {name: len(drawn) for name, drawn in read_resampled(folder / "resampled").items()} == {
        "vlguard": 100,
        "rms": 100,
    }


def test_judges_of_several_seeds_are_scored_together(project, params):
    run(with_seeds(params, [1, 0]), "rms")
    folder = project / "reports/eval/rms"
    rows = list(read_table(folder / "predictions", Prediction))
    assert [{row.p_unsafe for row in rows if row.judge == "full" and row.seed == seed} for seed in (0, 1)] == [
        {0.75},
        {0.25},
    ]
    result = read_evaluation(folder / "metrics.json")
    assert [judge.seed for judge in result.judges] == [1, 0]
    assert len({judge.hash for judge in result.judges}) == 2
    rate = result.corpora["vlguard"].judges["full"].metrics["detection_rate"]
    assert (rate.value, rate.sd) == (0.5, pytest.approx(np.sqrt(0.5), abs=1e-6))


def with_seeds(params, seeds):
    return params.model_copy(update={"finetune": params.finetune.model_copy(update={"seeds": seeds})})


def test_a_seed_nothing_was_trained_with_is_named(project, params):
    with pytest.raises(RmsError, match=r"models/judge/rms/7/identity.json: not found"):
        run(with_seeds(params, [0, 7]), "rms")
    assert not (project / "reports/eval/rms").exists()


def with_pool(params, pool):
    return params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"benign_pool": pool})})


def test_a_benign_pool_completes_corpora_without_safe_rows(project, params):
    folder = project / "data/corpora/siuo"
    shutil.rmtree(folder)
    write_table(folder / "images", CorpusImage, [corpus_image(number) for number in range(9)])
    write_table(
        folder / "samples", CorpusSample, [corpus_sample("siuo", 2 * number + 1, number) for number in range(9)]
    )
    run(with_pool(params, ["vlguard", "rms"]), "rms")
    pooled = read_evaluation(project / "reports/eval/rms/metrics.json").corpora["siuo+pool"]
    assert (pooled.n, pooled.n_unsafe, pooled.pool) == (9 + 10 + 4, 9, ["vlguard", "rms"])


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("pool", ["siuo", "nowhere"])
def test_a_pool_without_safe_rows_is_an_error_before_anything_is_judged(params, pool, capsys):
    with pytest.raises(
        RmsError, match=f"evaluate.benign_pool: {pool} has no safe rows in this run; take from: vlguard, rms$"
    ):
        run(with_pool(params, [pool]), "rms")
    assert not capsys.readouterr().err


def test_a_damaged_identity_is_named(project, params):
    (project / "models/judge/rms/0/identity.json").write_text("{}")
    with pytest.raises(RmsError, match=r"models/judge/rms/0/identity.json: .*`dvc repro finetune`"):
        run(params, "rms")


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
    (project / "models/judge/rms/0/full/judge.json").unlink()
    with pytest.raises(RmsError, match=r"models/judge/rms/0/full/judge.json: not found"):
        run(params, "rms")


def test_an_unknown_kind_of_judge_is_named(project, params):
    (project / "models/judge/rms/0/full/judge.json").write_text(json.dumps({"kind": "oracle"}))
    with pytest.raises(RmsError, match="kind = 'oracle'"):
        run(params, "rms")
