"""Assistants: who sees, proposes, checks and writes. The pipeline knows the interface only."""

from rms.assistant.books import Books, Spending
from rms.assistant.interface import (
    Assistant,
    NoAnswerError,
    PatternDraft,
    Scene,
    TextDraft,
    TripletDraft,
    Verdict,
    WaitsError,
    load_assistant,
    load_assistants,
)
from rms.assistant.rounds import settle

__all__ = [
    "Assistant",
    "Books",
    "NoAnswerError",
    "PatternDraft",
    "Scene",
    "Spending",
    "TextDraft",
    "TripletDraft",
    "Verdict",
    "WaitsError",
    "load_assistant",
    "load_assistants",
    "settle",
]
