"""Judges on the Hugging Face Hub, fetched without anything that could run code."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rms.errors import RmsError, one_line
from rms.judge.interface import CARD
from rms.store import read_json

ENDINGS = (".safetensors", ".json", ".yaml", ".md", ".jinja", ".txt")
"""Of the only files that go to the Hub or come from it. The last two are a processor's: chat template, vocabulary."""

REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
_MESSAGE = 300  # characters of another library's error that fit in a line


def fetch(place: str) -> Path:
    """The folder of the judge OWNER/NAME[@REVISION], downloaded unless the Hub's cache has it.

    RmsError where it is not there, is no judge, or is one that could do more than judge: a stranger's judge may
    neither run code of its own nor name an endpoint to send data and a key to.
    """
    found = REPOSITORY.fullmatch(place)
    if found is None:
        raise RmsError(f"{place}: no such folder; name a judge's folder, or OWNER/NAME of one on the Hugging Face Hub")
    name, revision = found.groups()
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the library is imported
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - heavy
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415 - heavy

    if not sys.stderr.isatty():
        disable_progress_bars()
    with explained(place):
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=[f"*{ending}" for ending in ENDINGS]))
    if not (folder / CARD).is_file():
        raise RmsError(f"{place}: holds no {CARD}, so it is no judge; see `rms judge push`")
    card = read_json(folder / CARD)
    if not isinstance(card, dict):
        raise RmsError(f"{place}: its {CARD} is no object, so it is no judge; see `rms judge push`")
    if card.get("kind") == "api":
        raise RmsError(f"{place}: a judge from the Hub may not name an endpoint; set judge=api of your own instead")
    if card.get("trust_remote_code"):
        raise RmsError(
            f"{place}: wants to run code that comes with its base model; read that code, and if you trust it, download "
            f"the judge and name its folder"
        )
    return folder


@contextmanager
def explained(name: str) -> Iterator[None]:
    """The errors of the Hub's library as one line that says what to do."""
    from huggingface_hub import errors  # noqa: PLC0415 - heavy

    try:
        yield
    except errors.GatedRepoError:
        raise RmsError(f"{name}: gated: ask for access on its page of the Hub, then set HF_TOKEN") from None
    except errors.RevisionNotFoundError:
        raise RmsError(f"{name}: the repository has no such revision") from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise RmsError(
            f"{name}: no such folder, and the Hub shows no such judge; is it private? then set HF_TOKEN"
        ) from None
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError):
        raise RmsError(
            f"{name}: no such folder, not in the cache of the Hub, and the Hub is not reached (HF_HUB_OFFLINE, or no "
            "connection)"
        ) from None
    except Exception as error:  # HTTP, file systems and timeouts each have their own kinds
        raise RmsError(f"{name}: the Hub says: {one_line(error)[:_MESSAGE]}") from None
