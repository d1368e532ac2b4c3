"""The construction the paper argues against, for comparison: from a fixed list of risks to images."""

from rms.risk_oriented.construct import construct

__all__ = ["construct"]
