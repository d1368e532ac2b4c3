"""Paths named by other people's files: none may lead out of the folder they came in."""

from itertools import product
from pathlib import Path, PureWindowsPath
from typing import NamedTuple


class Refusal(NamedTuple):
    """Why a path was not followed. Reasons: outside_folder, bad_path, missing_image."""

    reason: str
    detail: str = ""


def holds_files(folder: Path) -> bool:
    """Whether there is something in `folder`: a fetch leaves an empty one for what it could not get."""
    return folder.is_dir() and any(folder.iterdir())


def leads_out(path: str) -> bool:
    """Whether a path is absolute or has `..` in it, with either slash."""
    windows = PureWindowsPath(path)
    return ".." in windows.parts or bool(windows.drive or windows.root)


def locate(
    folder: Path, path: str, roots: tuple[str, ...] = ("",), suffixes: tuple[str, ...] = ("",)
) -> Path | Refusal:
    """The regular file that `path`, with one of `suffixes`, names under the first of `roots` that has it.

    `folder` must be resolved already. Absolute paths, `..` (with either slash) and links that leave the
    folder are refused, whether or not something is there.
    """
    if leads_out(path):
        return Refusal("outside_folder", "leads out of the corpus' folder")
    for root, suffix in product(roots, suffixes):
        try:
            real = (folder / root / (path + suffix)).resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError, RuntimeError) as error:
            return Refusal("bad_path", f"no usable path ({type(error).__name__})")
        if not real.is_relative_to(folder):
            return Refusal("outside_folder", "is a link out of the corpus' folder")
        if real.is_file():
            return real
    return Refusal("missing_image")
