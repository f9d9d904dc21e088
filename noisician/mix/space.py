"""Room, echo and width: seeded impulse responses and the moving delay of a chorus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from noisician.mix.filters import SAMPLE_RATE_HZ, Band, Reader, impulse_response, interpolate, sections

DECORRELATOR_S = 0.022
ECHO_FEEDBACK = 0.42
TAIL_DB = -42.0  # sent to at −12 dB, as most are, a room is then over where it lies 54 dB under the dry sound
TAIL_FADE = 0.2
CHORUS_BASE_S = 0.011


@dataclass(frozen=True)
class Room:
    """A room as a mixer thinks of it. ``decay_s`` are times to −60 dB below, around and above the crossovers."""

    decay_s: tuple[float, float, float]
    crossovers_hz: tuple[float, float]
    predelay_ms: float
    early_db: float
    early_ms: float
    low_cut_hz: float

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Room:
        low, middle, high = data["decay_s"]
        below, above = data["crossovers_hz"]
        return cls(
            (low, middle, high),
            (below, above),
            data["predelay_ms"],
            data["early_db"],
            data["early_ms"],
            data["low_cut_hz"],
        )


def reverb_impulse(room: Room, seed: int) -> np.ndarray:
    """Stereo impulse response ``[2, taps]`` float64 of unit energy a channel.

    Diffuse part: Gaussian noise in three bands, each with its own exponential decay (Moorer, *About this
    reverberation business*, 1979), independent left and right. Before it a handful of early reflections.
    """
    rng = np.random.default_rng([seed, 0x5EED])
    taps = round(min(max(room.decay_s), 4.0) * SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal((2, taps)))
    frequencies = np.fft.rfftfreq(taps, 1 / SAMPLE_RATE_HZ)
    seconds = np.arange(taps) / SAMPLE_RATE_HZ
    below = 1 / (1 + (frequencies / room.crossovers_hz[0]) ** 4)
    above = 1 - 1 / (1 + (frequencies / room.crossovers_hz[1]) ** 4)
    tail = np.zeros((2, taps))
    for weight, decay_s in zip((below, 1 - below - above, above), room.decay_s, strict=True):
        tail += np.fft.irfft(spectrum * weight, taps) * 10 ** (-3 * seconds / decay_s)
    build_up = np.clip(seconds / (room.early_ms / 1000), 0, 1)
    tail *= build_up / np.sqrt(np.sum(np.square(tail), axis=1, keepdims=True))
    early = _early_reflections(room, taps, rng) * 10 ** (room.early_db / 20)
    dry = np.zeros(round(room.predelay_ms / 1000 * SAMPLE_RATE_HZ))
    cut = sections([Band("high_pass", room.low_cut_hz)])
    both = [_filtered(np.concatenate([dry, channel]), cut) for channel in tail + early]
    return np.stack([channel / np.sqrt(np.sum(np.square(channel))) for channel in both])


def _filtered(signal: np.ndarray, sos: np.ndarray) -> np.ndarray:
    from scipy.signal import sosfilt

    return np.asarray(sosfilt(sos, signal))


def _early_reflections(room: Room, taps: int, rng: np.random.Generator) -> np.ndarray:
    """Sparse reflections ``[2, taps]`` of unit energy, thinning in level as they thicken in time."""
    reflections = np.zeros((2, taps))
    count = 9
    times_s = (room.early_ms / 1000) * np.sort(rng.uniform(0.08, 1.0, count))
    sides = rng.uniform(0.6, 1.0, count) * (-1.0) ** np.arange(count)
    signs = rng.choice([-1.0, 1.0], count)
    levels = signs / (1 + 30 * times_s)
    at = np.minimum((times_s * SAMPLE_RATE_HZ).astype(int), taps - 1)
    np.add.at(reflections[0], at, levels * np.sqrt((1 - sides) / 2))
    np.add.at(reflections[1], at, levels * np.sqrt((1 + sides) / 2))
    return reflections / np.sqrt(np.sum(np.square(reflections)) / 2)


def ending_impulse(room: Room, seed: int) -> np.ndarray:
    """:func:`reverb_impulse` that ends: ``[2, taps]`` with :func:`tail_s` of it, the last part faded to nothing."""
    taps = round(tail_s(room) * SAMPLE_RATE_HZ)
    impulse = reverb_impulse(room, seed)[:, :taps]
    fall = np.clip((impulse.shape[1] - np.arange(impulse.shape[1])) / (TAIL_FADE * taps), 0, 1)
    return impulse * (0.5 - 0.5 * np.cos(np.pi * fall))


def tail_s(room: Room) -> float:
    """Seconds until what is left of a room's tail lies ``TAIL_DB`` under the whole of it."""
    return min(max(room.decay_s) * TAIL_DB / -60, 4.0) + (room.predelay_ms + room.early_ms) / 1000


def decorrelator(seed: int, from_hz: float) -> np.ndarray:
    """Short, dense response ``[taps]`` with a nearly flat magnitude and random phase, silent below ``from_hz``.

    It feeds the *side* channel only: left = mid + side, right = mid − side, so the mono sum is the mid, exactly
    (Lauridsen's complementary pseudo-stereo with a dense filter in place of one delay).
    """
    rng = np.random.default_rng([seed, 0x51DE])
    taps = round(DECORRELATOR_S * SAMPLE_RATE_HZ)
    noise = rng.standard_normal(taps) * 10 ** (-2 * np.arange(taps) / taps)
    spectrum = np.fft.rfft(noise, 2 * taps)
    flat = np.fft.irfft(spectrum / np.maximum(np.abs(spectrum), 1e-9))[:taps]
    flat *= np.minimum(1, (taps - np.arange(taps)) / (taps // 4))
    flat = _filtered(flat, sections([Band("high_pass", from_hz)]))
    in_band = np.abs(np.fft.rfft(flat, 8192))[int(from_hz * 2 * 8192 / SAMPLE_RATE_HZ) :]
    return flat / np.sqrt(np.mean(np.square(in_band)))


def echo_impulse() -> np.ndarray:
    """What a repeat sounds like: band-limited as on tape, ``[taps]``."""
    return impulse_response(sections([Band("high_pass", 220.0), Band("low_pass", 4200.0)]), 1024)


def echo_taps(delay_s: float, feedback: float, floor_db: float = -50.0) -> list[tuple[int, int, float]]:
    """Ping-pong repeats as (frames, channel, gain), left first, until they fall under ``floor_db``."""
    taps = []
    gain, repeat = 1.0, 1
    while gain > 10 ** (floor_db / 20):
        taps.append((round(repeat * delay_s * SAMPLE_RATE_HZ), (repeat - 1) % 2, gain))
        gain *= feedback
        repeat += 1
    return taps


def chorus_reader(dry: Reader, frames: int, depth_ms: float, rate_hz: float, *, loop: bool) -> Reader:
    """Reads a signal of ``frames`` through a slowly swaying delay. In a loop the sway fits a whole number of times."""
    cycles = rate_hz * frames / SAMPLE_RATE_HZ
    if loop:
        cycles = max(1.0, round(cycles))
    phase_step = 2 * np.pi * cycles / max(frames, 1)

    def reader(start: int, stop: int) -> np.ndarray:
        at = np.arange(start, stop)
        sway_s = CHORUS_BASE_S + depth_ms / 1000 * np.sin(phase_step * at)
        return interpolate(dry, at - sway_s * SAMPLE_RATE_HZ)

    return reader
