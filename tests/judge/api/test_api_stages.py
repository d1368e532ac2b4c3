"""`finetune` and `evaluate` with a judge behind an endpoint."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from api_settings import UNSAFE, settings
from endpoint_project import ROOT, files_with_the_key
from fault_server import Behaviour, Server
from test_embedded_judge import photo

from rms.errors import RmsError
from rms.judge.identity import read_identity
from rms.measure.results import JUDGES, read_evaluation
from rms.params import Params, check_params
from rms.records import CorpusImage, CorpusSample, Prediction, Sample, TrainSample
from rms.stages import evaluate, finetune
from rms.store import read_json, read_table, write_table

SOME_REFUSED = Behaviour(instead={"OK": "unsafe"}, first_tokens={"unsafe": 0.8, "safe": 0.2}, share_refusal=0.3)


@pytest.fixture
def params(server: Server, composed) -> Params:
    plain = composed["finetune"] | {"train_sets": ["rms"]}
    changes = {"corpora": composed["corpora"] | {"names": ["siuo"]}, "finetune": plain, "max_failure_rate": 0.1}
    judge = settings(server.url, "judge.retries=0", f"judge.policy={ROOT}/conf/policy/default.md").model_dump()
    return check_params(
        composed | changes | {"judge": judge, "evaluate": composed["evaluate"] | {"resamples": 100}}, ""
    )


@pytest.fixture
def project(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001 - it chooses a folder first
    """The current folder: a training set, a corpus and our own test split, of eight rows each."""
    monkeypatch.chdir(tmp_path)
    images = [
        CorpusImage(image_id=f"i{number}", sha256="0", phash="0" * 16, image=photo(name))
        for number, name in enumerate(("chelsea.png", "coffee.png"))
    ]
    plain = {"text": "", "response": "", "risk": ""}
    train = [
        TrainSample(
            sample_id=f"s{number}", split=split, image_ids=[f"i{number % 2}"], label="unsafe" if number % 3 else "safe",
            source="rms", **plain | {"text": f"May I put {split} {number} here?"},
        )
        for split in ("train", "validation")
        for number in range(8)
    ]  # fmt: skip
    corpus = [
        CorpusSample(
            sample_id=f"c{number}", corpus="siuo", split="test", image_ids=["i0", "i1"], text=f"Is {number} fine?",
            response="Yes." if number % 2 else "", label="unsafe" if number % 3 else "safe", label_of="query",
            category="",
        )
        for number in range(8)
    ]  # fmt: skip
    own = [
        Sample(
            sample_id=f"o{number}", image_id=f"i{number % 2}", text=f"Own {number}?", category="fire",
            label="unsafe" if number % 3 else "safe", risk="", guidance="-", kind="triplet", parent_id="p", family="",
            split="test", image=images[number % 2].image, licence="", attribution="",
        )
        for number in range(8)
    ]  # fmt: skip
    write_table(Path("data/train_sets/rms/samples"), TrainSample, train)
    write_table(Path("data/train_sets/rms/images"), CorpusImage, images)
    write_table(Path("data/corpora/siuo/images"), CorpusImage, images)
    write_table(Path("data/corpora/siuo/samples"), CorpusSample, corpus)
    write_table(Path("data/dataset/test"), Sample, own)
    return tmp_path


def run(params: Params) -> None:
    assert not Path("dvc.yaml").exists()
    finetune.run(params, "rms")
    evaluate.run(params, "rms")


def test_a_judge_behind_an_endpoint_is_measured_like_any_other(server, params, project):
    server.behave(SOME_REFUSED)
    run(params)
    folder = Path("models/judge/rms/0")
    assert {path.name for path in folder.iterdir() if path.is_dir()} == set(JUDGES)
    assert read_json(folder / "full/judge.json")["kind"] == "api"
    assert "- allergy:" in (folder / "full/policy.md").read_text()
    identity = read_identity(folder)
    assert (identity.kind, identity.base) == ("api", "mock")
    predictions = [row for row in read_table(Path("reports/eval/rms/predictions"), Prediction) if row.judge == "full"]
    told = [row.p_unsafe for row in predictions if row.p_unsafe is not None]
    assert 0 < len(told) < len(predictions) == 16
    assert told == pytest.approx(np.full(len(told), 0.8))
    scores = read_evaluation(Path("reports/eval/rms/metrics.json")).corpora
    assert sum(sum(one.judges["full"].no_verdict) for one in scores.values()) == 16 - len(told)
    assert read_json(Path("models/judge/rms/spending.json"))["answers"] > 0
    assert read_json(Path("reports/eval/rms/spending.json"))["answers"] > 0
    assert files_with_the_key(project) == []


@pytest.mark.usefixtures("project")
def test_a_rerun_asks_nothing_and_ends_alike_to_the_byte(server, params):
    server.behave(SOME_REFUSED)

    def outputs() -> dict[str, bytes]:
        return {
            str(file): file.read_bytes() for top in ("models", "reports") for file in sorted(Path(top).rglob("*.*"))
        }

    run(params)
    asked, first = server.stats().requests, outputs()
    shutil.rmtree("models")
    shutil.rmtree("reports")
    run(params)
    assert outputs() == first
    assert server.stats().requests == asked


@pytest.mark.usefixtures("project")
def test_too_many_questions_without_an_answer_end_the_stage_with_nothing_half_written(server, params):
    server.behave(Behaviour(share_500=0.5))
    with pytest.raises(RmsError, match=r"finetune: full: no verdict on \d of 8 queries .*HTTP 500.*run again"):
        finetune.run(params, "rms")
    assert not Path("models/judge/rms").exists()
    server.behave(UNSAFE)
    finetune.run(params, "rms")
    server.behave(Behaviour(share_500=0.5))
    with pytest.raises(RmsError, match="evaluate: full: no verdict"):
        evaluate.run(params, "rms")
    assert not Path("reports/eval/rms").exists()


@pytest.mark.usefixtures("project")
def test_the_twins_see_one_modality_of_the_wire(server, params):
    finetune.run(params, "rms")
    cards = {name: json.loads(Path(f"models/judge/rms/0/{name}/judge.json").read_text()) for name in JUDGES[:3]}
    assert {card["modality"] for card in cards.values()} == set(cards)
    assert server.stats().requests == 8 + 8 + 2  # the image-only twin asks once of each photograph
