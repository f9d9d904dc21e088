"""Recordings of notes that nobody played, as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz


def tone(pitch: float, duration_s: float, level: float = 0.3, decay_s: float | None = None) -> np.ndarray:
    """Six partials, held or decaying with ``decay_s``, mono float32 at 44.1 kHz."""
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    hz = frequency_hz(pitch)
    wave = np.asarray(sum(np.sin(2 * np.pi * n * hz * time_s + n) / n for n in range(1, 7) if n * hz < 20_000))
    return (level * wave * (1 if decay_s is None else np.exp(-time_s / decay_s))).astype(np.float32)


def released(sound: np.ndarray, held_s: float, release_s: float) -> np.ndarray:
    """A sound that is let go after ``held_s`` and falls with ``release_s``."""
    time_s = np.arange(len(sound)) / SAMPLE_RATE_HZ
    return (sound * np.exp(-np.maximum(0, time_s - held_s) / release_s)).astype(np.float32)


def hit(centre_hz: float, decay_s: float, duration_s: float = 0.8, seed: int = 0) -> np.ndarray:
    """Noise around ``centre_hz`` that decays with ``decay_s``: no pitch in it."""
    noise = np.random.default_rng(seed).standard_normal(round(duration_s * SAMPLE_RATE_HZ))
    hz = np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE_HZ)
    shaped = np.fft.irfft(np.fft.rfft(noise) * np.exp(-(((hz - centre_hz) / (0.6 * centre_hz)) ** 2)), len(noise))
    time_s = np.arange(len(noise)) / SAMPLE_RATE_HZ
    return (0.5 * shaped / np.abs(shaped).max() * np.exp(-time_s / decay_s)).astype(np.float32)


def silence(duration_s: float) -> np.ndarray:
    return np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)


def write(path: Path, *sounds: np.ndarray, rate_hz: int = SAMPLE_RATE_HZ) -> str:
    """One sound after another in one file; returns its path as it is typed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.concatenate(sounds), rate_hz, subtype="PCM_16")
    return str(path)
