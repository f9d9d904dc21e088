"""What keeps a held note alive, and what makes it grainy: level, jitter, harmonicity, vibrato.

Conventions
-----------
* Audio is ``[samples]`` at 44.1 kHz, the held part of one note; dB are 20 log₁₀ of amplitudes or 10 log₁₀ of powers.
* Pitches are MIDI numbers, which may be fractions.
"""

from __future__ import annotations

import numpy as np

from noisician.analysis.pitch import FRAME_RATE_HZ, HOP, track
from noisician.errors import NoisicianError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz

#: A note's level is that of its loudest stretch of this length.
LEVEL_WINDOW_S = 0.05
#: Levels for jitter: a Hann window this long, FRAME_RATE_HZ times a second.
JITTER_WINDOW_S = 0.05
#: Length of the quadratics that make the smooth line (Savitzky and Golay 1964): it follows vibrato, not grain.
SMOOTH_S = 0.21
#: Rates that count as vibrato, Hz.
VIBRATO_RATES_HZ = (4.0, 8.0)
#: A tracked pitch further from the note's median than this is an error of the tracker, cents.
_LOST_CENTS = 150.0
#: How much finer than a sample the lags of harmonicity are.
_FINER = 4
_LEAST_S = 0.5


def peak_level_db(samples: np.ndarray) -> float:
    """RMS of the loudest LEVEL_WINDOW_S, dB of full scale. Raises NoisicianError for silence."""
    width = min(len(samples), round(LEVEL_WINDOW_S * SAMPLE_RATE_HZ))
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    loudest = float((power[width:] - power[:-width]).max() / width) if width else 0.0
    if loudest <= 0:
        raise NoisicianError(f"{len(samples) / SAMPLE_RATE_HZ:g} s of silence have no level; nothing was played")
    return 10 * np.log10(loudest)


def level_jitter_db(held: np.ndarray) -> float:
    """How far the level strays from a smooth line, RMS in dB. Raises NoisicianError below 0.5 s."""
    from scipy.signal import savgol_filter

    _check(held)
    size = round(JITTER_WINDOW_S * SAMPLE_RATE_HZ)
    cut = np.lib.stride_tricks.sliding_window_view(np.square(held, dtype=np.float64), size)[::HOP]
    level_db = 10 * np.log10(cut @ np.hanning(size) + 1e-18)
    stray = level_db - savgol_filter(level_db, round(SMOOTH_S * FRAME_RATE_HZ), 2)
    return float(np.sqrt(np.mean(stray**2)))


def harmonic_to_noise_db(held: np.ndarray, pitch: float) -> float:
    """Median over frames of 10 log₁₀ r / (1 − r), r the normalised correlation of two periods with those a period on.

    Noise of power N beside a periodic sound of power S leaves r = S / (S + N) (Boersma 1993; correlating stretches
    instead of windows, which low notes need). The period is looked for within a semitone of ``pitch``. Raises
    NoisicianError below 0.5 s.
    """
    from scipy.fft import irfft, next_fast_len, rfft
    from scipy.signal import resample_poly

    _check(held)
    sound, finer_hz = resample_poly(held.astype(np.float64), _FINER, 1), _FINER * SAMPLE_RATE_HZ
    first, last = (round(finer_hz / frequency_hz(pitch + semitones)) for semitones in (1, -1))
    length = 2 * round(finer_hz / frequency_hz(pitch))
    pieces = np.lib.stride_tricks.sliding_window_view(sound, length + last + 2)[:: max(_FINER * HOP, length // 2)]
    size = next_fast_len(2 * length + last)
    spectra = np.asarray(rfft(pieces[:, :length], size, axis=1)).conj() * np.asarray(rfft(pieces, size, axis=1))
    lags = np.arange(first - 1, last + 2)
    products = np.asarray(irfft(spectra, size, axis=1))[:, lags]
    power = np.pad(np.cumsum(pieces**2, axis=1), ((0, 0), (1, 0)))
    correlation = products / np.sqrt(power[:, length, None] * (power[:, lags + length] - power[:, lags]) + 1e-18)
    peak = np.clip(_tops(correlation).max(axis=1), 1e-6, 1 - 1e-9)
    return float(np.median(10 * np.log10(peak / (1 - peak))))


def vibrato_extent_cents(held: np.ndarray, pitch: float) -> float:
    """Amplitude of the strongest swing of the pitch between 4 and 8 Hz, cents to one side.

    The tracker's lags are whole samples with a parabola between: half a cent is lost at 1 kHz. Raises NoisicianError
    below 0.5 s.
    """
    _check(held)
    margin = len(held) // HOP - int(0.05 * FRAME_RATE_HZ)
    frames = np.arange(int(0.05 * FRAME_RATE_HZ), margin)
    cents = 1200 * np.log2(track(held, frames, pitch, pitch) / frequency_hz(pitch))
    middle = np.median(cents)
    cents = np.where(np.abs(cents - middle) > _LOST_CENTS, middle, cents)
    time = np.linspace(-1, 1, len(cents))
    window = np.hanning(len(cents))
    swing = (cents - np.polyval(np.polyfit(time, cents, 2), time)) * window
    rates_hz = np.fft.rfftfreq(16 * len(cents), 1 / FRAME_RATE_HZ)
    low, high = VIBRATO_RATES_HZ
    strength = np.abs(np.fft.rfft(swing, 16 * len(cents)))[(rates_hz >= low) & (rates_hz <= high)]
    return float(2 * strength.max() / window.sum())


def _tops(values: np.ndarray) -> np.ndarray:
    """``[..., n]`` → ``[..., n − 2]``: the tops of parabolas through three neighbours where the middle is highest."""
    left, here, right = values[..., :-2], values[..., 1:-1], values[..., 2:]
    bend = left - 2 * here + right
    top = here - (left - right) ** 2 / np.where(bend < 0, 8 * bend, -np.inf)
    return np.where((here >= left) & (here >= right), top, here)


def _check(held: np.ndarray) -> None:
    if len(held) < _LEAST_S * SAMPLE_RATE_HZ:
        raise NoisicianError(
            f"{len(held) / SAMPLE_RATE_HZ:g} s of a held note; at least {_LEAST_S:g} s tell how it is held"
        )
