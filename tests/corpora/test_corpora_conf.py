"""conf/corpora says the same as the adapters."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from rms.compose import compose
from rms.corpora import adapters

ROOT = Path(__file__).resolve().parents[2]


def _composed(*overrides: str) -> dict[str, Any]:
    with contextlib.chdir(ROOT):
        corpora: dict[str, Any] = yaml.safe_load(compose(list(overrides)))["corpora"]
    return corpora


@pytest.mark.parametrize("choice", ["embedded", "folder", "hub"])
def test_every_option_is_configured_with_its_default(choice: str) -> None:
    defaults = {name: {option.name: option.values[0] for option in kind.options} for name, kind in adapters().items()}
    assert _composed(f"corpora={choice}")["options"] == {name: value for name, value in defaults.items() if value}


def test_the_hub_configuration_names_every_public_dataset_and_skips_what_is_not_there() -> None:
    found = _composed("corpora=hub")
    assert [*found["names"], "local"] == sorted(adapters(), key=lambda name: (name == "local", name))
    assert (found["kind"], found["on_missing"], found["root"]) == ("folder", "skip", "downloads/corpora")
    assert "/downloads/" in (ROOT / ".gitignore").read_text().splitlines()
