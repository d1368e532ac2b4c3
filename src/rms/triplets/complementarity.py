"""Information complementarity: image safe alone, text safe alone, risky together.

The idea is the paper's (its Figure 2); how each part is judged is the checker's business.
"""

from typing import NamedTuple

from rms.assistant import Assistant, Scene, Verdict
from rms.records import Check, Modality


class Outcome(NamedTuple):
    """The checks that were made, and the name and reason of the one that failed ("" if none did)."""

    checks: list[Check]
    failed: str
    detail: str


# Modality, the verdict it needs, and the name a failure is filed under.
_TRIPLET: tuple[tuple[Modality, str, str], ...] = (
    ("image", "safe", "image_alone"),
    ("text", "safe", "text_alone"),
    ("together", "unsafe", "together"),
)
_TWIN: tuple[tuple[Modality, str, str], ...] = (
    ("text", "safe", "text_alone"),
    ("together", "safe", "together"),
)


def check_triplet(checker: Assistant, scene: Scene, text: str) -> Outcome:
    """Whether the pair is risky only together. Stops at the first check that fails."""
    return _first_failure(checker, scene, text, _TRIPLET)


def check_twin(checker: Assistant, scene: Scene, text: str) -> Outcome:
    """Whether the pair is harmless, alone and together."""
    return _first_failure(checker, scene, text, _TWIN)


def _first_failure(
    checker: Assistant, scene: Scene, text: str, wanted: tuple[tuple[Modality, str, str], ...]
) -> Outcome:
    checks: list[Check] = []
    for modality, verdict, name in wanted:
        answer = _ask(checker, scene, text, modality)
        checks.append(
            Check(modality=modality, verdict=answer.verdict, score=answer.score, by=checker.name, reason=answer.reason)
        )
        if answer.verdict != verdict:
            return Outcome(checks, name, f"{answer.verdict}: {answer.reason}")
    return Outcome(checks, "", "")


def _ask(checker: Assistant, scene: Scene, text: str, modality: Modality) -> Verdict:
    match modality:
        case "image":
            return checker.check_image(scene)
        case "text":
            return checker.check_text(text)
        case "together":
            return checker.check_together(scene, text)
