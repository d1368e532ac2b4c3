"""The embedded judge's network: MiniLM over what is seen and what is said, with the image's own features."""

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from rms.perception import FEATURES


class NetworkConfig(PretrainedConfig):  # type: ignore[misc]
    """Hugging Face configuration of the network."""

    model_type = "rms_embedded_judge"

    def __init__(self, encoder: dict[str, Any] | None = None, dropout: float = 0.1, **rest: Any) -> None:
        super().__init__(**rest)
        self.encoder = encoder or {}
        self.dropout = dropout


class Network(PreTrainedModel):  # type: ignore[misc]
    """A cross-encoder: scene and text are read together, and compared at the end.

    The mean vector u of the scene's tokens and the mean vector v of the text's are compared as [u, v, u*v, |u-v|]
    (the classifier of Conneau et al. 2017, InferSent), after attention has let each look at the other. The image's
    pooled features enter through an adapter that starts at zero, so that training begins from the language
    model as it was.
    """

    config_class = NetworkConfig
    base_model_prefix = "encoder"

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(AutoConfig.for_model(**config.encoder), add_pooling_layer=False)
        width = self.encoder.config.hidden_size
        self.adapter = nn.Linear(FEATURES, width)
        nn.init.zeros_(self.adapter.weight)
        nn.init.zeros_(self.adapter.bias)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(4 * width, 1)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        features: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Logits of unsafe, shape (batch,); with `labels` (0 or 1) also the loss."""
        embedded = self.encoder.get_input_embeddings()(input_ids)
        embedded = torch.cat([embedded[:, :1] + self.adapter(features)[:, None], embedded[:, 1:]], dim=1)
        hidden = self.encoder(
            inputs_embeds=embedded, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        scene = _mean(hidden, attention_mask * (1 - token_type_ids))
        text = _mean(hidden, attention_mask * token_type_ids)
        joint = torch.cat([scene, text, scene * text, (scene - text).abs()], dim=-1)
        logits = self.classifier(self.dropout(joint)).squeeze(-1)
        if labels is None:
            return {"logits": logits}
        return {"loss": nn.functional.binary_cross_entropy_with_logits(logits, labels.float()), "logits": logits}


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask[..., None].to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
