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

    What the knowledge base calls arguable, and triggers seen less surely than `min_confidence`, lift the answer to
    `UNSURE` at most: enough to be no longer harmless, never enough to be risky.
    """
    total = sum(element.confidence for element in scene.elements)
    if total <= 0.0:
        return UNSURE
    risky = mass(scene, hazard.triggers)
    arguable = mass(scene, hazard.triggers | hazard.unclear)
    sure = risky / total if risky >= min_confidence else 0.0
    return min(max(sure, min(arguable / total, UNSURE)), 1.0)


def welcomes(scene: Description, hazard: Hazard, min_confidence: float) -> bool:
    """Whether the wish makes sense in this scene and is known to be harmless there."""
    return mass(scene, hazard.harmless_with) >= min_confidence


def _carries(element: SceneElement, tags: Set[str]) -> bool:
    return not tags.isdisjoint((element.name, *element.tags))
