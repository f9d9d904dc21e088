"""The pitch of one voice, by the autocorrelation of Hann-windowed frames divided by that of the window (Boersma 1993).

Its highest peak between the compass's ends is refined by a parabola. The tracker knows the compass of the voice and
nothing of the score.
"""

from __future__ import annotations

import numpy as np

from noisician.analysis.inputs import mono
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz

FRAME_RATE_HZ = 100
HOP = SAMPLE_RATE_HZ // FRAME_RATE_HZ
PERIODS = 4  # of the lowest pitch, in a window
MARGIN_SEMITONES = 3
#: Of almost equal peaks the earliest is the period: later ones are its multiples.
OCTAVE_COST = 0.02
_FLOOR = 1e-12


def track(audio: np.ndarray, frames: np.ndarray, lowest_pitch: float, highest_pitch: float) -> np.ndarray:
    """Pitch in Hz of the given ``frames`` of ``audio [samples]`` at 44.1 kHz; frame i is centred at i/100 s."""
    from scipy.fft import irfft, next_fast_len, rfft

    lowest_hz = frequency_hz(lowest_pitch - MARGIN_SEMITONES)
    highest_hz = frequency_hz(highest_pitch + MARGIN_SEMITONES)
    length = int(PERIODS * SAMPLE_RATE_HZ / lowest_hz) // 2 * 2
    size = next_fast_len(2 * length)
    window = np.hanning(length)
    padded = np.pad(mono(audio), length)
    starts = np.asarray(frames, int) * HOP + length - length // 2
    pieces = padded[starts[:, None] + np.arange(length)]
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) * window
    correlation = np.asarray(irfft(np.abs(np.asarray(rfft(pieces, size, axis=1))) ** 2, size, axis=1))[:, : length // 2]
    of_window = np.asarray(irfft(np.abs(np.asarray(rfft(window, size))) ** 2, size))[: length // 2]
    correlation = correlation / (correlation[:, :1] + _FLOOR) * (of_window[0] / of_window)
    first, last = int(SAMPLE_RATE_HZ / highest_hz), min(int(SAMPLE_RATE_HZ / lowest_hz) + 1, length // 2 - 2)
    lags = np.arange(first, last)
    here, before, after = (correlation[:, first + shift : last + shift] for shift in (0, -1, 1))
    peaks = (here >= before) & (here > after)
    merit = np.where(peaks, here - OCTAVE_COST * np.log2(lags / first), -np.inf)
    best = np.argmax(merit, axis=1)
    row = np.arange(len(best))
    left, top, right = before[row, best], here[row, best], after[row, best]
    bend = left - 2 * top + right
    offset = np.where(np.abs(bend) > _FLOOR, 0.5 * (left - right) / np.where(bend == 0, 1, bend), 0.0)
    return SAMPLE_RATE_HZ / (lags[best] + np.clip(offset, -0.5, 0.5))
