"""Processors of vision-language models, for pictures only."""

from pathlib import Path
from typing import Any

from rms.errors import RmsError
from rms.judge.vlm.faults import fetching


def load_processor(
    model: str | Path, revision: str | None, *, trust_remote_code: bool, options: dict[str, Any] | None = None
) -> Any:
    """The processor that belongs to `model`, with `options` of its image processor replaced; pads on the left.

    Pictures are prepared by Pillow whether torchvision is there or not, because the two differ in the last bits of a
    resized picture. Padding on the left puts the ends of all prompts, where the verdict is read, side by side.
    """
    from transformers import AutoConfig  # noqa: PLC0415 - heavy

    with fetching(str(model), revision):
        config = AutoConfig.from_pretrained(model, revision=revision, trust_remote_code=trust_remote_code)
        kind = processor_class(config.model_type)
        processor = kind.from_pretrained(model, revision=revision, backend="pil", trust_remote_code=trust_remote_code)
        if options:
            processor.image_processor = _changed(processor.image_processor, options)
    tokenizer = processor.tokenizer
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if not (processor.chat_template or tokenizer.chat_template):
        raise RmsError(f"{model}: has no chat template, so it cannot be asked; use an instruction-tuned model")
    return processor


def processor_class(model_type: str) -> Any:
    """The processor class of a kind of model, without its part for videos.

    That part needs torchvision, which has no build that fits every build of torch, and a judge is shown no videos.
    """
    import transformers  # noqa: PLC0415 - heavy
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES  # noqa: PLC0415

    name = PROCESSOR_MAPPING_NAMES.get(model_type)
    if name is None:
        return transformers.AutoProcessor  # a model with code of its own
    known = getattr(transformers, name)

    def attributes(_: Any) -> list[str]:
        return [attribute for attribute in known.get_attributes() if attribute != "video_processor"]

    # The name stays, because it is written into the saved processor.
    return type(known.__name__, (known,), {"get_attributes": classmethod(attributes), "__module__": known.__module__})


def _changed(image_processor: Any, options: dict[str, Any]) -> Any:
    """A copy of an image processor with some of its values replaced."""
    values = image_processor.to_dict()
    for key in options:
        if key not in values:
            raise RmsError(
                f"judge.processor.{key}: unknown to {type(image_processor).__name__}; known: {_keys(values)}"
            )
    return type(image_processor).from_dict({**values, **options})


def _keys(values: dict[str, Any]) -> str:
    return ", ".join(sorted(key for key in values if not key.startswith("_") and not key.endswith("_type")))
