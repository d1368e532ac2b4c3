"""What a stage's process is told before it starts: to stay offline, and how many threads to use."""

import os

from rms.errors import RmsError
from rms.params import Params


def prepare(params: Params) -> None:
    """Set the environment of this process. Called before any heavy library is imported.

    Raises RmsError for what the configuration knows but no code does yet, before the first stage has run.
    """
    if params.judge.kind != "embedded":
        raise RmsError(f"judge.kind = {params.judge.kind!r}: not built yet; use judge=embedded")
    if params.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_DATASETS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting threads leave the cores to others
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def quiet_transformers() -> None:
    """No bars and notes of its own: loading takes a blink, and our own bars are silent when not in a terminal."""
    from transformers.utils import logging  # noqa: PLC0415 - heavy

    logging.set_verbosity_error()
    logging.disable_progress_bar()
