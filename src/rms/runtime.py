"""What a process is told before it starts: what it may trust, to stay offline, and how many threads to use."""

import os

from rms.params import ApiJudge, Params

TRUSTED_CODE = "RMS_TRUST_REMOTE_CODE"
"""Environment variable that names the models whose own code may run: what a saved judge says of itself is no consent.

One a line."""
TRUSTED_ENDPOINT = "RMS_TRUST_ENDPOINT"
"""Likewise names the endpoints that a saved judge may send pictures and a key to, as `endpoint_name` has it."""


def prepare(params: Params) -> None:
    """Set the environment of this process. Called before any heavy library is imported."""
    if params.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_DATASETS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    trust(params)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting threads leave the cores to others
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def trust(params: Params) -> None:
    """Let saved judges use what the user's own settings name, beside what the environment does."""
    if params.judge.kind == "vlm" and params.judge.trust_remote_code:
        _trust(TRUSTED_CODE, params.judge.model)
    if params.judge.kind == "api":
        _trust(TRUSTED_ENDPOINT, endpoint_name(params.judge))


def is_trusted(variable: str, name: str) -> bool:
    """Whether the user named it; nobody names what has no name."""
    return bool(name) and name in os.environ.get(variable, "").split("\n")


def _trust(variable: str, name: str) -> None:
    if not is_trusted(variable, name):
        os.environ[variable] = f"{os.environ.get(variable, '')}\n{name}".strip("\n")


def endpoint_name(settings: ApiJudge) -> str:
    """Address, and after a blank the environment variable that holds the key, where one is sent."""
    return " ".join(filter(None, (settings.base_url, settings.api_key_env)))


def quiet_transformers() -> None:
    """No bars and notes of its own: loading takes a blink, and our own bars are silent when not in a terminal."""
    from transformers.utils import logging  # noqa: PLC0415 - heavy

    logging.set_verbosity_error()
    logging.disable_progress_bar()
