"""A Trainer whose loss is the answer's and whose evaluation is the verdict's."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from sklearn.metrics import roc_auc_score
from transformers import EvalPrediction, Trainer

from rms.judge.interface import Example
from rms.judge.vlm.reading import IGNORED, Reader
from rms.judge.vlm.verdict import Verdict, last_logits


class Row(NamedTuple):
    example: Example
    weight: float
    """Of its loss; 0 for an example that is only scored."""


class JudgeTrainer(Trainer):  # type: ignore[misc]
    """Learns the answers' tokens alone, each example by its weight; evaluates by the verdict."""

    def __init__(self, reader: Reader, verdict: Verdict, **options: Any) -> None:
        super().__init__(data_collator=self._collate, **options)
        self._reader = reader
        self._verdict = verdict
        self.model_accepts_loss_kwargs = True  # so that answer tokens are counted over the whole accumulated batch
        self.loss_is_scaled_for_ga = True

    def _collate(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        examples = [row.example for row in rows]
        if any(row.weight for row in rows):
            return self._reader.learn(examples, [row.weight for row in rows])
        truth = torch.tensor([example.label for example in examples])
        return {**self._reader.read([example.query for example in examples]), "truth": truth}

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,  # noqa: ARG002 - the signature is the Trainer's
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Weighted mean of the answer tokens' cross-entropy over the accumulated batch of all processes."""
        labels, weights = inputs["labels"], inputs["weights"]
        batch = {name: values for name, values in inputs.items() if name not in ("labels", "weights")}
        answer = labels.shape[1] - int((labels != IGNORED).any(0).int().argmax())
        logits = last_logits(model, batch, answer + 1)[:, :-1]
        labels = labels[:, -answer:]
        losses = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
        )
        count = num_items_in_batch if num_items_in_batch is not None else (labels != IGNORED).sum()
        # DistributedDataParallel takes the mean over processes, and the count is of all of them.
        loss: torch.Tensor = (losses * weights[:, None]).sum() / count * self.accelerator.num_processes
        return loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        prediction_loss_only: bool,  # noqa: ARG002 - the signature is the Trainer's
        ignore_keys: list[str] | None = None,  # noqa: ARG002
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean log loss of the verdicts, the verdicts, and the labels."""
        inputs = self._prepare_inputs(inputs)
        truth = inputs.pop("truth")
        p_unsafe = self._verdict.p_unsafe(model, inputs)
        loss = torch.nn.functional.binary_cross_entropy(p_unsafe, truth.double())
        return loss.float(), p_unsafe, truth


def auroc(evaluated: EvalPrediction) -> dict[str, float]:
    """AUROC of the validation split; 0.5 where it has one class only."""
    truth, p_unsafe = evaluated.label_ids, evaluated.predictions
    return {"auroc": float(roc_auc_score(truth, p_unsafe)) if 0 < truth.sum() < len(truth) else 0.5}
