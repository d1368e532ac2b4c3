"""Fine-tuning of a vision-language judge by `transformers`' Trainer.

Not by TRL's SFTTrainer, which (1.16) does not pack pictures either, cuts what is too long from the end, where the
answer stands, and knows neither class weights nor an evaluation by the verdict.
"""

import math
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from rms.judge.curves import Curves
from rms.judge.interface import Example, Modality
from rms.judge.vlm.card import FRAME, MODEL, POLICY
from rms.judge.vlm.faults import computing
from rms.judge.vlm.model import Base, precision, save_trained, to_train, tokens_of
from rms.judge.vlm.processor import load_processor
from rms.judge.vlm.prompt import frame
from rms.judge.vlm.reading import Bounds, Reader
from rms.judge.vlm.trainer import JudgeTrainer, Row, auroc
from rms.judge.vlm.verdict import Verdict
from rms.params import VlmJudge as Settings
from rms.store import output_folder, write_text

COMPLETE = "complete"
"""An empty file in a checkpoint that was written to its end."""
_CURVES = ("loss", "eval_loss", "eval_auroc", "learning_rate")
_LOGS_PER_EVALUATION = 10


class Training(NamedTuple):
    """One training: from what, how, on what of each query, and the folder it works in."""

    settings: Settings
    base: Base
    policy: str
    modality: Modality
    seed: int
    folder: Path
    """Holds checkpoints and curves while it runs, and `trained` when it has ended."""

    @property
    def trained(self) -> Path:
        """The judge without its card, there once training has ended."""
        return self.folder / "trained"

    @property
    def curves(self) -> Path:
        """Folder of the learning curves."""
        return self.folder / "curves"


def train(training: Training, examples: Sequence[Example], validation: Sequence[Example]) -> None:
    """Write `training.trained`, from the latest complete checkpoint where there is one.

    Same examples, settings, versions and machine: same weights, whether it was killed on the way or not. Where
    processes of one `torchrun` call this together, each computes its share.
    """
    settings = training.settings
    set_seed(training.seed)
    processor = load_processor(
        training.base.name,
        training.base.commit,
        trust_remote_code=training.base.trust_remote_code,
        options=settings.processor,
    )
    kind = precision(settings.precision)
    model = to_train(
        training.base,
        settings.method,
        settings.lora,
        kind,
        quantize=settings.quantize,
        gradient_checkpointing=settings.gradient_checkpointing,
    )
    words = frame(training.policy)
    bounds = Bounds(settings.max_images, settings.max_pixels, tokens_of(settings.max_tokens, model), settings.rationale)
    reader = Reader(processor, words, bounds, training.modality)
    arguments = _arguments(training, len(examples), bf16=kind == "bf16")
    trainer = JudgeTrainer(
        reader,
        Verdict(processor.tokenizer, reader.lead),
        model=model,
        args=arguments,
        train_dataset=_weighed(examples, settings.class_weights),
        eval_dataset=[Row(example, 0.0) for example in validation],
        compute_metrics=auroc,
        callbacks=_callbacks(training, arguments),
    )
    trainer.remove_callback(PrinterCallback)
    if not sys.stderr.isatty():
        trainer.remove_callback(ProgressCallback)
    with _deterministic(), computing(training.base.name):
        trainer.train(resume_from_checkpoint=_latest(training.folder))
    if trainer.is_world_process_zero():
        with output_folder(training.trained) as folder:
            save_trained(trainer.accelerator.unwrap_model(trainer.model), settings.method, kind, folder / MODEL)
            processor.save_pretrained(folder / MODEL)
            write_text(folder / FRAME, f"{words.text}\n")
            write_text(folder / POLICY, f"{training.policy}\n")


def _arguments(training: Training, rows: int, *, bf16: bool) -> TrainingArguments:
    settings = training.settings
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    per_step = settings.batch_size * settings.gradient_accumulation * processes
    evaluate_every = max(1, math.ceil(math.ceil(rows / per_step) / settings.evaluations))
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(training.folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation,
        activation_checkpointing=settings.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if settings.gradient_checkpointing else None,
        learning_rate=settings.lr,
        weight_decay=settings.weight_decay,
        adam_beta2=0.95,  # as large models are trained: fine-tuning is too short for averages over a thousand steps
        warmup_steps=settings.warmup_ratio,
        lr_scheduler_type="cosine",
        bf16=bf16,
        seed=training.seed,
        data_seed=training.seed,
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=evaluate_every,
        save_steps=evaluate_every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="auroc",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=max(1, evaluate_every // _LOGS_PER_EVALUATION),
        report_to="none",
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        ddp_backend=("nccl" if on_gpu else "gloo") if processes > 1 else None,
        ddp_find_unused_parameters=True if processes > 1 else None,
        remove_unused_columns=False,
        label_names=["truth"],
        disable_tqdm=not sys.stderr.isatty(),
    )


def _callbacks(training: Training, arguments: TrainingArguments) -> list[TrainerCallback]:
    callbacks: list[TrainerCallback] = [_Complete()]
    if training.settings.patience is not None:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=training.settings.patience))
    if arguments.process_index == 0:
        callbacks.append(Curves(training.curves, _CURVES, "step"))
    return callbacks


class _Complete(TrainerCallback):  # type: ignore[misc]
    """Marks a checkpoint when all of it is written, so that one cut short is never gone on from."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()


def drop_incomplete(folder: Path) -> None:
    """Remove the checkpoint that a kill cut short: the Trainer would count it among those it keeps."""
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / COMPLETE).exists():
            shutil.rmtree(checkpoint)


def _latest(folder: Path) -> str | None:
    """The last checkpoint that is complete."""
    found = sorted(folder.glob(f"checkpoint-*/{COMPLETE}"), key=lambda file: int(file.parent.name.partition("-")[2]))
    return str(found[-1].parent) if found else None


def _weighed(examples: Sequence[Example], weights: str) -> list[Row]:
    """Each example with its weight: 1, or balanced so that both classes weigh alike and the mean is 1."""
    counts = [sum(example.label == label for example in examples) for label in (0, 1)]
    if weights == "none" or not all(counts):
        return [Row(example, 1.0) for example in examples]
    return [Row(example, len(examples) / (2 * counts[example.label])) for example in examples]


@contextmanager
def _deterministic() -> Iterator[None]:
    """On a GPU, algorithms that give the same sums each time, where there are such; a processor's always do."""
    if not torch.cuda.is_available():
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
