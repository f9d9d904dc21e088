"""A sound whose decay and release are known."""

from __future__ import annotations

import numpy as np

from noisician.mel import SAMPLE_RATE_HZ
from noisician.renderer.reference_notes import ONSET_S

DECAY_S, RELEASE_S = 0.8, 0.05


def decaying_sine(pitch: int, velocity: int, held_s: float, duration_s: float) -> np.ndarray:
    """A sine at velocity / 127 that decays with DECAY_S and, let go, with RELEASE_S as well."""
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ - ONSET_S
    level = np.where(time_s < 0, 0, velocity / 127 * np.exp(-np.maximum(time_s, 0) / DECAY_S))
    level = level * np.exp(-np.maximum(0, time_s - held_s) / RELEASE_S)
    return (level * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time_s)).astype(np.float32)
