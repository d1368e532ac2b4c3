"""Judges to the Hugging Face Hub: weights, settings and card, and nothing else."""

import os
from collections.abc import Mapping
from pathlib import Path

from rms.errors import RmsError
from rms.judge.hub import ENDINGS, REPOSITORY, explained

README = "README.md"


def publishable(folder: Path) -> list[Path]:
    """The files of a judge's folder, by path; RmsError for one that has no business on the Hub."""
    files = sorted(file for file in folder.rglob("*") if not file.is_dir() and file != folder / README)
    for file in files:
        if file.is_symlink() or not file.name.endswith(ENDINGS):
            raise RmsError(f"{file}: is not uploaded: only regular files that end in {', '.join(ENDINGS)} are")
    return files


def publish(files: Mapping[str, Path | bytes], name: str, *, private: bool) -> str:
    """Upload files, by their path in the repository, as one commit to OWNER/NAME, which is made; return its address."""
    token = os.environ.get("HF_TOKEN", "").strip()
    if not token:
        raise RmsError("HF_TOKEN: no token in this environment variable; export one that may write to the Hub")
    if not REPOSITORY.fullmatch(name) or "@" in name:
        raise RmsError(f"{name}: no name of a repository; it has the form OWNER/NAME")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from huggingface_hub import CommitOperationAdd, HfApi  # noqa: PLC0415 - heavy

    operations = [CommitOperationAdd(path_in_repo=path, path_or_fileobj=content) for path, content in files.items()]
    api = HfApi(token=token)
    with explained(name):
        api.create_repo(name, private=private, exist_ok=True)
        return str(api.create_commit(name, operations, commit_message="Judge by RMS").commit_url)
