"""Download a dataset from the Hugging Face Hub into the folder its adapter reads.

There is one parser: what comes from the Hub is laid into `<root>/<name>` just as if it had been put there by
hand, archives unpacked, with the commit it was noted beside it.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from rms.corpora.base import Adapter, Download
from rms.corpora.paths import leads_out
from rms.corpora.unpack import ENDINGS, unpack
from rms.errors import RmsError, one_line
from rms.progress import map_ordered
from rms.store import write_json

NOTE = ".rms-source.json"
"""By split: repository, commit and number of files."""
CONNECTIONS = 8
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MESSAGE = 300  # characters of another library's error that fit in a line


class Fetched(NamedTuple):
    """What a download left in `folder`."""

    folder: Path
    revision: str
    files: int
    """Downloaded; archives count as one."""
    already: bool
    """Whether it was there before, so that nothing was sent."""


def fetch(adapter: Adapter, split: str, root: Path, revision: str | None = None) -> Fetched:
    """Download `split` into `<root>/<name>`, at `revision` or the commit the adapter pins.

    Raises RmsError in one line: not on the Hub, no access (with the page to ask at), no connection, no such
    files. An empty folder is left then, so that DVC finds the stage's dependency and `on_missing=skip` works.
    """
    folder = root / adapter.name
    folder.mkdir(parents=True, exist_ok=True)
    download = adapter.split(split).download
    if download is None:
        raise RmsError(f"{adapter.name}: its {split} split is not on the Hub; {by_hand(adapter, folder)}")
    wanted = revision or download.revision
    notes = _notes(folder)
    noted = notes.get(split)
    if noted and wanted in (None, noted["revision"]):
        return Fetched(folder, noted["revision"], noted["files"], already=True)
    draft = folder.with_name(f".{adapter.name}.partial")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the library is imported, below
    with _explained(adapter, download):
        commit, files = _download(adapter.name, download, wanted, draft)
    for archive in sorted(path for path in draft.rglob("*") if path.name.endswith(ENDINGS)):
        unpack(archive)
    _move(draft, folder)
    note = {"repo": download.repo, "revision": commit, "files": files}
    alike = [other.name for other in adapter.splits if other.download == download]  # some have both in the same files
    write_json(folder / NOTE, notes | dict.fromkeys(alike, note))
    return Fetched(folder, commit, files, already=False)


def fetched_revision(folder: Path, split: str) -> str | None:
    """The commit that `fetch` noted for `split`, where it did."""
    noted = _notes(folder).get(split)
    return noted["revision"] if noted else None


def by_hand(adapter: Adapter, folder: Path) -> str:
    """Where to get a corpus, and what to put where."""
    where = f"get it from {adapter.homepage}" if adapter.homepage else "make it"
    asking = ", after asking for access there," if adapter.gated else ""
    return f"{where}{asking} and put {adapter.layout} into {folder}"


def _download(name: str, download: Download, revision: str | None, draft: Path) -> tuple[str, int]:
    """Fill `draft`, going on where a killed download stopped; return the commit and the number of files."""
    from huggingface_hub import HfApi, hf_hub_download  # noqa: PLC0415 - heavy
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415 - heavy

    api = HfApi()
    commit = api.dataset_info(download.repo, revision=revision).sha
    if not commit or not _COMMIT.fullmatch(commit):
        raise RmsError(f"{name}: {download.repo} names no commit for {revision or 'its newest state'}")
    listed = api.list_repo_files(download.repo, repo_type="dataset", revision=commit)
    files = sorted(file for file in listed if any(fnmatch(file, pattern) for pattern in download.patterns))
    outside = next((file for file in files if leads_out(file)), None)
    if outside is not None or not files:
        what = f"lists {outside!a:.120}" if files else f"has none of {', '.join(download.patterns)}"
        raise RmsError(f"{name}: {download.repo} at {commit[:12]} {what}; nothing was downloaded")

    if len(files) > CONNECTIONS or not sys.stderr.isatty():
        disable_progress_bars()  # the library's, one for each file: good for a few large ones

    def one(file: str) -> None:
        hf_hub_download(download.repo, file, repo_type="dataset", revision=commit, local_dir=draft)

    for _ in map_ordered(one, files, f"{name} files", workers=CONNECTIONS, total=len(files)):
        pass
    shutil.rmtree(draft / ".cache", ignore_errors=True)  # its notes hold times, which would change DVC's hash
    return commit, len(files)


def _move(draft: Path, folder: Path) -> None:
    """Put every file of `draft` in its place in `folder`; another split's files stay."""
    for file in sorted(path for path in draft.rglob("*") if path.is_file() and not path.is_symlink()):
        target = folder / file.relative_to(draft)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, target)  # noqa: PTH105 - Path.replace would do the same
    shutil.rmtree(draft)


@contextmanager
def _explained(adapter: Adapter, download: Download) -> Iterator[None]:
    """The errors of the Hub's library as one line that says what to do."""
    from huggingface_hub.errors import (  # noqa: PLC0415 - heavy
        GatedRepoError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"https://huggingface.co/datasets/{download.repo}"
    try:
        yield
    except RmsError:
        raise
    except GatedRepoError:
        token = "the account of HF_TOKEN has no access yet" if os.environ.get("HF_TOKEN") else "it needs a token"
        raise RmsError(f"{adapter.name}: gated, and {token}; ask for access at {page}, then set HF_TOKEN") from None
    except RevisionNotFoundError:
        raise RmsError(
            f"{adapter.name}: {download.repo} has no such revision; leave --revision out for its newest"
        ) from None
    except RepositoryNotFoundError:
        raise RmsError(f"{adapter.name}: the Hub shows no {download.repo}; look at {page}, and set HF_TOKEN") from None
    except OfflineModeIsEnabled:
        raise RmsError(f"{adapter.name}: HF_HUB_OFFLINE forbids a connection; unset it to fetch") from None
    except Exception as error:  # HTTP, file systems and timeouts each have their own kinds
        raise RmsError(f"{adapter.name}: {page} cannot be fetched ({one_line(error)[:_MESSAGE]}); try again") from None


def _notes(folder: Path) -> dict[str, dict[str, Any]]:
    """What is noted beside the files, by split; anything that is no such note counts as none."""
    try:
        found = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    notes = found if isinstance(found, dict) else {}
    return {split: note for split, note in notes.items() if _is_note(note)}


def _is_note(note: object) -> bool:
    return (
        isinstance(note, dict)
        and isinstance(note.get("revision"), str)
        and _COMMIT.fullmatch(note["revision"]) is not None
        and isinstance(note.get("files"), int)
    )
