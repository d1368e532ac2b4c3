"""Compose `conf/` to `params.yaml`, exactly as `dvc exp run` does."""

import tempfile
from pathlib import Path

import yaml

from rms.errors import RmsError, one_line
from rms.params import PARAMS_FILE, Params, check_params, load_params
from rms.store import write_text

CONF = Path("conf")


def compose(overrides: list[str]) -> str:
    """The text of `params.yaml` for `overrides` in Hydra's syntax, checked.

    DVC's own composition is used, so that the committed file and the one an experiment writes are equal
    to the byte.
    """
    from dvc.exceptions import DvcException  # noqa: PLC0415 - heavy, and only this command needs it
    from dvc.utils.hydra import compose_and_dump  # noqa: PLC0415
    from hydra.errors import HydraException  # noqa: PLC0415
    from omegaconf.errors import OmegaConfBaseException  # noqa: PLC0415

    if not (CONF / "config.yaml").is_file():
        raise RmsError(f"{CONF}/config.yaml: not found; run this in the project folder")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "params.yaml"
        try:
            compose_and_dump(
                target, str(CONF.resolve()), None, "config", str(Path("hydra_plugins").resolve()), overrides
            )
        except (DvcException, HydraException, OmegaConfBaseException, OSError, ValueError) as error:
            hint = "; quote values with blanks or special characters: \"key='a value'\"" if _is_grammar(error) else ""
            raise RmsError(f"{CONF}: {one_line(error)}{hint}") from None
        return target.read_text(encoding="utf-8")


def _is_grammar(error: Exception) -> bool:
    """Whether an override does not follow Hydra's grammar, as paths with blanks or tildes do not."""
    return any(sign in str(error) for sign in ("LexerNoViableAlt", "mismatched input", "extraneous input", "no viable"))


def write_params(overrides: list[str]) -> None:
    """Write `params.yaml`, unless the composition has a fault."""
    text = compose(overrides)
    check_params(yaml.safe_load(text), str(CONF))
    write_text(PARAMS_FILE, text)


def params_for(overrides: list[str]) -> Params:
    """`params.yaml` as it stands, or the composition of `conf/` with `overrides`, which is not written anywhere."""
    return check_params(yaml.safe_load(compose(overrides)), str(CONF)) if overrides else load_params()


def check_up_to_date() -> None:
    """Raise RmsError when `params.yaml` is no longer the composition of `conf/`."""
    text = compose([])
    check_params(yaml.safe_load(text), str(CONF))
    if not PARAMS_FILE.is_file() or PARAMS_FILE.read_text(encoding="utf-8") != text:
        raise RmsError(f"{PARAMS_FILE}: stale, no longer the composition of {CONF}/; run `rms params`")
