"""Parts of a recording on its own grid: bass, tune, and what is played between them.

Conventions
-----------
* Likelihoods come from :mod:`noisician.analysis.transcriber`; a step is a sixteenth (a third of an eighth in ternary
  metres), its times are given.
* A line is the most likely path (Viterbi) through silence, onsets and holds of single pitches, one state a step.
* Basses lie where the transcriber hears badly. They are looked for in the recording's low end played at twice the
  speed, an octave higher.

How good it is
--------------
F of notes by step and pitch, the grid known, in mixes of the shipped model: lead 0.72 over 17 tracks (the transcriber's
own notes in the same compass, all of them taken for the tune: 0.47), bass 0.54 over 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noisician.analysis.inputs import mono
from noisician.analysis.transcriber import HOP, LOWEST_PITCH, RATE_HZ, SEMITONES, Posteriorgram, decoded, posteriorgram
from noisician.audio import resample
from noisician.mel import SAMPLE_RATE_HZ

_FRAME_RATE_HZ = RATE_HZ / HOP
#: An onset belongs to a step from so long before it to so long after.
_EARLY_S, _LATE_S = 0.04, 0.045
#: Of a bass only this is listened to, an octave higher.
_BASS_HZ, _OCTAVE = 600, 12
#: Between bass and tune: how surely a note sounds that is believed, and how many a step holds.
_SURE, _MOST_AT_ONCE = 46, 4
_MIDDLE = (43, 88)


@dataclass(frozen=True)
class Line:
    """What a line is like: its compass (``lowest`` … ``highest``), the weight of onsets and of sound, what holding
    costs where a note seems to begin, what silence is worth, what a semitone of leap costs, and how much likelier a
    pitch is for each semitone above ``around``."""

    lowest: int
    highest: int
    onset: float
    sound: float
    rehit: float
    rest: float
    leap: float
    slope: float
    bias: float
    around: int


#: Found by random search on every second of the tracks above.
LEAD = Line(53, 97, 0.805, 1.046, 0.13, -1.462, 0.06, 0.093, -1.17, 72)
BASS = Line(26, 57, 0.827, 0.406, 0.556, 0.576, 0.093, -0.075, -0.128, 40)


@dataclass(frozen=True)
class StepNote:
    """From ``first`` to before ``last``, in steps; ``share`` is how surely it sounds, 0 … 1."""

    pitch: int
    first: int
    last: int
    share: float


@dataclass(frozen=True)
class StepEvidence:
    """``sounding`` and ``onsets`` ``[steps, 88]``, 0 … 1, from A0 up."""

    sounding: np.ndarray
    onsets: np.ndarray


def on_steps(heard: Posteriorgram, starts_s: np.ndarray, speed: float = 1.0, up: int = 0) -> StepEvidence:
    """The evidence of the steps between ``starts_s [steps + 1]``, of audio that was played ``speed`` times as fast and
    ``up`` semitones higher."""
    rate = _FRAME_RATE_HZ / speed
    frames = len(heard.sounding)
    steps = len(starts_s) - 1
    sounding, onsets = np.zeros((steps, SEMITONES)), np.zeros((steps, SEMITONES))
    for step in range(steps if frames else 0):
        first = min(max(0, round((starts_s[step] + 0.01) * rate)), frames - 1)
        last = min(max(first + 1, round(starts_s[step + 1] * rate)), frames)
        sounding[step] = heard.sounding[first:last].mean(axis=0)
        first = max(0, int(np.floor((starts_s[step] - _EARLY_S) * rate)))
        last = min(max(first + 1, int(np.ceil((starts_s[step] + _LATE_S) * rate))), frames)
        if first < last:
            onsets[step] = heard.onsets[first:last].max(axis=0)
    return StepEvidence(_lowered(sounding, up), _lowered(onsets, up))


def _lowered(rows: np.ndarray, semitones: int) -> np.ndarray:
    return np.pad(rows[:, semitones:], ((0, 0), (0, semitones)))


def bass_evidence(samples: np.ndarray, starts_s: np.ndarray) -> StepEvidence:
    """The evidence for low notes in ``samples`` at 44.1 kHz."""
    low = resample(np.asarray(mono(samples), np.float32), SAMPLE_RATE_HZ, 2 * _BASS_HZ)
    faster = resample(low, 2 * _BASS_HZ, RATE_HZ / 2)
    return on_steps(posteriorgram(np.asarray(faster, np.float32)), starts_s, 2.0, _OCTAVE)


def line_of(evidence: StepEvidence, line: Line) -> tuple[StepNote, ...]:
    """The likeliest line in the evidence, in order."""
    columns = slice(line.lowest - LOWEST_PITCH, line.highest + 1 - LOWEST_PITCH)
    sounding = evidence.sounding[:, columns]
    sound, onset = _logit(sounding), _logit(evidence.onsets[:, columns])
    if not len(sound):
        return ()
    prior = line.bias + line.slope * (np.arange(line.lowest, line.highest + 1) - line.around)
    begins = line.onset * onset + line.sound * sound + prior
    holds = line.sound * sound + prior / 2 - line.rehit * np.maximum(onset, -2)
    path = _path(begins, holds, line)
    notes: list[list[int]] = []
    count = len(prior)
    for step, state in enumerate(path):
        if state > count:
            notes.append([state - count - 1, step, step + 1])
        elif state > 0 and notes:
            notes[-1][2] = step + 1
    return tuple(
        StepNote(line.lowest + row, first, last, float(sounding[first:last, row].mean())) for row, first, last in notes
    )


def _path(begins: np.ndarray, holds: np.ndarray, line: Line) -> list[int]:
    """A state a step: 0 silence, 1 … n holds, n + 1 … 2 n onsets."""
    count = begins.shape[1]
    rows = np.arange(count)
    leaps = line.leap * np.abs(rows[:, None] - rows)
    rest, held, begun = 0.0, np.full(count, -1e9), begins[0]
    came: list[np.ndarray] = []
    for step in range(1, len(begins)):
        speaking, state = np.maximum(held, begun), np.where(held >= begun, rows + 1, rows + 1 + count)
        loudest = int(speaking.argmax())
        into = speaking[:, None] - leaps
        before = into.argmax(axis=0)
        best = into[before, rows]
        from_rest = 0 if rest >= speaking[loudest] else int(state[loudest])
        came.append(np.concatenate([[from_rest], state, np.where(rest >= best, 0, state[before])]))
        rest, held, begun = (
            max(rest, float(speaking[loudest])) + line.rest,
            speaking + holds[step],
            np.maximum(rest, best) + begins[step],
        )
    path = [int(np.concatenate([[rest], held, begun]).argmax())]
    for back in came[::-1]:
        path.append(int(back[path[-1]]))
    return path[::-1]


def _logit(shares: np.ndarray) -> np.ndarray:
    clipped = np.clip(shares, 1e-3, 1 - 1e-3)
    return np.log(clipped / (1 - clipped))


def between(heard: Posteriorgram, starts_s: np.ndarray, lines: Sequence[StepNote]) -> tuple[StepNote, ...]:
    """What is played besides the given lines: the transcriber's surest notes, each at its nearest step."""
    steps = len(starts_s) - 1
    taken = {(note.pitch, step) for note in lines for step in range(note.first, note.last)}
    found: dict[tuple[int, int], StepNote] = {}
    for note in decoded(heard):
        if note.velocity < _SURE or not _MIDDLE[0] <= note.pitch <= _MIDDLE[1]:
            continue
        first = int(np.abs(starts_s[:steps] - note.start_s).argmin())
        last = max(first + 1, min(steps, round(float(np.interp(note.end_s, starts_s, np.arange(steps + 1))))))
        if (note.pitch, first) in taken or (note.pitch, min(first + 1, steps - 1)) in taken:
            continue
        one = StepNote(note.pitch, first, last, note.velocity / 127)
        if (first, note.pitch) not in found or found[first, note.pitch].share < one.share:
            found[first, note.pitch] = one
    kept: list[StepNote] = []
    for step in sorted({first for first, _ in found}):
        struck = [note for (first, _), note in found.items() if first == step]
        kept += sorted(struck, key=lambda note: -note.share)[:_MOST_AT_ONCE]
    return tuple(sorted(kept, key=lambda note: (note.first, note.pitch)))
