"""A project folder up to and including the stage `train_corpora`: two datasets of ours, six of others, one test set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from train_layouts import LAYOUTS
from train_project import hold, write_ours

from rms.params import Params, check_params
from rms.stages import train_corpora

Configure = Callable[..., Params]


@pytest.fixture(scope="session")
def configure(composed: dict[str, Any]) -> Configure:
    """Parameters with changes to the section `finetune`; every dataset is read."""

    def made(**finetune: Any) -> Params:
        values = composed | {
            "finetune": composed["finetune"] | {"validation_share": 0.25} | finetune,
            "train_corpora": {"names": list(LAYOUTS), "root": "public"},
            "corpora": composed["corpora"] | {"names": ["siuo"]},
        }
        return check_params(values, "test")

    return made


@pytest.fixture(scope="session")
def read_once(tmp_path_factory: pytest.TempPathFactory, configure: Configure) -> Path:
    """The folder; tests only read it, or copy it."""
    folder = tmp_path_factory.mktemp("train_sets")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_ours()
        hold("siuo", [9999], ["nothing that anybody asks"])
        for name, layout in LAYOUTS.items():
            Path("public", name).mkdir(parents=True)
            layout(Path("public", name))
            train_corpora.run(configure(), name)
    return folder


@pytest.fixture
def project(read_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as the current one; outputs of `train_sets` may be written, anything else is only read."""
    monkeypatch.chdir(read_once)
    return read_once
