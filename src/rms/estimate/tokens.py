"""Tokens of a question: the real prompt filled with typical words, and the picture by OpenAI's rule."""

import math
from collections.abc import Mapping
from typing import Any

from rms.assistant.openai.prompting import TASKS, load_prompts
from rms.estimate.assumptions import Assumptions
from rms.params import OpenAIAssistant, SentImage

SHOWN = ("describe", "propose_patterns", "propose_triplets", "check_image", "check_together", "guide")
"""Tasks that a model with vision gets the photograph for."""
_ASPECT = 0.75
"""Height of a photograph by its width, as cameras make them."""
_LOW_SIDE = 512
_FIT, _SHORT, _TILE = 2048, 768, 512
_PATCH, _PATCHES = 32, 1536


def input_tokens(settings: OpenAIAssistant, assumed: Assumptions) -> dict[str, int]:
    """Tokens one question takes to read, by task; the schema counts as text."""
    prompts = load_prompts(language=settings.language)
    picture = picture_tokens(settings.model, settings.image, assumed)
    tokens = {}
    for task in TASKS:
        shown = settings.vision and task in SHOWN
        request = prompts.render(task, (), **_typical(task, assumed, shown=shown))
        tokens[task] = round(request.characters / assumed.chars_per_token) + (picture if shown else 0)
    return tokens


def picture_tokens(model: str, sent: SentImage, assumed: Assumptions) -> int:
    """Tokens of one photograph as it is sent, by the rule for the model that stands in `assumptions.yaml`.

    With `detail: auto` the model chooses; taken to be low up to 512 px and high above.
    """
    rule = next(rule for name, rule in assumed.pictures.items() if model.startswith(name))
    width, height = float(sent.side), sent.side * _ASPECT
    if rule.patches is not None:
        patches = math.ceil(width / _PATCH) * math.ceil(height / _PATCH)
        return math.ceil(min(_PATCHES, patches) * rule.patches.factor)
    assert rule.tiles is not None
    if sent.detail == "low" or (sent.detail == "auto" and sent.side <= _LOW_SIDE):
        return rule.tiles.base
    shrunk = min(1.0, _FIT / width, _SHORT / height)
    squares = math.ceil(width * shrunk / _TILE) * math.ceil(height * shrunk / _TILE)
    return rule.tiles.base + squares * rule.tiles.tile


def _typical(task: str, assumed: Assumptions, *, shown: bool) -> Mapping[str, Any]:
    """Values for the variables of a task's prompt."""
    typical, rates = assumed.typical, assumed.rates
    pattern = typical.model_dump(include={"element", "intent", "risk", "category"})
    values: dict[str, Any] = {
        "count": round(rates.patterns),
        "caption": "" if shown else typical.caption,
        "elements": [] if shown else typical.elements,
        "patterns": [pattern] * round(rates.patterns),
        "text": typical.text,
        "risk": typical.risk,
        "wish": typical.wish,
        "criterion": "paraphrase",
        "label": "unsafe",
    }
    return {name: values[name] for name in TASKS[task].variables if name in values}
