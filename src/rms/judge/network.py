"""The embedded judge's network: how well a wish and a scene go together."""

from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

SCALE = 10.0
"""Inputs are unit vectors; scaled like this their coordinates are of the order of one."""


class NetworkConfig(PretrainedConfig):  # type: ignore[misc]
    """Hugging Face configuration of the network."""

    model_type = "rms_embedded_judge"

    def __init__(
        self, text_size: int = 0, scene_size: int = 0, width: int = 512, dropout: float = 0.3, **rest: Any
    ) -> None:
        super().__init__(**rest)
        self.text_size = text_size
        self.scene_size = scene_size
        self.width = width
        self.dropout = dropout


class Network(PreTrainedModel):  # type: ignore[misc]
    """Two towers whose products are weighed (a gated form of the low-rank bilinear model of Kim et al. 2017).

    Whether a pair is risky is a matter of which wish meets which scene. A product of the two towers says that in
    one layer, and learns it from hundreds of rows; a sum of them could only learn what each says alone.
    """

    config_class = NetworkConfig

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.text_tower = nn.Linear(config.text_size, config.width)
        self.scene_tower = nn.Linear(config.scene_size, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.width, 1)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            module.reset_parameters()

    def forward(
        self, text: torch.Tensor, scene: torch.Tensor, labels: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Logits of unsafe, shape (batch,), from `text` (batch, text_size) and `scene` (batch, scene_size).

        With `labels` (batch,) of 0 or 1 also the loss.
        """
        wish = nn.functional.gelu(self.text_tower(SCALE * text))
        place = nn.functional.gelu(self.scene_tower(SCALE * scene))
        logits = self.output(self.dropout(wish * place)).squeeze(-1)
        if labels is None:
            return {"logits": logits}
        return {"loss": nn.functional.binary_cross_entropy_with_logits(logits, labels.float()), "logits": logits}
