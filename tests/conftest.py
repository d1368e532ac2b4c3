"""What many tests share: the default configuration, and one small run over the photographs of the packages."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from rms.compose import compose
from rms.params import Params, check_params
from rms.records import CorpusImage, CorpusSample
from rms.stages import augment, build, collect, generate, patterns, risk_oriented
from rms.store import write_table

ROOT = Path(__file__).resolve().parents[1]

# Small enough for a minute on two cores, large enough that each split has every kind of row.
SMALL = [
    "generate.per_image=2",
    "generate.nearest=1",
    "augment.variations=1",
    "augment.criteria=[paraphrase,casual]",
    "augment.twin_tries=20",
    "corpora.names=[elsewhere]",
    "risk_oriented.per_risk=12",
    f"images.source.manifest={ROOT}/conf/manifests/embedded.yaml",
]


@pytest.fixture(scope="session")
def composed() -> dict[str, Any]:
    """The default composition of conf/ as plain values; copy it before a change."""
    with contextlib.chdir(ROOT):
        values: dict[str, Any] = yaml.safe_load(compose([]))
    return values


@pytest.fixture(scope="session")
def small_params() -> Params:
    with contextlib.chdir(ROOT):
        return check_params(yaml.safe_load(compose(SMALL)), "conf")


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, small_params: Params) -> Path:
    """A folder in which every data stage ran on 30 real photographs; the stages run in it, tests only read it."""
    folder = tmp_path_factory.mktemp("run")
    with contextlib.chdir(folder):
        write_table(Path("data/corpora/elsewhere/images"), CorpusImage, [])
        write_table(Path("data/corpora/elsewhere/samples"), CorpusSample, [])
        for stage in (collect, patterns, generate, augment, build, risk_oriented):
            stage.run(small_params)
    return folder
