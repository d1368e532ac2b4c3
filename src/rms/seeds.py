"""Named randomness: every draw comes from the run's seed and a name, so no draw disturbs another."""

import hashlib
import random

import numpy as np


def derive(seed: int, *names: object) -> int:
    """A 63-bit seed that depends on `seed` and on every name, and on nothing else."""
    text = "\x1f".join([str(seed), *(str(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *names: object) -> random.Random:
    """A generator of its own for one purpose, for example `stream(seed, "twins", image_id)`."""
    return random.Random(derive(seed, *names))


def numpy_stream(seed: int, *names: object) -> np.random.Generator:
    """As `stream`, for vectorised draws."""
    return np.random.default_rng(derive(seed, *names))


def content_id(*parts: str | bytes) -> str:
    """A 16-digit hexadecimal id of content: the same parts give the same id on any machine."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()[:16]
