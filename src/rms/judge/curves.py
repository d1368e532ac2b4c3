"""Learning curves of one training, logged with DVCLive for `dvc plots`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dvclive import Live
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Curves(TrainerCallback):  # type: ignore[misc]
    """Logs the curves named in `names`; durations are not among them, so that two runs log the same.

    A training that goes on from a checkpoint logs what came before it too.
    """

    def __init__(self, folder: Path, names: Sequence[str], step: Literal["epoch", "step"]) -> None:
        self._live = _live(folder)
        self._names = names
        self._step = step

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any) -> None:  # noqa: ARG002
        for logs in state.log_history:
            self._log(logs, logs[self._step])

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002 - the signature is the Trainer's
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, float],
        **_: Any,
    ) -> None:
        if state.is_world_process_zero:
            self._log(logs, (state.epoch or 0) if self._step == "epoch" else state.global_step)

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self._live.end()

    def _log(self, logs: Mapping[str, float], step: float) -> None:
        self._live.step = round(step)
        for name in self._names:
            if name in logs:
                self._live.log_metric(name, round(logs[name], 6), plot=True)
        self._live.make_summary()


def _live(folder: Path) -> Live:
    live = Live(str(folder), dvcyaml=None, report=None, save_dvc_exp=False, monitor_system=False)
    if live._dvc_repo is not None:  # these files are outputs of a stage, so that there is nothing to do in a repository
        live._dvc_repo.close()  # which nobody else does
        live._dvc_repo = None
    return live
