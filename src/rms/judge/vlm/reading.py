"""What a vision-language model takes in of queries: prompts and pictures as tensors, answers with their labels."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from PIL import Image

from rms.errors import RmsError
from rms.images.decode import Limits, decode
from rms.images.faults import ImageFault
from rms.judge.interface import Example, Modality, Query, QueryError
from rms.judge.vlm.faults import computing
from rms.judge.vlm.prompt import NO_TEXT, Defused, Frame, ask, rationale_line
from rms.judge.vlm.verdict import WORDS, Batch, follow

IGNORED = -100
"""Label of a token that is not to be learned."""

_GREY = Image.new("RGB", (224, 224), (127, 127, 127))
_LIMITS = Limits(max_bytes=100_000_000, max_pixels=200_000_000, min_side=1, max_side=8192)
_ROOM_FOR_VERDICT = 16
_ROOM_FOR_RATIONALE = 256


class Bounds(NamedTuple):
    """How much a judge takes in at once."""

    max_images: int
    max_pixels: int
    """Of one picture; larger ones are scaled down."""
    max_tokens: int
    """Of prompt and answer together."""
    rationale: bool
    """Whether one line of reasons follows the verdict in training."""


class Reader:
    """Turns queries into what the model computes with.

    The twins see as much of each query as their name says: `text_only` one grey square in place of the pictures,
    `image_only` "(nothing)" in place of the words.

    A prompt that does not fit in `max_tokens` loses words of the person, never policy or pictures: first the end of
    the assistant's answer, then the beginning of the text, whose end says what is wanted. `shortened` counts them.
    """

    def __init__(self, processor: Any, frame: Frame, bounds: Bounds, modality: Modality) -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._frame = frame
        self._bounds = bounds
        self._modality = modality
        self._defused = Defused(_marks(processor))
        self._room = bounds.max_tokens - (_ROOM_FOR_RATIONALE if bounds.rationale else _ROOM_FOR_VERDICT)
        self._opening, self.lead, self._closing = self._around_the_word()
        self.shortened = 0

    def read(self, queries: Sequence[Query]) -> Batch:
        """Prompts up to where the verdict begins, padded on the left; QueryError for one that cannot be read."""
        seen = [self._defused(self._visible(query)) for query in queries]
        pictures = [self._pictures(query) for query in queries]
        batch = self._encode(seen, pictures)
        lengths = batch["attention_mask"].sum(1).tolist()
        long = [index for index, length in enumerate(lengths) if length > self._room]
        for index in long:
            seen[index] = self._fitting(seen[index], pictures[index], lengths[index])
        self.shortened += len(long)
        return self._encode(seen, pictures) if long else batch

    def learn(self, examples: Sequence[Example], weights: Sequence[float]) -> Batch:
        """Prompts with their answers; `labels` are the answers' tokens, `weights` one number for each example."""
        answers = [self._answer(example) for example in examples]
        batch = self.read([example.query for example in examples])
        batch = follow(batch, answers, self._tokenizer.pad_token_id)
        labels = torch.full_like(batch["input_ids"], IGNORED)
        for row, answer in enumerate(answers):
            labels[row, -len(answer) :] = torch.tensor(answer)
        return {**batch, "labels": labels, "weights": torch.tensor(weights, dtype=torch.float32)}

    def _answer(self, example: Example) -> list[int]:
        reasons = rationale_line(example.rationale, example.label) if self._bounds.rationale else ""
        line = f"\n{self._plain(reasons)}" if reasons else ""
        word, rest, end = (
            self._tokenizer.encode(part, add_special_tokens=False)
            for part in (self.lead + WORDS[example.label], line, self._closing)
        )
        return [*word, *rest[: _ROOM_FOR_RATIONALE - _ROOM_FOR_VERDICT], *end]

    def _plain(self, text: str) -> str:
        return self._defused(Query((), text)).text

    def _visible(self, query: Query) -> Query:
        return Query(query.images, NO_TEXT) if self._modality == "image_only" else query

    def _pictures(self, query: Query) -> list[Image.Image]:
        if self._modality == "text_only":
            return [_GREY]
        if not query.images:
            raise QueryError(f"a query has no image, and the judge needs one: {query.text[:60]!r}")
        if len(query.images) > self._bounds.max_images:
            raise QueryError(
                f"a query has {len(query.images)} images and the judge takes {self._bounds.max_images} "
                f"(judge.max_images): {query.text[:60]!r}"
            )
        shown = enumerate(query.images, start=1)
        return [_picture(bytes(image), number, self._bounds.max_pixels) for number, image in shown]

    def _encode(self, queries: Sequence[Query], pictures: Sequence[list[Image.Image]]) -> Batch:
        prompts = [self._prompt(query, len(shown)) for query, shown in zip(queries, pictures, strict=True)]
        begun = bool(self._tokenizer.bos_token) and prompts[0].startswith(self._tokenizer.bos_token)
        with computing(type(self._processor).__name__):
            encoded = self._processor(
                text=prompts,
                images=list(pictures),
                return_tensors="pt",
                padding=True,
                add_special_tokens=not begun,  # a template that writes the first token itself would get two
            )
        return dict(encoded)

    def _prompt(self, query: Query, images: int) -> str:
        words = ask(self._frame, query.text, query.response, images)
        return self._rendered([_turn("user", words, images)]) + self._opening

    def _fitting(self, query: Query, pictures: list[Image.Image], length: int) -> Query:
        """`query` with as few words less as it takes to fit; `length` is what its prompt measures now."""
        while length > self._room:
            if not query.text and not query.response:
                raise QueryError(
                    f"policy and {len(pictures)} pictures take {length} tokens, and {self._room} fit in "
                    f"judge.max_tokens = {self._bounds.max_tokens}; lower max_pixels, or shorten the policy"
                )
            if query.response:
                query = query._replace(response=query.response[: self._share(query.response, length)])
            else:
                query = query._replace(text=query.text[len(query.text) - self._share(query.text, length) :])
            length = int(self._encode([query], [pictures])["attention_mask"].sum())
        return query

    def _share(self, text: str, length: int) -> int:
        """Characters of `text` to keep where a prompt of `length` tokens is too long; fewer than it has."""
        tokens = len(self._tokenizer.encode(text, add_special_tokens=False))
        kept = max(0, tokens - (length - self._room))
        return min(len(text) * kept // max(1, tokens), len(text) - 1)

    def _around_the_word(self) -> tuple[str, str, str]:
        """What the chat template writes from its prompt to the verdict, just before the word, and behind it."""
        asked = [_turn("user", "?", 1)]
        prompt, word = self._rendered(asked), WORDS[1]
        whole = self._rendered([*asked, _turn("assistant", word, 0)], answered=True)
        said = whole[len(prompt) :] if whole.startswith(prompt) else word + (self._tokenizer.eos_token or "")
        before, found, after = said.partition(word)
        if not found:
            raise RmsError(f"{type(self._processor).__name__}: its chat template does not write out an answer")
        return (before, "", after.rstrip()) if before.strip() else ("", before, after.rstrip())

    def _rendered(self, turns: list[dict[str, Any]], *, answered: bool = False) -> str:
        text: str = self._processor.apply_chat_template(turns, add_generation_prompt=not answered, tokenize=False)
        return text


def _turn(role: str, words: str, images: int) -> dict[str, Any]:
    return {"role": role, "content": [*({"type": "image"} for _ in range(images)), {"type": "text", "text": words}]}


def _picture(data: bytes, number: int, max_pixels: int) -> Image.Image:
    try:
        picture = decode(data, _LIMITS)
    except ImageFault as fault:
        raise QueryError(f"image {number} of a query cannot be read: {fault}") from None
    scale = math.sqrt(max_pixels / (picture.width * picture.height))
    if scale >= 1:
        return picture
    size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _marks(processor: Any) -> list[str]:
    """Strings that stand for something else than themselves in a prompt."""
    tokenizer = processor.tokenizer
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    own = [getattr(processor, name, None) for name in ("image_token", "video_token", "boi_token", "eoi_token")]
    return [*added, *tokenizer.all_special_tokens, *(mark for mark in own if isinstance(mark, str))]
