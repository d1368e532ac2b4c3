"""Fine-tuning of the embedded judge by `transformers`' Trainer, with DVCLive curves."""

import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PrinterCallback, Trainer, TrainingArguments, default_data_collator

from rms.judge.curves import Curves
from rms.judge.embedded import Plan
from rms.judge.network import Network
from rms.judge.reading import Readings

Split = tuple[Readings, Sequence[int]]
"""Readings and their labels (1 is unsafe)."""

_CURVES = ("loss", "eval_loss", "learning_rate")


def train_network(network: Network, train: Split, validation: Split, plan: Plan) -> None:
    """Train `network` in place and leave it in evaluation mode; same rows, plan and machine, same weights."""
    settings = plan.settings
    torch.set_num_threads(1)  # the network is too small to share
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            num_train_epochs=settings.epochs,
            per_device_train_batch_size=settings.batch_size,
            per_device_eval_batch_size=1024,
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
            use_cpu=True,
            dataloader_pin_memory=False,
            disable_tqdm=not sys.stderr.isatty(),
            label_names=["labels"],
        )
        trainer = Trainer(
            model=network,
            args=arguments,
            train_dataset=_rows(train),
            eval_dataset=_rows(validation),
            data_collator=default_data_collator,
            callbacks=[Curves(plan.curves, _CURVES, "epoch")],
        )
        trainer.remove_callback(PrinterCallback)  # the curves have it all, and a terminal has the bar
        trainer.train()
    network.eval()


def _rows(split: Split) -> list[dict[str, Any]]:
    readings, labels = split
    return [
        {"text": text, "scene": scene, "labels": label}
        for text, scene, label in zip(readings.text, readings.scene, labels, strict=True)
    ]
