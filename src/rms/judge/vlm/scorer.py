"""A trained vision-language model that scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rms.judge.interface import Query
from rms.judge.vlm.card import FRAME, MODEL, Card
from rms.judge.vlm.faults import computing
from rms.judge.vlm.model import device, tokens_of
from rms.judge.vlm.processor import load_processor
from rms.judge.vlm.prompt import parse_frame
from rms.judge.vlm.reading import Bounds, Reader
from rms.judge.vlm.sharing import Network
from rms.judge.vlm.verdict import WORDS, Batch, Verdict, follow

_LONGEST_LINE = 96
"""Tokens of a line of reasons."""


class Scorer:
    """Reads queries and says P(unsafe), a batch at a time, and why."""

    def __init__(self, card: Card, folder: Path) -> None:
        processor = load_processor(folder / MODEL, None, trust_remote_code=card.trust_remote_code)
        self._network = Network(card, folder / MODEL)
        self.max_tokens = tokens_of(card.max_tokens, self._network.model)
        frame = parse_frame((folder / FRAME).read_text(encoding="utf-8").rstrip(), str(folder / FRAME))
        bounds = Bounds(card.max_images, card.max_pixels, self.max_tokens, card.rationale)
        self._reader = Reader(processor, frame, bounds, card.modality)
        self._verdict = Verdict(processor.tokenizer, self._reader.lead)
        self._tokenizer = processor.tokenizer
        self._batch_size = card.batch_size

    @property
    def shortened(self) -> int:
        """Queries so far that did not fit and lost words."""
        return self._reader.shortened

    def p_unsafe(self, queries: Sequence[Query]) -> NDArray[np.float64]:
        """Probability of unsafe for each query, shape (len(queries),)."""
        model = self._network.model
        scores = np.empty(len(queries))
        for start in range(0, len(queries), self._batch_size):
            batch = self._read(queries[start : start + self._batch_size])
            scores[start : start + self._batch_size] = self._verdict.p_unsafe(model, batch).cpu().numpy()
        return scores

    def explain(self, query: Query, label: int) -> str:
        """The line of reasons that the model writes behind the verdict `label`."""
        import torch  # noqa: PLC0415 - heavy

        opening = self._tokenizer.encode(f"{self._reader.lead}{WORDS[label]}\n", add_special_tokens=False)
        batch = follow(self._read([query]), [opening])
        model = self._network.model
        with torch.no_grad(), computing(model.name_or_path):
            written = model.generate(
                **batch,
                max_new_tokens=_LONGEST_LINE,
                do_sample=False,
                eos_token_id=self._tokenizer.eos_token_id,
                pad_token_id=self._tokenizer.pad_token_id,
            )
        line: str = self._tokenizer.decode(written[0, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        return line.strip().partition("\n")[0].strip()

    def _read(self, queries: Sequence[Query]) -> Batch:
        return {name: values.to(device()) for name, values in self._reader.read(queries).items()}
