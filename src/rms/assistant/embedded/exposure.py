"""What a hazard asks of a scene."""

from collections.abc import Set

from rms.assistant.embedded.knowledge import Hazard
from rms.records import Description, SceneElement

UNSURE = 0.4
"""Probability of risk where too little is seen to tell."""


def mass(scene: Description, tags: Set[str]) -> float:
    """Probability mass of the elements that carry any of `tags` (an element's name is a tag too)."""
    return sum(element.confidence for element in scene.elements if _carries(element, tags))


def foremost(scene: Description, tags: Set[str]) -> SceneElement | None:
    """The most probable element that carries any of `tags`."""
    return next((element for element in scene.elements if _carries(element, tags)), None)


def p_risky(scene: Description, hazard: Hazard, min_confidence: float) -> float:
    """How likely the scene triggers the hazard: the share its triggers have of all that is seen.

    What the knowledge base calls arguable counts half, so that it is neither risky nor harmless. Where the triggers
    are seen less surely than `min_confidence`, the answer is `UNSURE` at most.
    """
    total = sum(element.confidence for element in scene.elements)
    if total <= 0.0:
        return UNSURE
    risky = mass(scene, hazard.triggers)
    arguable = mass(scene, hazard.unclear | hazard.triggers) - risky
    p = min((risky + 0.5 * arguable) / total, 1.0)
    return p if risky >= min_confidence else min(p, UNSURE)


def welcomes(scene: Description, hazard: Hazard, min_confidence: float) -> bool:
    """Whether the wish makes sense in this scene and is known to be harmless there."""
    return mass(scene, hazard.harmless_with) >= min_confidence


def _carries(element: SceneElement, tags: Set[str]) -> bool:
    return not tags.isdisjoint((element.name, *element.tags))
