"""Assistants: who sees, proposes, checks and writes. The pipeline knows the interface only."""

from rms.assistant.interface import (
    Assistant,
    PatternDraft,
    Scene,
    TextDraft,
    TripletDraft,
    Verdict,
    load_assistant,
    load_assistants,
)

__all__ = [
    "Assistant",
    "PatternDraft",
    "Scene",
    "TextDraft",
    "TripletDraft",
    "Verdict",
    "load_assistant",
    "load_assistants",
]
