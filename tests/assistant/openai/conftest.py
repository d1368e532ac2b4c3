"""Collected photographs to begin with, in a project that asks an endpoint."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from endpoint_project import NOWHERE, configure, do, inside


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of ten photographs, to be copied."""
    with inside(tmp_path_factory.mktemp("collected")) as folder:
        configure(NOWHERE)
        do("collect")
    return folder


@pytest.fixture
def project(collected: Path, tmp_path: Path) -> Iterator[Path]:
    """The current folder: a copy of the collected project."""
    shutil.copytree(collected, tmp_path, symlinks=True, dirs_exist_ok=True)
    with inside(tmp_path) as folder:
        yield folder
