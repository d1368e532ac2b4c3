"""Photographs in a folder and all its subfolders."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath

from rms.errors import RmsError
from rms.images.decode import EXTENSIONS
from rms.images.faults import ImageFault
from rms.images.sources.raw import Photographs, RawImage
from rms.params import FolderSource


def photographs(source: FolderSource, max_bytes: int) -> Photographs:
    """The images below `source.path`, ordered by their path relative to it.

    Files whose names do not end like those of images are passed over, and counted. A symbolic link is
    followed only to a file inside the folder; one that leaves it is a fault, and so is what cannot be read.
    Raises RmsError when there is no such folder or no image in it.
    """
    if not source.path.is_dir():
        raise RmsError(f"{source.path}: no such folder; set images.source.path to a folder of photographs")
    root = source.path.resolve()
    found, ignored = _listing(root)
    if not found:
        endings = ", ".join(EXTENSIONS)
        raise RmsError(
            f"{source.path}: no images among its {ignored} files; names must end in one of {endings}; "
            "set images.source.path to a folder of photographs"
        )
    return Photographs(_read(root, found, source, max_bytes), len(found), ignored)


def _listing(root: Path) -> tuple[list[PurePath], int]:
    """Sorted relative paths of images and of links to folders outside; and the number of other files."""
    found, ignored = [], 0
    for folder, subfolders, files in os.walk(root):
        here = Path(folder)
        escaping = [name for name in subfolders if (here / name).is_symlink() and not _inside(root, here / name)]
        images = [name for name in files if PurePath(name).suffix.lower() in EXTENSIONS]
        found += [(here / name).relative_to(root) for name in (*escaping, *images)]
        ignored += len(files) - len(images)
    return sorted(found, key=lambda path: path.as_posix()), ignored


def _read(root: Path, found: list[PurePath], source: FolderSource, max_bytes: int) -> Iterator[RawImage]:
    for path in found:
        yield RawImage(
            # File names need not be text; what is not is written as \xNN.
            name=os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace"),
            data=_bytes(root, root / path, max_bytes),
            source="folder",
            licence=source.licence,
            attribution=source.attribution,
            extension=path.suffix,
        )


def _bytes(root: Path, file: Path, max_bytes: int) -> bytes | ImageFault:
    try:
        if not _inside(root, file):
            return ImageFault("outside_folder", "a symbolic link that leaves the source folder")
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
            return ImageFault("unreadable", "not a regular file")
        if status.st_size > max_bytes:
            return ImageFault("too_large", f"{status.st_size} bytes, at most {max_bytes} allowed")
        return file.read_bytes()
    except (OSError, RuntimeError) as error:
        return ImageFault("unreadable", getattr(error, "strerror", None) or "a symbolic link that leads to itself")


def _inside(root: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(root)
