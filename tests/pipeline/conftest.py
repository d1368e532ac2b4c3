"""Real runs of the smallest experiment: DVC, git and the stages as a user has them, in copies of the project.

Two cold runs go side by side. One is left alone; the other may open no connection and is killed on its way. Tests only
read the two; what a test changes, it changes in a copy.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from project import Outcome, Project, guard, kill_while_generating, new_project


class Finished(NamedTuple):
    """A run of the smoke experiment."""

    project: Project
    outcome: Outcome


class Killed(NamedTuple):
    """A run that may open no connection and was killed while it generated, and what the second try made of it."""

    project: Project
    left: set[str]
    """What lay under data/ after the kill."""
    outcome: Outcome
    connections: Path
    """Tried connections, one a line; the file is missing without any."""


class Runs(NamedTuple):
    finished: Finished
    killed: Killed


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project before any run; tests only read it."""
    return new_project(tmp_path_factory.mktemp("untouched") / "project")


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    with ThreadPoolExecutor(2) as pool:
        finished = pool.submit(_run, tmp_path_factory.mktemp("finished") / "project")
        killed = pool.submit(_run_killed, tmp_path_factory.mktemp("killed") / "project")
        return Runs(finished.result(), killed.result())


@pytest.fixture(scope="session")
def finished(runs: Runs) -> Finished:
    return runs.finished


@pytest.fixture(scope="session")
def killed(runs: Runs) -> Killed:
    return runs.killed


@pytest.fixture
def after_smoke(finished: Finished, tmp_path: Path) -> Project:
    """A copy of the finished run, committed, to change at will."""
    project = finished.project.copy(tmp_path / "project")
    project.commit()
    return project


def _run(folder: Path) -> Finished:
    project = new_project(folder)
    project.do("rms", "params", "experiment=smoke")
    return Finished(project, project.do("dvc", "repro"))


def _run_killed(folder: Path) -> Killed:
    project = new_project(folder)
    project.do("rms", "params", "experiment=smoke")
    connections = folder.with_name("connections")
    guarded = guard(project, connections)
    kill_while_generating(guarded)
    left = {path.name for path in (folder / "data").iterdir() if path.is_dir()}
    return Killed(guarded, left, guarded.do("dvc", "repro"), connections)
