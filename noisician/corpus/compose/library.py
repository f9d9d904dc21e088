"""The dice of the procedural composer."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import numpy as np


def sub_rng(seed: int, *names: str | int) -> np.random.Generator:
    """An independent stream per (seed, names): the same material whenever the same part is asked for."""
    keys = [name if isinstance(name, int) else crc32(name.encode()) for name in names]
    return np.random.default_rng([seed, *keys])


def pick(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    """One key, with probability proportional to its weight. At least one weight must be positive."""
    names = list(weights)
    cumulative = np.cumsum([weights[name] for name in names])
    index = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    return names[min(index, len(names) - 1)]
