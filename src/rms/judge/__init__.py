"""Safety judges: one interface, whatever the model behind it."""

from rms.judge.interface import Example, Judge, Query, load

__all__ = ["Example", "Judge", "Query", "load"]
