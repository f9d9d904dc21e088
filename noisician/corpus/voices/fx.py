"""Transitions: risers, falls, hits and swells. Each takes its length from the note."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from noisician.audio import fade
from noisician.corpus.voices import samples
from noisician.corpus.voices.common import (
    FloatArray,
    add_at,
    bell,
    decay,
    diffuse,
    frame_hz,
    frame_times,
    high_pass,
    low_pass,
    peak_normalise,
    sample_count,
    seconds,
    shaped_noise,
)
from noisician.mel import SAMPLE_RATE_HZ

_TAIL_S = 1.5


class Effect(Protocol):
    """``length`` samples of note; ``setting`` draws the character, ``rng`` the grains. Peak about 0.6."""

    def __call__(
        self, length: int, setting: np.random.Generator, rng: np.random.Generator, samples_dir: Path | None
    ) -> FloatArray: ...


def _sweep(
    length: int, start_hz: float, end_hz: float, curve: float, width_octaves: float, rng: np.random.Generator
) -> FloatArray:
    """A noise band that glides on a log-frequency axis over the whole length."""
    progress = np.clip(frame_times(length) / (length / SAMPLE_RATE_HZ), 0.0, 1.0) ** curve
    centre = start_hz * (end_hz / start_hz) ** progress
    hz = frame_hz()
    shape = bell(hz, centre, width_octaves) + 0.25 * low_pass(hz, centre, 2.0) * high_pass(hz, 150.0)
    # A band twice as wide in Hz would sound twice as strong: keep its power even.
    return shaped_noise(length, shape * np.sqrt(1000.0 / centre), rng)


def _tone_sweep(length: int, start_hz: float, end_hz: float, curve: float) -> FloatArray:
    progress = (np.arange(length) / max(1, length)) ** curve
    cycles = np.cumsum(start_hz * (end_hz / start_hz) ** progress) / SAMPLE_RATE_HZ
    return (np.sin(2 * np.pi * cycles) + 0.3 * np.sin(4 * np.pi * cycles)).astype(np.float32)


def noise_riser(
    length: int, setting: np.random.Generator, rng: np.random.Generator, samples_dir: Path | None
) -> FloatArray:
    """Noise that climbs and swells to the note's end, sometimes with a tone."""
    top, curve = float(setting.uniform(6000.0, 11000.0)), float(setting.uniform(0.9, 1.5))
    sound = peak_normalise(_sweep(length, float(setting.uniform(180.0, 500.0)), top, curve, 0.7, rng))
    tone = float(setting.choice([0.0, 0.0, 0.25]))
    if tone:
        sound = sound + tone * _tone_sweep(length, 180.0, 1400.0, curve)
    progress = (np.arange(length, dtype=np.float32) / max(1, length)) ** float(setting.uniform(1.3, 2.2))
    level = 0.02 + 0.98 * progress
    return fade(0.6 * peak_normalise(sound * level), 0.05, 0.015)


def downlifter(
    length: int, setting: np.random.Generator, rng: np.random.Generator, samples_dir: Path | None
) -> FloatArray:
    """Noise that falls and fades from the note's start."""
    curve = float(setting.uniform(0.45, 0.8))
    sound = peak_normalise(_sweep(length, float(setting.uniform(6000.0, 10000.0)), 140.0, curve, 0.75, rng))
    tone = float(setting.choice([0.0, 0.0, 0.3]))
    if tone:
        sound = sound + tone * _tone_sweep(length, 1200.0, 70.0, curve)
    level = (1.0 - np.arange(length, dtype=np.float32) / max(1, length)) ** float(setting.uniform(1.2, 2.0))
    return fade(0.6 * peak_normalise(sound * level), 0.003, 0.05)


def _boom(count: int, low_hz: float, high_hz: float, fall_s: float, decay_s: float) -> FloatArray:
    times = seconds(count)
    cycles = low_hz * times + (high_hz - low_hz) * fall_s * (1.0 - np.exp(-times / fall_s))
    return (np.sin(2.0 * np.pi * cycles) * np.exp(-times / decay_s)).astype(np.float32)


def impact(length: int, setting: np.random.Generator, rng: np.random.Generator, samples_dir: Path | None) -> FloatArray:
    """A cinematic hit: thump, debris and a dark hall, which may outlast the note by a second and a half."""
    count = min(sample_count(4.5), length + sample_count(_TAIL_S))
    thump = _boom(count, float(setting.uniform(38.0, 55.0)), float(setting.uniform(110.0, 180.0)), 0.05, 0.35)
    times, hz = frame_times(count), frame_hz()
    cutoff = 250.0 + float(setting.uniform(4000.0, 9000.0)) * np.exp(-np.maximum(times, 0.0) / 0.12)
    debris = shaped_noise(count, low_pass(hz, cutoff, 1.5), rng) * (0.5 * decay(count, 0.06) + 0.3 * decay(count, 0.6))
    sound = np.tanh(1.6 * (thump + 0.5 * debris)).astype(np.float32)
    if samples_dir is not None:
        add_at(
            sound, 0, 0.5 * samples.shifted(samples.load(samples_dir, "perc_impact1"), float(setting.uniform(-7, 0)))
        )
    sound = diffuse(sound, float(setting.uniform(1.8, 3.0)), 0.35, rng)
    return fade(0.65 * peak_normalise(sound), 0.0015, 0.4)


def sub_boom(
    length: int, setting: np.random.Generator, rng: np.random.Generator, samples_dir: Path | None
) -> FloatArray:
    """A long sine that sinks below 40 Hz, slightly driven."""
    count = min(sample_count(5.0), length + sample_count(_TAIL_S))
    low, fall_s = float(setting.uniform(30.0, 42.0)), float(setting.uniform(0.15, 0.5))
    body = _boom(count, low, float(setting.uniform(70.0, 120.0)), fall_s, float(setting.uniform(0.6, 1.2)))
    knock = shaped_noise(count, low_pass(frame_hz(), 600.0, 2.0), rng) * decay(count, 0.015)
    drive = float(setting.uniform(1.0, 2.2))
    sound = np.tanh(drive * body) / np.tanh(drive) + 0.25 * knock
    return fade(0.65 * peak_normalise(sound.astype(np.float32)), 0.003, 0.4)


def reverse_swell(
    length: int, setting: np.random.Generator, rng: np.random.Generator, samples_dir: Path | None
) -> FloatArray:
    """A cymbal played backwards: it grows from nothing and stops dead at the note's end."""
    span_s = length / SAMPLE_RATE_HZ
    hz = frame_hz()
    before_end = np.maximum(span_s - frame_times(length), 0.0)
    cutoff = 1200.0 + float(setting.uniform(6000.0, 12000.0)) * np.exp(-before_end / (0.35 * span_s))
    modes = setting.uniform(350.0, 7000.0, 18)
    ringing = sum((bell(hz, mode, 0.03) for mode in modes), 0.3 * high_pass(hz, 400.0))
    sound = shaped_noise(length, ringing * low_pass(hz, cutoff, 1.5) * high_pass(hz, 250.0), rng)
    rise = np.exp(
        -np.arange(length, dtype=np.float32)[::-1] / (SAMPLE_RATE_HZ * span_s * float(setting.uniform(0.16, 0.3)))
    )
    return fade(0.6 * peak_normalise(sound * rise), 0.02, 0.012)


EFFECTS: dict[str, Effect] = {
    "noise_riser": noise_riser,
    "downlifter": downlifter,
    "impact": impact,
    "sub_boom": sub_boom,
    "reverse_swell": reverse_swell,
}
