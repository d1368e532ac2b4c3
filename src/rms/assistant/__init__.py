"""Assistants: who sees, proposes, checks and writes. The pipeline knows the interface only."""

from rms.assistant.interface import (
    Assistant,
    NoAnswerError,
    PatternDraft,
    Scene,
    Spending,
    TextDraft,
    TripletDraft,
    Verdict,
    load_assistant,
    load_assistants,
)

__all__ = [
    "Assistant",
    "NoAnswerError",
    "PatternDraft",
    "Scene",
    "Spending",
    "TextDraft",
    "TripletDraft",
    "Verdict",
    "load_assistant",
    "load_assistants",
]
