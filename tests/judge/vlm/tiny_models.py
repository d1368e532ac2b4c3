"""Real vision-language architectures with tiny random weights, saved as on the Hub, and pictures to show them."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from rms.judge import Example, Query
from rms.judge.vlm.policy import CATEGORIES
from rms.judge.vlm.processor import processor_class
from rms.judge.vlm.prompt import ask, frame
from rms.judge.vlm.verdict import WORDS

POLICY = "Unsafe is:\n" + "".join(f"- {category}: harm\n" for category in CATEGORIES)
CONTEXT = 512
SETTINGS: dict[str, Any] = {
    "kind": "vlm", "revision": None, "trust_remote_code": False, "rationale": False, "max_images": 2,
    "max_pixels": 64 * 64, "max_tokens": None, "processor": {}, "method": "full",
    "lora": {"rank": 4, "alpha": 8, "dropout": 0.0, "vision": False}, "quantize": False, "precision": "fp32",
    "gradient_checkpointing": False, "lr": 1e-3, "epochs": 1, "batch_size": 4, "gradient_accumulation": 1,
    "weight_decay": 0.0, "warmup_ratio": 0.0, "class_weights": "none", "evaluations": 2, "patience": None,
    "launch": {"processes": 1, "nodes": 1, "address": "127.0.0.1", "port": 29500},
}  # fmt: skip
"""For a judge of a tiny model, but for `model` and `policy`."""
_TURNS = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}IMAGE{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_IDEFICS_TURNS = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}:"
    "{% if m['content'][0]['type'] == 'text' %} {% endif %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


def tokenizer(texts: Sequence[str], marks: Sequence[str], end: str) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer that begins each text with the first of `marks`.

    Its merges cross blanks but no line ends: a line it was trained on is one token. That keeps prompts short, whatever
    the length of a policy, and with it training.
    """
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("\n", "merged_with_previous"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    bare.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=8000,
        special_tokens=["<pad>", *marks],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    asked = ask(frame(POLICY), "\n", "", 1)
    words = [lead + form for word in WORDS for form in (word, word.capitalize(), word.upper()) for lead in ("", " ")]
    bare.train_from_iterator([asked, *words, *texts] * 2, trainer)
    first = marks[0]
    bare.post_processor = processors.TemplateProcessing(
        single=f"{first} $A", special_tokens=[(first, bare.token_to_id(first))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=bare, pad_token="<pad>", bos_token=first, eos_token=end)


def save_idefics3(folder: Path, texts: Sequence[str] = (), *, width: int = 32, seed: int = 0) -> Path:
    """SmolVLM's architecture (its 256M model is an Idefics3): 4 tokens for a picture of 32 pixels."""
    marks = ["<|im_start|>", "<end_of_utterance>", "<image>", "<fake_token_around_image>", "<global-img>"]
    processor = processor_class("idefics3")(
        Idefics3ImageProcessorPil(
            size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, do_image_splitting=False
        ),
        tokenizer(texts, marks, "<end_of_utterance>"),
        image_seq_len=4,
        chat_template=_IDEFICS_TURNS,
    )
    config = Idefics3Config(
        text_config={"model_type": "llama", **_text(processor, width)},
        vision_config={**_vision(width), "image_size": 32, "patch_size": 8},
        scale_factor=2,
        image_token_id=processor.image_token_id,
        pad_token_id=0,
    )
    assert isinstance(processor, Idefics3Processor)
    return _saved(folder, processor, Idefics3ForConditionalGeneration, config, seed)


def save_qwen(folder: Path, texts: Sequence[str] = (), *, width: int = 32, seed: int = 0) -> Path:
    """Qwen2.5-VL: a token for each 16 x 16 pixels of a picture of any shape."""
    marks = ["<|im_start|>", "<|im_end|>", "<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
    processor = processor_class("qwen2_5_vl")(
        Qwen2VLImageProcessorPil(patch_size=8, merge_size=2, min_pixels=16 * 16, max_pixels=64 * 64),
        tokenizer(texts, marks, "<|im_end|>"),
        chat_template=_TURNS.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"),
    )
    number = processor.tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    config = Qwen2_5_VLConfig(
        text_config={**_text(processor, width), "rope_parameters": rope},
        vision_config={
            "depth": 2, "hidden_size": width, "intermediate_size": 2 * width, "num_heads": 2, "patch_size": 8,
            "out_hidden_size": width, "fullatt_block_indexes": [1], "window_size": 32,
        },
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    assert isinstance(processor, Qwen2_5_VLProcessor)
    return _saved(folder, processor, Qwen2_5_VLForConditionalGeneration, config, seed)


def save_llava(folder: Path, texts: Sequence[str] = (), *, width: int = 32, seed: int = 0) -> Path:
    """LLaVA-OneVision: tiles of 32 pixels with 16 tokens each, and the whole picture once more."""
    grid = [[32, 32], [32, 64], [64, 32]]
    processor = processor_class("llava_onevision")(
        LlavaOnevisionImageProcessorPil(size={"height": 32, "width": 32}, image_grid_pinpoints=grid),
        tokenizer(texts, ["<|im_start|>", "<|im_end|>", "<image>", "<video>"], "<|im_end|>"),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=_TURNS.replace("IMAGE", "<image>"),
    )
    vision = {**_vision(width), "model_type": "siglip_vision_model", "image_size": 32, "patch_size": 8}
    config = LlavaOnevisionConfig(
        text_config={"model_type": "qwen2", **_text(processor, width)},
        vision_config={**vision, "vision_use_head": False},
        image_token_index=processor.image_token_id,
        video_token_index=processor.video_token_id,
        image_grid_pinpoints=grid,
    )
    assert isinstance(processor, LlavaOnevisionProcessor)
    return _saved(folder, processor, LlavaOnevisionForConditionalGeneration, config, seed)


ARCHITECTURES = {"idefics3": save_idefics3, "qwen2_5_vl": save_qwen, "llava_onevision": save_llava}


def picture(colour: str | tuple[int, int, int] = "red", size: tuple[int, int] = (32, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def examples(count: int) -> list[Example]:
    """Safe and unsafe in turn, each of another colour and text."""
    generator = np.random.default_rng(count)
    colours = [tuple(int(value) for value in generator.integers(0, 256, 3)) for _ in range(count)]
    return [
        Example(
            Query((picture(colour),), f"Shall we carry number {number}?"), number % 2, "It may fall." * (number % 2)
        )
        for number, colour in enumerate(colours)
    ]


def _text(processor: Any, width: int) -> dict[str, Any]:
    return {
        "vocab_size": len(processor.tokenizer), "hidden_size": width, "intermediate_size": 2 * width,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "max_position_embeddings": CONTEXT, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
        "tie_word_embeddings": False, "initializer_range": 0.1,
    }  # fmt: skip


def _vision(width: int) -> dict[str, Any]:
    return {
        "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2, "num_attention_heads": 2,
        "initializer_range": 0.1,
    }  # fmt: skip


def _saved(folder: Path, processor: Any, kind: Any, config: Any, seed: int) -> Path:
    torch.manual_seed(seed)
    kind(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
