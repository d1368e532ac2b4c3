"""Rows to learn from that a test set already holds, by picture or by text."""

from rms.contamination.held import Held, held_corpus, held_split
from rms.contamination.search import Row, find
from rms.contamination.texts import normalised

__all__ = ["Held", "Row", "find", "held_corpus", "held_split", "normalised"]
