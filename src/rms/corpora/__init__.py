"""Safety datasets of others, each read by one small adapter into one schema.

An adapter states the facts about its dataset and turns the public files into rows; `rms.corpora.reader`
turns rows into records. To add a dataset, write its adapter and name it in `ADAPTERS`.
"""

from rms.corpora.base import Adapter
from rms.corpora.figstep import FigStep
from rms.corpora.local import Local
from rms.corpora.mssbench import MSSBench
from rms.corpora.siuo import SIUO
from rms.corpora.vlguard import VLGuard
from rms.errors import RmsError

ADAPTERS: tuple[type[Adapter], ...] = (VLGuard, SIUO, MSSBench, FigStep, Local)


def adapter(name: str) -> Adapter:
    """The adapter of the corpus `name`; RmsError lists the known ones for any other name."""
    for kind in ADAPTERS:
        if kind.name == name:
            return kind()
    known = ", ".join(kind.name for kind in ADAPTERS)
    raise RmsError(f"corpora.names: {name!r} is no known corpus; known are {known}")
