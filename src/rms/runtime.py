"""What a stage's process is told before it starts: to stay offline, and how many threads to use."""

import os

from rms.params import Params

TRUSTED = "RMS_TRUST_REMOTE_CODE"
"""Environment variable that names the model whose own code may run: what a saved judge says of itself is no consent."""


def prepare(params: Params) -> None:
    """Set the environment of this process. Called before any heavy library is imported."""
    if params.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_DATASETS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if params.judge.kind == "vlm" and params.judge.trust_remote_code:
        os.environ[TRUSTED] = params.judge.model
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting threads leave the cores to others
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def quiet_transformers() -> None:
    """No bars and notes of its own: loading takes a blink, and our own bars are silent when not in a terminal."""
    from transformers.utils import logging  # noqa: PLC0415 - heavy

    logging.set_verbosity_error()
    logging.disable_progress_bar()
