"""Where trainings keep what a kill must not cost, outside every folder that a stage writes."""

import fcntl
import hashlib
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Self, SupportsBytes

from rms.errors import RmsError
from rms.judge.interface import Example
from rms.seeds import content_id

_KEPT_SECONDS = 30 * 24 * 3600
_PACKAGES = ("accelerate", "peft", "torch", "transformers")


class Checkpoints:
    """One folder for each training, named by everything that decides its outcome.

    Used as `with Checkpoints(root) as checkpoints:` around a run: the folders it asked for are removed when the run
    ends well, and stay when it fails or is killed, so that the next run goes on from them. What no run came back to in
    thirty days is removed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._held = ExitStack()
        self._folders: list[Path] = []

    def folder(self, settings: Sequence[str], examples: Iterable[Example]) -> Path:
        """The folder of the training with these settings on these examples; RmsError while another run uses it."""
        name = content_id(*settings, *map(_version, _PACKAGES), _digest(examples))
        folder = self._root / name
        if folder in self._folders:
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        lock = self._held.enter_context((folder / "lock").open("a"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go by the system when the process ends
        except OSError:
            raise RmsError(f"{folder}: another run trains the same judge; wait for it to end") from None
        self._folders.append(folder)
        return folder

    def __enter__(self) -> Self:
        for folder in self._root.glob("*"):
            with suppress(FileNotFoundError):  # another run has just removed it
                if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for folder in self._folders:
            if kind is None or not _holds_work(folder):
                shutil.rmtree(folder, ignore_errors=True)
        self._held.close()


def _holds_work(folder: Path) -> bool:
    return (folder / "trained").is_dir() or any(folder.glob("checkpoint-*"))


def _digest(examples: Iterable[Example]) -> str:
    total = hashlib.sha256()
    digests: dict[SupportsBytes, str] = {}
    for query, label, rationale in examples:
        for image in query.images:
            if image not in digests:
                digests[image] = hashlib.sha256(bytes(image)).hexdigest()
        pictures = ",".join(digests[image] for image in query.images)
        total.update(content_id(pictures, query.text, query.response, str(label), rationale).encode())
    return total.hexdigest()


def _version(package: str) -> str:
    try:
        return f"{package}=={version(package)}"
    except PackageNotFoundError:
        return package
