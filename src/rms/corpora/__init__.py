"""Safety datasets of others, each read by one small adapter into one schema.

An adapter states the facts about its dataset and turns the public files into rows; `read` turns rows into
records. To add a dataset, write its adapter into `adapters/`: docs/corpora.md shows how.
"""

from rms.corpora.base import Adapter
from rms.corpora.reader import read
from rms.corpora.registry import adapter, adapters, configured, require_trainable

__all__ = ["Adapter", "adapter", "adapters", "configured", "read", "require_trainable"]
