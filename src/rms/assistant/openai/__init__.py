"""Assistants behind any OpenAI-compatible endpoint: prompts, client, cache and books."""
