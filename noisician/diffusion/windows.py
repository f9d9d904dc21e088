"""Cutting a long piece into overlapping windows and joining them without a seam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WindowPlan:
    """Windows of ``length`` frames every ``length − overlap`` frames, covering ``frames``.

    Window *k* starts at ``k · (length − overlap)`` whatever the piece's length, so lengthening a piece moves no window.
    """

    frames: int
    length: int
    overlap: int

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.length:
            raise ValueError(
                f"overlap of {self.overlap} frames; must be 0 to {self.length - 1} (shorter than a window)"
            )

    @property
    def hop(self) -> int:
        return self.length - self.overlap

    @property
    def count(self) -> int:
        return max(1, -(-(self.frames - self.overlap) // self.hop))

    def start(self, window: int) -> int:
        return window * self.hop


def join(windows: np.ndarray, plan: WindowPlan) -> np.ndarray:
    """``[count, length, width]`` → ``[frames, width]``: raised-cosine crossfades in the middle half of each overlap.

    The outer quarters of an overlap take one window alone: a window is least sure at its very edge, where it sees
    only one side.
    """
    out = np.zeros((plan.start(plan.count - 1) + plan.length, windows.shape[-1]), windows.dtype)
    rise = fade_in(plan.overlap)[:, None].astype(windows.dtype)
    for number, window in enumerate(windows):
        at = plan.start(number)
        if number == 0:
            out[: plan.length] = window
            continue
        seam = out[at : at + plan.overlap]
        out[at : at + plan.overlap] = seam + rise * (window[: plan.overlap] - seam)
        out[at + plan.overlap : at + plan.length] = window[plan.overlap :]
    return out[: plan.frames]


def fade_in(overlap: int) -> np.ndarray:
    """0 over the first quarter, a raised cosine over the middle half, 1 over the last quarter; ``[overlap]``."""
    place = np.linspace(-0.5, 1.5, overlap) if overlap > 1 else np.ones(overlap)
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(place, 0, 1))
