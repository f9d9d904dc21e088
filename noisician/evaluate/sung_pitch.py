"""Pitch of a sung phrase against its notes, by a tracker that shares nothing with what made the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noisician.analysis.pitch import FRAME_RATE_HZ, track
from noisician.lyrics.phones import VOWELS
from noisician.score.harmony import frequency_hz
from noisician.vocals.frames import Performance, SungSyllable

STEADY_FROM_S, MIDDLE = 0.4, 0.6


@dataclass(frozen=True)
class SteadyNote:
    """``cents [frames]`` of the middle of a long note: how far each tracked pitch lies from the written one."""

    pitch: float
    cents: np.ndarray

    @property
    def centre_cents(self) -> float:
        """Where the note lies: vibrato swings about it."""
        return float(np.median(self.cents))


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
