import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from rms.errors import RmsError
from rms.judge.vlm.verdict import Verdict, follow


def _tokenizer(vocabulary: list[str], merges: list[tuple[str, str]]) -> PreTrainedTokenizerFast:
    """BPE over characters with these merges; what is not in the vocabulary is unknown."""
    words = ["<unk>", "<pad>", *vocabulary]
    bare = Tokenizer(models.BPE({word: n for n, word in enumerate(words)}, merges, unk_token="<unk>"))
    bare.pre_tokenizer = pre_tokenizers.Metaspace("_", prepend_scheme="never", split=False)
    return PreTrainedTokenizerFast(tokenizer_object=bare, unk_token="<unk>", pad_token="<pad>")


LETTERS = list("safeun_S")
SAFE = [("s", "a"), ("f", "e"), ("sa", "fe")]
APART = _tokenizer([*LETTERS, "sa", "fe", "safe", "un", "_safe"], [*SAFE, ("u", "n"), ("_", "safe")])
"""safe, _safe, un|safe, _|un|safe: told apart by the first token but where a blank stands before."""
SHARED = _tokenizer([*LETTERS, "sa", "fe", "safe", "un"], [*SAFE, ("u", "n")])


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(vocab_size=16, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    ).eval()


def _prompts() -> dict[str, torch.Tensor]:
    """A prompt of four tokens and one of two, padded on the left."""
    return {
        "input_ids": torch.tensor([[2, 3, 4, 5], [1, 1, 6, 7]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1]]),
    }


def _probability(model: Any, prompt: list[int], answer: tuple[int, ...]) -> float:
    """Slow and plain: of the answer after the prompt, token by token."""
    total = 0.0
    for end in range(len(answer)):
        tokens = torch.tensor([[*prompt, *answer[:end]]])
        total += torch.log_softmax(model(tokens).logits[0, -1].double(), -1)[answer[end]].item()
    return math.exp(total)


@pytest.mark.parametrize("tokenizer", [APART, SHARED], ids=["apart", "shared"])
def test_every_way_to_write_the_words_counts_and_whole_words_where_they_begin_alike(model, tokenizer):
    verdict = Verdict(tokenizer)
    scores = verdict.p_unsafe(model, _prompts())
    for row, prompt in enumerate([[2, 3, 4, 5], [6, 7]]):
        said = {
            word: sum(_probability(model, prompt, way) for way in verdict.deciding[word]) for word in verdict.deciding
        }
        assert float(scores[row]) == pytest.approx(said["unsafe"] / (said["safe"] + said["unsafe"]), abs=1e-6)


def test_a_way_is_followed_to_its_first_token_that_decides():
    token = APART.get_vocab()
    verdict = Verdict(APART)
    assert verdict.deciding["safe"] == sorted(
        [(token["safe"],), (token["_safe"],), (token["S"],), (token["_"], token["S"])]
    )
    assert verdict.deciding["unsafe"] == sorted([(token["un"],), (token["_"], token["un"])])
    assert verdict.contexts == [(), (token["_"],)]


def test_words_that_cannot_be_written_are_an_error():
    with pytest.raises(RmsError, match="cannot write the word 'safe'"):
        Verdict(_tokenizer(["x"], []))


def test_a_model_that_surely_says_a_word_gets_its_probability():
    class Sure(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
            logits = torch.zeros(*input_ids.shape, 16)
            logits[..., APART.get_vocab()["un"]] = 50.0
            return SimpleNamespace(logits=logits)

    assert Verdict(APART).p_unsafe(Sure(), _prompts()).tolist() == pytest.approx([1.0, 1.0])


def test_tokens_are_added_behind_each_prompt_and_padding_stays_left():
    batch = {**_prompts(), "mm_token_type_ids": torch.tensor([[1, 0, 0, 0], [0, 0, 1, 0]]), "pixels": torch.ones(3)}
    longer = follow(batch, [(9,), (8, 9, 9)], padding=1)
    assert longer["input_ids"].tolist() == [[2, 3, 4, 5, 9], [6, 7, 8, 9, 9]]
    assert longer["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
    assert longer["mm_token_type_ids"].tolist() == [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert longer["pixels"] is batch["pixels"]
    uneven = follow(batch, [(), (8,)], padding=1)
    assert uneven["input_ids"].tolist() == [[2, 3, 4, 5], [1, 6, 7, 8]]
    assert uneven["attention_mask"].tolist() == [[1, 1, 1, 1], [0, 1, 1, 1]]
