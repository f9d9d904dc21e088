"""From features and pitch to sound: harmonics at the exact pitch plus shaped noise, without a network.

With E the power envelope, A the aperiodicity and f₀ the pitch of a frame, harmonic k has the amplitude

    a_k = 2 √(E(k f₀) (1 − A²) f₀ / f_s),

which gives the pulse train of f₀ the level of white noise of power E, and the noise has the spectrum A √E. Phases are
the minimum phases of the envelope (Oppenheim & Schafer, the folded cepstrum) behind a fixed all-pass that disperses
the pulses a little, as throats do.

A frame's harmonics are one period of a waveform. Between two frames the sound is a crossfade of their two periods,
both read at the integral of f₀ in samples: pitch follows the given curve exactly, however fast it moves, and the work
does not grow with the number of harmonics.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from noisician.diffusion.noise import noise_rows
from noisician.mel import SAMPLE_RATE_HZ
from noisician.vocals.features import (
    BINS,
    ENVELOPE_FLOOR_DB,
    N_FFT,
    bins_hz,
    linear_aperiodicity,
    linear_envelope_db,
    split_features,
)
from noisician.vocals.frames import FEATURES, HOP

#: Harmonics fade out over this range (Hz), so that one crossing its end does not click.
FADE_HZ = (17000.0, 18000.0)
#: Points of one period: at least 9 a cycle of the highest harmonic of LOWEST_F0_HZ, for the cubic interpolation.
PERIOD = 4096
LOWEST_F0_HZ = 40.0
#: The noise of a voice swells with every opening of the glottis: 1 + depth · cos(phase + lag).
NOISE_DEPTH, NOISE_LAG = 0.5, 0.8
#: Dispersion of the pulses: the phase −π · DISPERSION · √((f + DISPERSION_BEND_HZ) / 1 kHz), from 0 at 0 Hz on.
DISPERSION, DISPERSION_BEND_HZ = 0.6, 300.0
#: Frames worked on at once; what is between stays in the cache.
BLOCK = 64
#: Names the noise of this module among the streams of a seed.
_STREAM = 1 << 33


@dataclass(frozen=True)
class _Spectra:
    """Of a run of frames: amplitudes ``√E`` and the share of it that is noise, both ``[frames, 1025]``."""

    amplitude: np.ndarray
    aperiodicity: np.ndarray


def synthesise(features: np.ndarray, f0_hz: np.ndarray, voiced: np.ndarray, seed: int, stream: int = 0) -> np.ndarray:
    """``features [frames, 106]``, ``f0_hz [frames]`` (given through unvoiced frames too), ``voiced [frames]`` 0/1 →
    mono float32 ``[frames · 441]`` at 44.1 kHz; frame i is centred on sample 441 i. ``seed`` and ``stream`` name the
    noise. Raises ValueError when the lengths disagree or a pitch is below LOWEST_F0_HZ.
    """
    frames = len(features)
    if features.shape != (frames, FEATURES) or len(f0_hz) != frames or len(voiced) != frames:
        raise ValueError(f"features {features.shape}, {len(f0_hz)} pitches and {len(voiced)} voicings do not match")
    if not frames:
        return np.zeros(0, np.float32)
    if f0_hz.min() < LOWEST_F0_HZ:
        raise ValueError(f"pitch of {f0_hz.min():.1f} Hz; the renderer starts at {LOWEST_F0_HZ:.0f} Hz")
    phase = _phase(f0_hz)
    gate = _gate(voiced)
    white = noise_rows(seed, _STREAM + stream, 0, frames + 1, HOP).reshape(-1)
    voice = np.zeros(frames * HOP, np.float32)
    breath = np.zeros((frames - 1) * HOP + N_FFT, np.float32)  # from half a transform before frame 0 on
    for first in range(0, frames, BLOCK):
        last = min(first + BLOCK, frames)
        rows = slice(first, min(last + 1, frames))  # one frame more, to fade towards
        samples = slice(first * HOP, last * HOP)
        spectra = _spectra(features[rows])
        if gate[rows].any():
            voice[samples] = _harmonics(spectra, f0_hz[rows], gate[rows], phase[samples])
        made = _noise(spectra, gate[rows], white[first * HOP : (last + 1) * HOP])
        breath[first * HOP : first * HOP + len(made)] += made
    return voice + _swell(gate, phase) * breath[N_FFT // 2 :][: frames * HOP]


def _phase(f0_hz: np.ndarray) -> np.ndarray:
    """Cycles since sample 0 at every sample, float64: the sum of f₀ as drawn straight between the frames."""
    cycles = np.cumsum(_per_sample(np.asarray(f0_hz, np.float64))) / SAMPLE_RATE_HZ
    return cycles - cycles[0]


def _per_sample(values: np.ndarray) -> np.ndarray:
    """Straight lines between the frames' centres, constant after the last: ``[frames]`` → ``[frames · 441]``."""
    rise = (np.arange(HOP) / HOP).astype(values.dtype)
    following = np.append(values[1:], values[-1])
    return (values[:, None] + (following - values)[:, None] * rise).reshape(-1)


def _gate(voiced: np.ndarray) -> np.ndarray:
    """How much of a frame's harmonics sounds, 0 … 1: unvoiced frames have none, the frames beside them three parts."""
    padded = np.pad(np.asarray(voiced, np.float32), 1, mode="edge")
    return padded[1:-1] * (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4


def _spectra(features: np.ndarray) -> _Spectra:
    envelope_db, aperiodicity_db = split_features(features)
    # Less the floor's own amplitude, so that what lies on the floor is silent.
    amplitude = np.float32(10) ** (linear_envelope_db(envelope_db) / 20) - np.float32(10 ** (ENVELOPE_FLOOR_DB / 20))
    return _Spectra(np.maximum(amplitude, 0), linear_aperiodicity(aperiodicity_db))


def _harmonics(spectra: _Spectra, f0_hz: np.ndarray, gate: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Samples from the first frame's centre to the last one's (or a hop beyond, in the end), float32."""
    periods = _periods(spectra, f0_hz, gate)
    hops = len(phase) // HOP
    if len(periods) == hops:  # the end of the phrase: its last frame holds
        periods = np.concatenate([periods, periods[-1:]])
    place = (phase % 1.0) * PERIOD
    whole = place.astype(np.int32)
    u = (place - whole).astype(np.float32)
    row = np.repeat(np.arange(hops, dtype=np.int32) * (PERIOD + 3), HOP)
    at = (row + whole).reshape(hops, HOP)
    rise = (np.arange(HOP) / HOP).astype(np.float32)
    flat = periods.reshape(-1)
    taps = []
    for offset in range(4):  # fade first, interpolate then: both are linear
        here = flat[at + offset]
        taps.append((here + rise * (flat[at + (offset + PERIOD + 3)] - here)).reshape(-1))
    before, low, high, after = taps
    # Lagrange's cubic through the four points −1, 0, 1, 2.
    return (
        low * (1 - u * u) * (1 - u / 2)
        + high * u * (1 + u) * (1 - u / 2)
        - before * u * (1 - u) * (2 - u) / 6
        - after * u * (1 - u * u) / 6
    )


def _periods(spectra: _Spectra, f0_hz: np.ndarray, gate: np.ndarray) -> np.ndarray:
    """One period of each frame's harmonics with its neighbours' points around it, ``[frames, 1 + PERIOD + 2]``."""
    from scipy.fft import irfft

    f0 = np.asarray(f0_hz, np.float32)
    count = int(FADE_HZ[1] / f0.min())
    hz = f0[:, None] * np.arange(1, count + 1, dtype=np.float32)
    tonal = np.sqrt(np.maximum(0, 1 - spectra.aperiodicity**2)) * _harmonic_fade()
    scale = gate * np.sqrt(f0 / SAMPLE_RATE_HZ)  # a_k / 2, as an inverse transform of real numbers takes it
    amplitude = _at(spectra.amplitude * tonal, hz) * scale[:, None]
    turn = _at(_minimum_phase(spectra.amplitude) + _dispersion(), hz)
    half = np.zeros((len(f0), PERIOD // 2 + 1), np.complex64)
    half[:, 1 : count + 1].real = amplitude * np.cos(turn)
    half[:, 1 : count + 1].imag = amplitude * np.sin(turn)
    period = np.asarray(irfft(half, n=PERIOD, axis=1, norm="forward"))
    return np.concatenate([period[:, -1:], period, period[:, :2]], axis=1)


def _at(values: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """Straight lines between the bins: ``[frames, 1025]`` at ``hz [frames, k]``."""
    place = np.minimum(hz * np.float32(N_FFT / SAMPLE_RATE_HZ), BINS - 2)
    low = place.astype(np.int32)
    at = low + np.arange(0, values.size, BINS, dtype=np.int32)[:, None]
    flat = values.reshape(-1)
    here = flat[at]
    return here + (place - low) * (flat[at + 1] - here)


def _minimum_phase(amplitude: np.ndarray) -> np.ndarray:
    """Phases ``[frames, 1025]`` of the causal filter of least delay with these amplitudes."""
    from scipy.fft import irfft, rfft

    floor = np.float32(10 ** ((ENVELOPE_FLOOR_DB - 20) / 20))
    cepstrum = np.asarray(irfft(np.log(np.maximum(amplitude, floor)), n=N_FFT, axis=1))
    cepstrum[:, 1 : N_FFT // 2] *= 2
    cepstrum[:, N_FFT // 2 + 1 :] = 0
    return np.imag(np.asarray(rfft(cepstrum, axis=1)))


@cache
def _dispersion() -> np.ndarray:
    root = np.sqrt((bins_hz() + DISPERSION_BEND_HZ) / 1000)
    return (-np.pi * DISPERSION * (root - root[0])).astype(np.float32)


@cache
def _harmonic_fade() -> np.ndarray:
    low, high = FADE_HZ
    share = np.clip((bins_hz() - low) / (high - low), 0, 1)
    return (0.5 + 0.5 * np.cos(np.pi * share)).astype(np.float32)


def _noise(spectra: _Spectra, gate: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Noise of the n frames that ``white [(n + 1) · 441]`` is for, float32 ``[(n − 1) · 441 + 2048]``, its first
    sample half a transform before the first frame.

    Each frame filters the white noise of its own place under a Hann window of two hops; the windows add up to one.
    """
    from scipy.fft import irfft, rfft

    frames = len(white) // HOP - 1
    lead = (N_FFT - 2 * HOP) // 2  # room on both sides for what the filter, which has no delay, rings
    pieces = np.zeros((frames, N_FFT), np.float32)
    pieces[:, lead : lead + 2 * HOP] = np.lib.stride_tricks.sliding_window_view(white, 2 * HOP)[::HOP] * _window()
    # Where harmonics are held back, their share of the power is noise.
    share = np.sqrt(1 - (1 - spectra.aperiodicity**2) * gate[:, None] ** 2)
    shaped = np.asarray(rfft(pieces, axis=1)) * (spectra.amplitude * share)[:frames]
    return _overlap_add(np.asarray(irfft(shaped, n=N_FFT, axis=1)))


@cache
def _window() -> np.ndarray:
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)).astype(np.float32)


def _overlap_add(pieces: np.ndarray) -> np.ndarray:
    """``[frames, n]`` a hop apart → ``[(frames − 1) · 441 + n]``."""
    frames, length = pieces.shape
    parts = -(-length // HOP)
    out = np.zeros((frames + parts - 1, HOP), np.float32)
    for part in range(parts):
        here = pieces[:, part * HOP : (part + 1) * HOP]
        out[part : part + frames, : here.shape[1]] += here
    return out.reshape(-1)[: (frames - 1) * HOP + length]


def _swell(gate: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """How loud the noise is at every sample, of mean power one."""
    depth = NOISE_DEPTH * _per_sample(gate)
    cycle = (2 * np.pi * (phase % 1.0) + NOISE_LAG).astype(np.float32)
    return (1 + depth * np.cos(cycle)) / np.sqrt(1 + depth**2 / 2)
