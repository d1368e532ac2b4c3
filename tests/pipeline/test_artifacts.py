"""The judges as artifacts of DVC."""

from pathlib import Path

from dvc.repo import Repo

ROOT = Path(__file__).resolve().parents[2]


def test_every_judge_of_the_default_run_is_an_artifact_with_type_and_labels():
    with Repo(str(ROOT)) as repo:
        artifacts = {one.path: one for one in repo.artifacts.read()["dvc.yaml"].values()}
        outputs = {out.def_path for stage in repo.index.stages for out in stage.outs}
    judges = {path for path in outputs if path.startswith("models/judge/")}
    assert judges
    assert set(artifacts) == judges
    for artifact in artifacts.values():
        assert artifact.type == "model"
        assert {"judge", "safety"} <= set(artifact.labels)
