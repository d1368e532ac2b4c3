"""The assistant that needs no network: an image classifier and a hand-written hazard knowledge base."""

from rms.assistant.embedded.assistant import EmbeddedAssistant

__all__ = ["EmbeddedAssistant"]
