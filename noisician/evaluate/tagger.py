"""Which instrument is it? A listener who has heard recordings of single notes, and says whose note is the next one.

A small classifier: pictures of notes, told apart by kernel ridge regression (Rifkin, Yeo and Poggio 2003) with one
Gaussian round every note it has heard. It is told neither pitch nor level, and of everything more than FLOOR_NATS below
a note's loudest band it hears nothing: there recordings have rooms and noise that would give them away.

Conventions
-----------
* Stems are mono ``[samples]`` at 44.1 kHz; pictures ``[FEATURES]``, in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from noisician.errors import NoisicianError
from noisician.mel import FRAME_RATE_HZ, MEL_BANDS, SAMPLE_RATE_HZ, log_mel
from noisician.score.played import NoteEvent

#: What is cut out of a stem for a note: from a little before its onset.
BEFORE_S, NOTE_S = 0.02, 1.5
PEAK = 0.5
BANDS = 32
FLOOR_NATS = 5.0
#: Ends of the stretches that are averaged, seconds after the cut's beginning.
STRETCHES_S = (0.035, 0.07, 0.14, 0.3, 0.6, 1.0, 1.5)
#: Where a note's motion is heard, likewise.
MOTION_S = (0.14, 1.0)
FEATURES = (len(STRETCHES_S) + 1) * BANDS
#: Width of the Gaussians, as the share of a feature's spread, and how little single notes are trusted.
WIDTH, RIDGE = 1.8, 0.01


def note_picture(stem: np.ndarray, onset_s: float) -> np.ndarray:
    """``[FEATURES]``: the band levels of a note's stretches beside its loudest, then how much the bands move.

    Raises NoisicianError where the stem is silent or ends within the note.
    """
    first = round((onset_s - BEFORE_S) * SAMPLE_RATE_HZ)
    note = np.asarray(stem[max(0, first) : first + round((BEFORE_S + NOTE_S) * SAMPLE_RATE_HZ)], np.float32)
    peak = float(np.abs(note).max(initial=0.0))
    if len(note) < round(NOTE_S * SAMPLE_RATE_HZ) or peak < 1e-6:
        raise NoisicianError(f"nothing to hear at {onset_s:g} s; a note needs {NOTE_S:g} s of sound from there")
    mel = np.exp(log_mel(note * (PEAK / peak)).astype(np.float64))
    levels = np.log(mel.reshape(len(mel), BANDS, MEL_BANDS // BANDS).mean(axis=2))
    levels = np.maximum(levels - levels.max(), -FLOOR_NATS)
    edges = [0, *(round(end_s * FRAME_RATE_HZ) for end_s in STRETCHES_S)]
    stretches = [levels[start:end].mean(axis=0) for start, end in pairwise(edges)]
    start, end = (round(edge_s * FRAME_RATE_HZ) for edge_s in MOTION_S)
    return np.concatenate([*stretches, np.abs(np.diff(levels[start:end], axis=0)).mean(axis=0)])


def note_pictures(stem: np.ndarray, notes: Sequence[NoteEvent]) -> np.ndarray:
    """``[notes, FEATURES]``."""
    return np.array([note_picture(stem, note.start_s) for note in notes]).reshape(-1, FEATURES)


@dataclass(frozen=True)
class Tagger:
    """``names`` of what it can tell apart; ``heard [notes, FEATURES]`` scaled, ``weights [notes, names]``."""

    names: tuple[str, ...]
    centre: np.ndarray
    spread: np.ndarray
    heard: np.ndarray
    weights: np.ndarray

    def name(self, pictures: np.ndarray) -> list[str]:
        """Whose notes ``pictures [notes, FEATURES]`` are, most likely."""
        marks = _kernel((pictures - self.centre) / self.spread, self.heard) @ self.weights
        return [self.names[best] for best in marks.argmax(axis=1)]


def taught(pictures: np.ndarray, names: Sequence[str]) -> Tagger:
    """A tagger that has heard ``pictures [notes, FEATURES]`` of the instruments ``names [notes]``; every instrument
    counts the same, however many notes there are of it."""
    classes, numbers = np.unique(np.asarray(names), return_inverse=True)
    centre, spread = pictures.mean(axis=0), pictures.std(axis=0) + 1e-6
    heard = (pictures - centre) / spread
    counts = np.bincount(numbers)[numbers]
    trust = RIDGE * counts / counts.mean()
    weights = np.linalg.solve(_kernel(heard, heard) + np.diag(trust), np.eye(len(classes))[numbers])
    return Tagger(tuple(str(one) for one in classes), centre, spread, heard, weights)


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    apart = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * first @ second.T
    return np.exp(-np.maximum(apart, 0.0) / (first.shape[1] * WIDTH**2))
