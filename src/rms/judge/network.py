"""The embedded judge's network: how well a wish and a scene go together."""

from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, PositiveInt
from safetensors.torch import load_file, save_file
from torch import nn

from rms.store import read_json, write_json

SCALE = 10.0
"""Inputs are unit vectors; scaled like this their coordinates are of the order of one."""

_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"


class NetworkConfig(BaseModel):
    """What shapes the network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text_size: PositiveInt
    scene_size: PositiveInt
    width: PositiveInt
    dropout: float


class Network(nn.Module):
    """Two towers whose products are weighed (a gated form of the low-rank bilinear model of Kim et al. 2017).

    Whether a pair is risky is a matter of which wish meets which scene. A product of the two towers says that in
    one layer, and learns it from hundreds of rows; a sum of them could only learn what each says alone.

    Saved in the layout of the Hugging Face Hub, `config.json` and `model.safetensors`, but no `PreTrainedModel`: what
    that imports takes longer to load than a corpus takes to judge.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.shape = config
        self.text_tower = nn.Linear(config.text_size, config.width)
        self.scene_tower = nn.Linear(config.scene_size, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.width, 1)

    def save_pretrained(self, folder: Path) -> None:
        """Write configuration and weights into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / _CONFIG, self.shape.model_dump())
        save_file(self.state_dict(), folder / _WEIGHTS, metadata={"format": "pt"})

    @classmethod
    def from_pretrained(cls, folder: Path) -> "Network":
        """The network saved in `folder`, ready to score.

        Raises ValueError, OSError, RuntimeError or SafetensorError where a file, a weight or a number is missing or
        does not fit.
        """
        network = cls(NetworkConfig.model_validate(read_json(folder / _CONFIG)))
        network.load_state_dict(load_file(folder / _WEIGHTS))
        return network.eval()

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
