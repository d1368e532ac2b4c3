"""From the next-token distribution to P(unsafe) / (P(safe) + P(unsafe))."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch

from rms.errors import RmsError
from rms.judge.vlm.faults import computing

Word = Literal["safe", "unsafe"]
Tokens = tuple[int, ...]
Batch = dict[str, torch.Tensor]

WORDS: tuple[Word, Word] = ("safe", "unsafe")
"""By label: 0 is safe, 1 is unsafe."""

_PER_TOKEN = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")
"""What a processor gives for each token of a prompt; everything else belongs to pictures."""


class Verdict:
    """The two words in every way a tokenizer writes them, and how likely a model is to say one of them next.

    A word counts in lower case, capitalised and in capitals, with and without a blank before it. A way of writing is
    followed up to its first token that no way of the other word shares: for most tokenizers that is the first token,
    and one look at the next-token distribution is all. Where "safe" and "unsafe" begin alike, the shared tokens are
    given to the model and it is asked what follows (teacher forcing), so that whole words are compared.
    """

    def __init__(self, tokenizer: Any, lead: str = "") -> None:
        ways = {word: _ways(tokenizer, word, ["", " ", lead]) for word in WORDS}
        for word, written in ways.items():
            if not written:
                raise RmsError(f"{tokenizer.name_or_path or 'the tokenizer'}: cannot write the word {word!r}")
        self.deciding = {
            "safe": _deciding(ways["safe"], ways["unsafe"]),
            "unsafe": _deciding(ways["unsafe"], ways["safe"]),
        }
        decided = [*self.deciding["safe"], *self.deciding["unsafe"]]
        self.contexts = sorted({tokens[:end] for tokens in decided for end in range(len(tokens))})
        """What the model is asked to go on from behind the prompt; () alone for most tokenizers."""

    def p_unsafe(self, model: Any, batch: Batch) -> torch.Tensor:
        """P(unsafe) given one of the two words, shape (prompts,), in double precision; no gradients."""
        with torch.no_grad():
            after = {context: _next(model, follow(batch, [context] * _size(batch))) for context in self.contexts}
        said = {word: _log_sum(after, self.deciding[word]) for word in WORDS}
        return torch.sigmoid(said["unsafe"] - said["safe"])


def follow(batch: Batch, additions: Sequence[Sequence[int]], padding: int = 0) -> Batch:
    """`batch` with tokens added behind each prompt, padded on the left again."""
    if not any(additions):
        return batch
    kept = batch["attention_mask"].bool()
    rows = [
        {name: _row(name, batch[name][index][kept[index]], tokens) for name in _PER_TOKEN if name in batch}
        for index, tokens in enumerate(additions)
    ]
    fill = {"input_ids": padding}
    joined = {
        name: torch.nn.utils.rnn.pad_sequence(
            [row[name] for row in rows], batch_first=True, padding_value=fill.get(name, 0), padding_side="left"
        )
        for name in rows[0]
    }
    return {**batch, **joined}


def _row(name: str, values: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
    added = list(tokens) if name == "input_ids" else [int(name == "attention_mask")] * len(tokens)
    return torch.cat([values, values.new_tensor(added)])


def last_logits(model: Any, batch: Batch, count: int) -> torch.Tensor:
    """Logits of the last `count` positions, shape (prompts, count, vocabulary), in single precision.

    Models that can compute only those are told to: the full ones of a long prompt weigh more than the model's work.
    """
    options = {"logits_to_keep": count} if _keeps_logits(model) else {}
    with computing(getattr(model, "name_or_path", "") or "the model"):
        logits: torch.Tensor = model(**batch, **options, use_cache=False).logits
    return logits[:, -count:].float()


def _keeps_logits(model: Any) -> bool:
    """Whether the model takes `logits_to_keep`."""
    inner = getattr(model, "module", model)  # as DistributedDataParallel wraps it
    inner = inner.get_base_model() if hasattr(inner, "get_base_model") else inner
    return "logits_to_keep" in inspect.signature(inner.forward).parameters


def _next(model: Any, batch: Batch) -> torch.Tensor:
    """Log-probabilities of the next token, shape (prompts, vocabulary)."""
    return torch.log_softmax(last_logits(model, batch, 1)[:, 0].double(), dim=-1)


def _log_sum(after: dict[Tokens, torch.Tensor], ways: Iterable[Tokens]) -> torch.Tensor:
    """Log-probability that one of the ways is what follows the prompt."""
    each = [torch.stack([after[way[:end]][:, way[end]] for end in range(len(way))]).sum(0) for way in ways]
    return torch.stack(each).logsumexp(0)


def _ways(tokenizer: Any, word: str, leads: Iterable[str]) -> set[Tokens]:
    written = set()
    for lead in leads:
        for form in (word, word.capitalize(), word.upper()):
            tokens = tuple(tokenizer.encode(lead + form, add_special_tokens=False))
            if tokens and tokenizer.unk_token_id not in tokens:
                written.add(tokens)
    return written


def _deciding(own: set[Tokens], other: set[Tokens]) -> list[Tokens]:
    """Each way up to its first token that rules out `other`, none of them the beginning of another."""
    ends = {
        next((way[:end] for end in range(1, len(way)) if not any(_begins(far, way[:end]) for far in other)), way)
        for way in own
    }
    return sorted(way for way in ends if not any(way != short and _begins(way, short) for short in ends))


def _begins(tokens: Tokens, start: Tokens) -> bool:
    return tokens[: len(start)] == start


def _size(batch: Batch) -> int:
    return int(batch["input_ids"].shape[0])
