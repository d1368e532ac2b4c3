"""What reruns after a change, and experiments that run in copies of their own."""

import json
from pathlib import Path

import pytest
from project import Project

MARK = "<!-- written by changed code -->"


def _mark_the_report(project: Project) -> None:
    """A change to the code of one stage that shows in what it writes."""
    with (project.folder / "src/rms/stages/report.py").open("a") as code:
        code.write(
            "\n\n_unmarked = run\n\n\n"
            "def run(params: Params) -> None:\n"
            "    _unmarked(params)\n"
            f"    with Path('reports/matrix.md').open('a') as table:\n        table.write({MARK!r})\n"
        )


def _changed_stages(project: Project) -> set[str]:
    """Stages that `dvc status` calls out of date."""
    status = json.loads(project.do("dvc", "status", "--json").output)
    return set(status)


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ("src/rms/report/summary.py", {"report"}),
        ("src/rms/stages/augment.py", {"augment"}),
        ("src/rms/judge/threshold.py", {"finetune@rms", "evaluate@rms"}),
        ("src/rms/contamination/texts.py", {"build", "risk_oriented", "train_sets"}),
        ("src/rms/train_sets/pool.py", {"train_sets"}),
        ("src/rms/triplets/twins.py", {"patterns", "generate", "augment"}),
        ("src/rms/corpora/adapters/siuo.py", {"corpora@siuo", "corpora@mssbench"}),
        ("conf/manifests/embedded.yaml", {"collect", "corpora@siuo", "corpora@mssbench"}),
        ("src/rms/cli.py", set()),
    ],
)
def test_a_change_of_code_concerns_the_stages_that_use_it(after_smoke: Project, change, stages):
    with (after_smoke.folder / change).open("a") as file:
        file.write("# changed\n")
    assert _changed_stages(after_smoke) == stages


@pytest.mark.parametrize(
    ("override", "stages"),
    [
        ("judge.lr=0.002", {"finetune@rms", "report"}),
        ("judge=llama_guard ~judge.epochs", {"finetune@rms", "report"}),  # the small experiment sets epochs
        ("report.gallery=2", {"report"}),
        ("finetune.size=null", {"train_sets", "report"}),
        ("finetune.fractions=[0.5,1.0]", {"finetune@rms", "evaluate@rms", "report"}),
        ("evaluate.resamples=200", {"evaluate@rms", "report"}),
        ("augment.max_words=30", {"augment"}),
        ("images.nsfw_threshold=0.4", {"collect"}),
    ],
)
def test_a_change_of_parameters_concerns_the_stages_that_read_it(after_smoke: Project, override, stages):
    after_smoke.do("rms", "params", "experiment=smoke", *override.split())
    assert _changed_stages(after_smoke) == stages


def test_queued_experiments_run_their_own_parameters_and_code(after_smoke: Project):
    project, before = after_smoke, after_smoke.locked()
    queue = ["dvc", "exp", "run", "--queue", "-S", "experiment=smoke"]
    project.do(*queue, "--name", "faster", "-S", "judge.lr=0.002")
    _mark_the_report(project)
    project.do(*queue, "--name", "marked")
    project.do("git", "checkout", "--quiet", "--", "src")
    project.do("dvc", "exp", "run", "--run-all")
    shown = project.do("dvc", "exp", "show", "--only-changed", "--csv").output
    assert "faster" in shown
    assert "marked" in shown
    assert "judge.lr" in shown

    def reran(experiment: str) -> set[str]:
        project.do("dvc", "exp", "apply", experiment)
        after = project.locked()
        return {name for name in before if before[name] != after[name]}

    assert reran("faster") == {"finetune@rms", "evaluate@rms", "report"}
    assert MARK not in _matrix(project)
    assert reran("marked") == {"report"}
    assert MARK in _matrix(project)


def _matrix(project: Project) -> str:
    return Path(project.folder / "reports/matrix.md").read_text()
