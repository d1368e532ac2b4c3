"""A judge as a run leaves it, small and quickly made, with the scores that `evaluate` wrote of it."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "judge"))

from test_embedded_judge import CHOCOLATE, LAPTOP, SETTINGS, photo

from rms.judge import Example, Query
from rms.judge.embedded import EmbeddedJudge, Plan
from rms.judge.identity import IDENTITY, identify
from rms.measure.results import (
    CorpusScores,
    Estimate,
    Evaluation,
    JudgeScores,
    MacroMean,
)
from rms.store import write_json


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with one judge and its scores; to be copied before it is changed."""
    project = tmp_path_factory.mktemp("finished")
    folder = project / "models/judge/rms/0/full"
    folder.mkdir(parents=True)
    pictures = {"cat": photo("chelsea.png"), "coffee": photo("coffee.png")}
    rows = [
        Example(Query((picture,), text), int((name == "cat") == (texts is CHOCOLATE)))
        for name, picture in pictures.items()
        for texts in (CHOCOLATE, LAPTOP)
        for text in texts
    ]
    judge = EmbeddedJudge.untrained("full", Plan(SETTINGS.model_copy(update={"epochs": 4}), 0, project / "curves"))
    judge.fit(rows, rows)
    judge.save(folder)
    identity = identify(folder, SETTINGS.model_dump(), 0, rows)
    write_json(folder.parent / IDENTITY, identity.model_dump())
    (project / "reports/eval/rms").mkdir(parents=True)
    write_json(project / "reports/eval/rms/metrics.json", _evaluation(identity).model_dump())
    for name, picture in pictures.items():
        (project / f"{name}.jpg").write_bytes(picture)
    return project


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a copy of the finished project."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _evaluation(identity):
    def estimate(value):
        return Estimate(value=value, low=None if value is None else value - 0.1, high=None if value is None else value)

    scores = {
        name: JudgeScores(
            thresholds=[0.5], no_verdict=[3], metrics={"auroc": estimate(value), "detection_rate": estimate(None)}
        )
        for name, value in {"full": 0.9, "text_only": 0.6, "image_only": 0.5, "majority": 0.5}.items()
    }
    plain = {"n": 40, "n_unsafe": 20, "n_images": 9, "pool": [], "judges": scores, "gap": estimate(0.3)}
    mean = MacroMean(
        over=["siuo"], auroc=estimate(0.7), balanced_accuracy=estimate(0.6), text_only=estimate(0.5),
        image_only=estimate(0.5), gap=estimate(0.2),
    )  # fmt: skip
    return Evaluation(
        train_set="rms", sources=["rms"], judges=[identity], resamples=100, confidence=0.95,
        corpora={
            "rms": CorpusScores(classes="both", categories={}, **plain),
            "a|b": CorpusScores(classes="unsafe", categories={}, **plain),
        },
        left_out={}, quality=mean, common=mean,
    )  # fmt: skip
