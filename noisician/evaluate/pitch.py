"""Pitch of a monophonic stem against its score.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz; frequencies in Hz, pitches in MIDI numbers.
* Frames count where the score sounds exactly one note, at least ``GUARD_S`` after its start and before its end:
  the tracker's window (93 ms) straddles two notes nearer than that.
* Raw pitch accuracy is the share of those frames within 50 cents, whatever the tracker thinks of voicing; raw
  chroma accuracy folds octaves (both as in ``mir_eval.melody``).
* The tracker is pYIN (Mauch & Dixon, ICASSP 2014) as librosa has it, given the compass of the part only.

How good the tracker is
-----------------------
On a soundfont's own random lines it agrees with the score in 0.96 to 1.00 of the frames on piano, electric guitars,
basses, saxophone, flute and square leads, 0.75 to 0.93 where tails ring or sections swell (nylon guitar, vibraphone,
bowed strings, trumpet; saw leads and pads are not in that range), and 0.04 on a drawbar organ, whose sixteen-foot rank
sounds an octave below the key. So the soundfont playing the same score is the reference to compare a stem with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noisician.analysis.inputs import mono
from noisician.errors import NoisicianError
from noisician.evaluate.inputs import librosa
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import A4_HZ, A4_PITCH, frequency_hz
from noisician.score.played import NoteEvent

TRACKER_RATE_HZ = 22050
TRACKER_FRAME = 2048
TRACKER_HOP = 512
GUARD_S = 0.03
COMPASS_MARGIN_SEMITONES = 4


def reference_pitches(notes: Sequence[NoteEvent], times_s: np.ndarray, guard_s: float = GUARD_S) -> np.ndarray:
    """MIDI pitch ``[frames]`` the score sounds at each time; NaN where it sounds none, several, or near an edge."""
    times = np.asarray(times_s, np.float64)
    sounding = np.zeros(len(times), int)
    inside = np.zeros(len(times), int)
    pitches = np.full(len(times), np.nan)
    for note in notes:
        first, last = np.searchsorted(times, (note.start_s, note.end_s))
        sounding[first:last] += 1
        first, last = np.searchsorted(times, (note.start_s + guard_s, note.end_s - guard_s))
        inside[first:last] += 1
        pitches[first:last] = note.pitch
    return np.where((sounding == 1) & (inside == 1), pitches, np.nan)


def tracked_pitch_hz(samples: np.ndarray, lowest_pitch: int, highest_pitch: int) -> tuple[np.ndarray, np.ndarray]:
    """(times in seconds ``[frames]``, f0 in Hz ``[frames]``) by pYIN; f0 is its best guess in unvoiced frames too.

    Raises NoisicianError where librosa is missing or the compass is empty.
    """
    import soxr

    if not 0 <= lowest_pitch <= highest_pitch <= 127:
        raise NoisicianError(f"compass {lowest_pitch} … {highest_pitch}; pitches are 0 … 127, lowest first")
    audio = soxr.resample(mono(samples), SAMPLE_RATE_HZ, TRACKER_RATE_HZ).astype(np.float32)
    lowest_hz = frequency_hz(lowest_pitch - COMPASS_MARGIN_SEMITONES)
    # pYIN lets the pitch wander most of an octave a frame, and fails where the compass is narrower than that.
    highest_pitch = max(highest_pitch, lowest_pitch + 12 - 2 * COMPASS_MARGIN_SEMITONES)
    frame = TRACKER_FRAME
    while lowest_hz * frame < 2.2 * TRACKER_RATE_HZ:  # the window must hold two periods
        frame *= 2
    f0, _, _ = librosa().pyin(
        audio,
        sr=TRACKER_RATE_HZ,
        fmin=lowest_hz,
        fmax=min(frequency_hz(highest_pitch + COMPASS_MARGIN_SEMITONES), 0.45 * TRACKER_RATE_HZ),
        frame_length=frame,
        hop_length=TRACKER_HOP,
        fill_na=None,
    )
    return np.arange(len(f0)) * (TRACKER_HOP / TRACKER_RATE_HZ), np.asarray(f0, np.float64)


def raw_pitch_accuracy(
    reference_pitch: np.ndarray,
    estimated_hz: np.ndarray,
    tolerance_cents: float = 50.0,
    fold_octaves: bool = False,
) -> float | None:
    """Share of the frames with a reference where the estimate is within ``tolerance_cents``.

    ``reference_pitch`` ``[frames]`` MIDI with NaN where nothing counts; ``estimated_hz`` ``[frames]``, zero or NaN
    for no estimate (a miss). None where no frame counts. ``fold_octaves`` gives raw chroma accuracy.
    """
    reference, estimate = np.asarray(reference_pitch, np.float64), np.asarray(estimated_hz, np.float64)
    if reference.shape != estimate.shape:
        raise NoisicianError(
            f"{reference.size} reference frames and {estimate.size} estimated ones; both must be on one time axis"
        )
    counted = np.isfinite(reference)
    if not counted.any():
        return None
    tracked = np.isfinite(estimate) & (estimate > 0)
    pitch = A4_PITCH + 12 * np.log2(np.where(tracked, estimate, A4_HZ) / A4_HZ)
    cents = 100 * np.where(counted, pitch - reference, 0.0)
    if fold_octaves:
        cents -= 1200 * np.round(cents / 1200)
    within = tracked & (np.abs(cents) <= tolerance_cents + 1e-6)
    return float(within[counted].mean())
