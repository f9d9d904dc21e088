"""Sampling a rectified flow.

The path from noise to data is straight, x_t = (1 − t) x₀ + t ε with t from 1 (noise) to 0 (data), and its velocity is
v = ε − x₀ = (x_t − x₀) / t (Liu et al., arXiv 2209.03003). Models here predict x₀.

Every sampler is a pure function ``(denoise, x, times, on_step) → x₀`` over arrays ``[batch, ...]``, where
``denoise(x_t, t)`` returns the model's x₀ and ``on_step(done)`` is called after each step; it may raise to cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

Denoise = Callable[[np.ndarray, float], np.ndarray]
OnStep = Callable[[int], None]


def ignore_step(done: int) -> None:
    """The ``on_step`` of those who do not watch."""


def shifted_times(steps: int, shift: float = 1.0, start: float = 1.0) -> np.ndarray:
    """``steps + 1`` times from ``start`` to 0, float64. ``shift`` > 1 spends more steps near the noise.

    t' = s t / (1 + (s − 1) t) (Esser et al., arXiv 2403.03206, eq. 23).
    """
    if steps < 1:
        raise ValueError(f"{steps} steps; a sampler needs at least 1")
    even = np.linspace(1.0, 0.0, steps + 1)
    return start * shift * even / (1 + (shift - 1) * even)


def shift_for(steps: int, last_time: float) -> float:
    """The shift whose last step starts at ``last_time`` (0 … 1): the equation above at t = 1/steps, solved for s."""
    return last_time * (steps - 1) / (1 - last_time) if steps > 1 else 1.0


def euler(denoise: Denoise, x: np.ndarray, times: np.ndarray, on_step: OnStep = ignore_step) -> np.ndarray:
    """x_{t'} = x_t + (t' − t) v; the last step lands on the model's x₀."""
    for done, (t, t_next) in enumerate(pairwise(times), start=1):
        x = _towards(x, denoise(x, float(t)), t, t_next)
        on_step(done)
    return x


def _towards(x: np.ndarray, x0: np.ndarray, t: float, t_next: float) -> np.ndarray:
    keep = np.float32(t_next / t)
    return keep * x + (1 - keep) * x0
