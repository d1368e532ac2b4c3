"""Archives of other people: regular files only, each inside the folder, and no more than a limit in all."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from rms.corpora.paths import leads_out
from rms.errors import RmsError, one_line
from rms.progress import track

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_BYTES = 200 << 30
"""Of all files of an archive together; the largest known has a tenth of it."""
CHUNK = 1 << 20
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(OSError, EOFError, ValueError, RuntimeError),
)
"""What the standard library raises for archives that are cut, wrong or encrypted."""


class Member(NamedTuple):
    """A regular file in an archive."""

    name: str
    size: int
    """In bytes, as the archive says."""
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path) -> int:
    """Unpack beside `archive`, remove it, and return how many files it held.

    Links, devices and the notes that macOS adds are passed over. RmsError when a name leads out of the folder,
    when it unpacks to more than it says or than MAX_BYTES, and when it is damaged.
    """
    count = total = 0
    try:
        for member in track(_members(archive), f"unpacking {archive.name}"):
            total += member.size
            if leads_out(member.name) or total > MAX_BYTES:
                why = "leads out of the folder" if leads_out(member.name) else f"is beyond {MAX_BYTES >> 30} GiB"
                raise RmsError(f"{archive}: {member.name!a:.120} {why}; it is not unpacked")
            _write(archive, member)
            count += 1
    except DAMAGED as error:
        raise RmsError(f"{archive}: cannot be unpacked ({one_line(error)[:200]}); fetch it again") from None
    archive.unlink()
    return count


def _members(archive: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                if not info.is_dir() and not info.filename.startswith("__MACOSX/"):
                    yield Member(info.filename, info.file_size, partial(packed.open, info))
    else:
        with tarfile.open(archive) as packed_tar:
            for entry in packed_tar:
                if entry.isfile():
                    yield Member(entry.name, entry.size, partial(packed_tar.extractfile, entry))


def _write(archive: Path, member: Member) -> None:
    """Copy one file; links that were there before are replaced, never followed."""
    target = archive.parent / member.name
    if not target.parent.resolve().is_relative_to(archive.parent.resolve()):
        raise RmsError(f"{archive}: {member.name!a:.120} leads through a link; it is not unpacked")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    source = member.open()
    if source is None:
        return
    with source, target.open("wb") as copy:
        left = member.size
        while chunk := source.read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise RmsError(f"{archive}: {member.name!a:.120} is larger than the archive says; it is not unpacked")
            copy.write(chunk)
