"""Safety judges: one interface, whatever the model behind it."""

from rms.judge.interface import Example, Judge, Opinion, Query, load, opinions

__all__ = ["Example", "Judge", "Opinion", "Query", "load", "opinions"]
