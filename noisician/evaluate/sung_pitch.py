"""Pitch of a sung phrase against its notes, by a tracker that shares nothing with what made the sound.

The tracker is the autocorrelation of Hann-windowed frames divided by that of the window (Boersma 1993), its highest
peak between the compass's ends refined by a parabola. It knows the compass of the voice and nothing of the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noisician.evaluate.inputs import mono
from noisician.score.harmony import frequency_hz
from noisician.vocals.frames import FRAME_RATE_HZ, SAMPLE_RATE_HZ, Performance, SungSyllable
from noisician.vocals.phones import VOWELS

HOP = SAMPLE_RATE_HZ // FRAME_RATE_HZ
PERIODS = 4  # of the lowest pitch, in a window
MARGIN_SEMITONES = 3
#: Of almost equal peaks the earliest is the period: later ones are its multiples.
OCTAVE_COST = 0.02
STEADY_FROM_S, MIDDLE = 0.4, 0.6
_FLOOR = 1e-12


@dataclass(frozen=True)
class SteadyNote:
    """``cents [frames]`` of the middle of a long note: how far each tracked pitch lies from the written one."""

    pitch: float
    cents: np.ndarray

    @property
    def centre_cents(self) -> float:
        """Where the note lies: vibrato swings about it."""
        return float(np.median(self.cents))


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


def steady_notes(
    audio: np.ndarray, phrase: Sequence[SungSyllable], performance: Performance, compass: tuple[float, float]
) -> list[SteadyNote]:
    """The notes of at least STEADY_FROM_S, each in the middle MIDDLE of it as far as its vowel sounds there.

    ``audio`` begins with frame 0 of the performance; notes are those of the score, in its seconds.
    """
    vowels = {phone.syllable: phone for phone in performance.phones if phone.phone in VOWELS}
    steady = []
    for number, syllable in enumerate(phrase):
        for note in syllable.notes:
            if note.duration_s < STEADY_FROM_S - 1e-9:
                continue
            edge_s = 0.5 * (1 - MIDDLE) * note.duration_s
            begins_s = max(note.start_s + edge_s - performance.start_s, vowels[number].start_s)
            ends_s = min(note.end_s - edge_s - performance.start_s, vowels[number].end_s)
            frames = np.arange(int(np.ceil(begins_s * FRAME_RATE_HZ)), int(ends_s * FRAME_RATE_HZ))
            if len(frames):
                tracked = track(audio, frames, *compass)
                steady.append(SteadyNote(note.pitch, 1200 * np.log2(tracked / frequency_hz(note.pitch))))
    return steady
