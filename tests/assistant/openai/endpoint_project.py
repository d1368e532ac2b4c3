"""A project whose assistants are behind an endpoint, and the commands a user has for it."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rms.cache import VARIABLE, cache_folder
from rms.compose import compose

ROOT = Path(__file__).resolve().parents[3]
KEY = "sk-not-a-real-key-0123456789"
"""What the environment variable TEST_KEY holds inside a project."""
NOWHERE = "http://127.0.0.1:9/v1"
"""Where nothing listens."""
PRICE = {"input": 3.0, "output": 5.0}
"""US dollars per million tokens, of assistant and checker."""
SMALL = ("experiment=smoke", "patterns.min_support=1", "assistant=openai", "checker=openai")


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[Path]:
    """Work in `folder` with the code under test, a key, and a cache of its own for everything but compiled networks."""
    compiled = cache_folder() / "compiled"
    compiled.mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir(parents=True, exist_ok=True)
    if not (folder / "cache/compiled").is_symlink():
        (folder / "cache/compiled").symlink_to(compiled)
    if not (folder / "conf").exists():
        shutil.copytree(ROOT / "conf", folder / "conf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_KEY", KEY)
        patch.setenv("PYTHONPATH", str(ROOT / "src"))
        patch.setenv(VARIABLE, str(folder / "cache"))
        patch.chdir(folder)
        yield folder


def configure(url: str, *overrides: str, **alike: str | int | float) -> None:
    """Write params.yaml for the endpoint at `url`; `alike` are settings of assistant and checker."""
    price = f"{{input: {PRICE['input']}, output: {PRICE['output']}}}"
    plain = {"base_url": url, "api_key_env": "TEST_KEY", "price": price, "timeout_s": 5.0, "deadline_s": 20.0}
    both = [f"{who}.{name}={value}" for who in ("assistant", "checker") for name, value in (plain | alike).items()]
    Path("params.yaml").write_text(compose([*SMALL, *both, *overrides]))


def stage(name: str) -> subprocess.CompletedProcess[str]:
    """Run one stage, as DVC does."""
    command = [sys.executable, "-m", "rms", "stage", name]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def do(*names: str) -> str:
    """Run stages that must succeed, and return what they said."""
    said = ""
    for name in names:
        outcome = stage(name)
        assert outcome.returncode == 0, outcome.stderr
        said += outcome.stdout + outcome.stderr
    return said


def fail(name: str) -> str:
    """Run a stage that must fail without a traceback, and return what it said."""
    outcome = stage(name)
    assert outcome.returncode == 1, outcome.stderr
    assert "Traceback" not in outcome.stderr
    return outcome.stderr


def retry(name: str) -> None:
    """Run `rms retry`, which wants a project that DVC knows."""
    if not Path(".dvc").exists():
        Path("src").symlink_to(ROOT / "src")
        shutil.copyfile(ROOT / "dvc.yaml", "dvc.yaml")
        subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], check=True)
    command = [sys.executable, "-m", "rms", "retry", name]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def cost(read: int, written: int) -> float:
    """US dollars that so many tokens cost in a project."""
    return (read * PRICE["input"] + written * PRICE["output"]) / 1e6


def contents(folder: str) -> dict[Path, bytes]:
    """Every file of a folder, by path."""
    return {path: path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def files_with_the_key(folder: Path) -> list[Path]:
    """Files below `folder` that hold the key, or most of it."""
    telling = KEY.removeprefix("sk-").encode()
    return [path for path in folder.rglob("*") if path.is_file() and telling in path.read_bytes()]
