"""What the renderer is told about each mel frame: which notes start, sound and ring, and how hard they were played.

A note at pitch p leaves three marks, each scaled by velocity / 127, in a roll ``[frames, 3, 88]``:

* onset: 1 at its first frame, shared linearly between two frames so that timing finer than 11.6 ms survives;
* sustain: 1 from start to end;
* age: exp(−(time since its start) / 1.5 s) until 2.5 s after its end. It tells a window what still rings from notes
  that began before the window, so every window can be rendered alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from noisician.mel import FRAME_RATE_HZ
from noisician.score.played import NoteEvent

LOWEST_PITCH, HIGHEST_PITCH = 21, 108
PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1
FEATURES = 3 * PITCHES
AGE_DECAY_S = 1.5
RINGING_S = 2.5
#: Log-mels are given to the network as (log_mel − MEL_MEAN) / MEL_STD.
MEL_MEAN = -5.2
MEL_STD = 1.9


def note_roll(notes: Sequence[NoteEvent], frames: int, first_frame: int = 0) -> np.ndarray:
    """Frames ``first_frame … first_frame + frames`` of a part's roll, float32 ``[frames, FEATURES]``."""
    roll = np.zeros((frames, 3, PITCHES), np.float32)
    for note in notes:
        start = note.start_s * FRAME_RATE_HZ - first_frame
        end = max(note.end_s * FRAME_RATE_HZ - first_frame, start + 1)
        last = end + RINGING_S * FRAME_RATE_HZ
        if last <= 0 or start >= frames:
            continue
        pitch = int(np.clip(note.pitch, LOWEST_PITCH, HIGHEST_PITCH)) - LOWEST_PITCH
        level = note.velocity / 127
        whole = int(np.floor(start))
        for frame, share in ((whole, 1 - (start - whole)), (whole + 1, start - whole)):
            if 0 <= frame < frames:
                roll[frame, 0, pitch] = max(roll[frame, 0, pitch], level * share)
        on, off, gone = (int(np.clip(round(at), 0, frames)) for at in (start, end, last))
        roll[on:off, 1, pitch] = level
        age_s = np.maximum(0, np.arange(on, gone) - start) / FRAME_RATE_HZ
        fading = level * np.exp(-age_s / AGE_DECAY_S)
        roll[on:gone, 2, pitch] = np.maximum(roll[on:gone, 2, pitch], fading)
    return roll.reshape(frames, FEATURES)


def marking_notes(notes: Sequence[NoteEvent], frames: int, first_frame: int) -> list[tuple[float, ...]]:
    """All that :func:`note_roll` of some frames depends on, as (pitch, velocity, start, end) of the notes that mark it.

    A note that sounds beyond the frames may end anywhere there: its end counts as infinite.
    """
    first_s, last_s = first_frame / FRAME_RATE_HZ, (first_frame + frames + 1) / FRAME_RATE_HZ
    longest_s = 2 / FRAME_RATE_HZ + RINGING_S
    return [
        (note.pitch, note.velocity, note.start_s, note.end_s if note.end_s < last_s else math.inf)
        for note in notes
        if note.start_s < last_s and note.end_s + longest_s > first_s
    ]
