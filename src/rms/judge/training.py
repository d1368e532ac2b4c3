"""Fine-tuning of the embedded judge by `transformers`' Trainer, with DVCLive curves."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from dvclive import Live
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from rms.judge.embedded import Plan
from rms.judge.network import Network
from rms.judge.reading import Reading

Row = tuple[Reading, int]

_CURVES = ("loss", "eval_loss", "learning_rate")
"""What is logged; durations are not, so that two runs log the same."""


def train_network(
    network: Network,
    collate: Callable[[Sequence[Reading]], dict[str, torch.Tensor]],
    train: Sequence[Row],
    validation: Sequence[Row],
    plan: Plan,
) -> None:
    """Fine-tune `network` in place and leave it in evaluation mode; same rows, plan and machine, same weights."""
    settings = plan.settings
    torch.set_num_threads(torch.get_num_interop_threads())
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            num_train_epochs=settings.epochs,
            per_device_train_batch_size=settings.batch_size,
            per_device_eval_batch_size=2 * settings.batch_size,
            learning_rate=settings.lr,
            weight_decay=settings.weight_decay,
            warmup_steps=settings.warmup_ratio,
            lr_scheduler_type="linear",
            seed=plan.seed,
            data_seed=plan.seed,
            eval_strategy="epoch",
            logging_strategy="epoch",
            save_strategy="no",
            report_to="none",
            use_cpu=not torch.cuda.is_available(),
            remove_unused_columns=False,
            dataloader_pin_memory=False,
            label_names=["labels"],
        )
        trainer = Trainer(
            model=network,
            args=arguments,
            data_collator=lambda rows: _batch(collate, rows),
            train_dataset=list(train),
            eval_dataset=list(validation),
            callbacks=[_Curves(plan.curves)] if plan.curves else [],
        )
        trainer.train()
    network.eval()


def _batch(collate: Callable[[Sequence[Reading]], dict[str, torch.Tensor]], rows: Sequence[Row]) -> dict[str, Any]:
    tensors = collate([reading for reading, _ in rows])
    return {**tensors, "labels": torch.tensor([label for _, label in rows])}


class _Curves(TrainerCallback):  # type: ignore[misc]
    """Logs the learning curves of one training to a folder, for `dvc plots`."""

    def __init__(self, folder: Path) -> None:
        self._live = Live(str(folder), dvcyaml=None, report=None, save_dvc_exp=False, monitor_system=False)

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002 - the signature is the Trainer's
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, float],
        **_: Any,
    ) -> None:
        for name in _CURVES:
            if name in logs:
                self._live.log_metric(name, round(logs[name], 6), plot=True)
        if "eval_loss" in logs:
            self._live.step = round(state.epoch or 0)
            self._live.next_step()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self._live.end()
