"""What makes a single line singable: mostly steps, few leaps, nothing that rubs against the harmony on a beat."""

from __future__ import annotations

from functools import cache

import numpy as np

from noisician.score.grid import FIRST_ONSET, LEVELS, PITCH_LOW, VOCABULARY, chord_of
from noisician.score.harmony import QUALITIES

#: What a move costs in log likelihood, by its semitones from none to a fourth; from there each one more the same.
MOVE_COSTS = np.array([0.85, 0.0, 0.0, 1.0, 1.15, 1.3], np.float32)
COST_BEYOND = np.float32(0.6)
EASY_LEAP_SEMITONES = len(MOVE_COSTS) - 1
#: Notes further apart than this belong to different phrases.
PHRASE_STEPS = 16
#: What a note on a beat costs that lies a semitone beside a tone of the chord and is none itself.
RUB_COST = np.float32(2.5)
#: The same between the beats, from where notes are held into one; tunes with blue notes live by that.
OFF_BEAT_RUB_COST = 1.0
#: What roots gain where a bass strikes because the chord changes.
ROOT_GAIN = np.float32(2.0)
#: What blue notes gain in log likelihood, by their pitch class from the tonic.
BLUE_GAINS = np.zeros(12, np.float32)
BLUE_GAINS[[3, 6, 10]] = 1.6, 0.8, 1.0


def move_cost(semitones: np.ndarray) -> np.ndarray:
    """The cost of moves of these sizes, either way."""
    sizes = np.abs(semitones)
    beyond = np.maximum(sizes - EASY_LEAP_SEMITONES, 0).astype(np.float32)
    return MOVE_COSTS[np.minimum(sizes, EASY_LEAP_SEMITONES)] + COST_BEYOND * beyond


def prefer_steps(logits: np.ndarray, tokens: np.ndarray, weight: float = 1.0) -> None:
    """In place, ``logits [steps, vocabulary]`` of a line of ``tokens [steps]``: onsets cost what the moves from the
    nearest known notes before and behind them cost, times ``weight``. That one begins stays as likely as it was.
    """
    pitches = PITCH_LOW + (np.arange(logits.shape[1]) - FIRST_ONSET) // LEVELS
    rows = np.arange(len(tokens))
    known = (tokens >= FIRST_ONSET) & (tokens < logits.shape[1])
    before = np.maximum.accumulate(np.where(known, rows, -1))
    before = np.concatenate([[-1], before[:-1]])
    behind = np.minimum.accumulate(np.where(known, rows, len(rows))[::-1])[::-1]
    behind = np.concatenate([behind[1:], [len(rows)]])
    for neighbours, there in ((before, before >= 0), (behind, behind < len(rows))):
        near = np.flatnonzero(there & (np.abs(neighbours - rows) <= PHRASE_STEPS))
        moves = pitches[None, FIRST_ONSET:] - pitches[tokens[neighbours[near]]][:, None]
        onsets = logits[near, FIRST_ONSET:]
        dearer = onsets - np.float32(weight) * move_cost(moves)
        logits[near, FIRST_ONSET:] = dearer + (_total(onsets) - _total(dearer))


def avoid_rubs(logits: np.ndarray, chords: np.ndarray, beats: np.ndarray, off_beat_cost: float) -> None:
    """In place, ``logits [steps, vocabulary]`` of a line: where the chord is known, notes beside it cost RUB_COST on
    ``beats`` (rows) and ``off_beat_cost`` elsewhere; that one begins stays as likely as it was. ``chords [steps]`` are
    tokens, beyond the vocabulary where unknown.
    """
    costs = np.full(len(chords), off_beat_cost, np.float32)
    costs[beats] = RUB_COST
    rows = np.flatnonzero((chords < VOCABULARY["chord"]) & (costs > 0))
    classes = _classes(logits)
    onsets = logits[rows, FIRST_ONSET:]
    dearer = onsets - costs[rows, None] * _rubs()[chords[rows]][:, classes]
    logits[rows, FIRST_ONSET:] = dearer + (_total(onsets) - _total(dearer))


def prefer_roots(logits: np.ndarray, chords: np.ndarray, rows: np.ndarray) -> None:
    """In place, ``logits [steps, vocabulary]`` of a bass: on ``rows`` roots of the chords in force gain ROOT_GAIN,
    where they are known. ``chords [steps]`` are tokens.
    """
    classes = _classes(logits)
    for row in rows:
        chord = chord_of(int(chords[row])) if chords[row] < VOCABULARY["chord"] else None
        if chord is not None:
            logits[row, FIRST_ONSET:] += ROOT_GAIN * (classes == chord[0])


def prefer_blue_notes(logits: np.ndarray) -> None:
    """In place, ``logits [steps, vocabulary]`` of a line: minor third, flat fifth and minor seventh of the key gain;
    that one begins stays as likely as it was.
    """
    classes = _classes(logits)
    onsets = logits[:, FIRST_ONSET:]
    gained = onsets + BLUE_GAINS[classes]
    logits[:, FIRST_ONSET:] = gained + (_total(onsets) - _total(gained))


def rubs(pitch_class: int, chord_token: int) -> bool:
    """Whether a pitch class lies a semitone beside a tone of the chord and is none itself."""
    chord = chord_of(chord_token)
    if chord is None:
        return False
    tones = {(chord[0] + tone) % 12 for tone in QUALITIES[chord[1]]}
    return pitch_class not in tones and bool({(pitch_class + 1) % 12, (pitch_class - 1) % 12} & tones)


@cache
def _rubs() -> np.ndarray:
    """float32 ``[chord tokens, 12]``: 1 where a pitch class rubs."""
    table = [[rubs(pitch_class, token) for pitch_class in range(12)] for token in range(VOCABULARY["chord"])]
    return np.array(table, np.float32)


def _classes(logits: np.ndarray) -> np.ndarray:
    """int ``[onset tokens]``: the pitch class of each."""
    return (PITCH_LOW + (np.arange(logits.shape[1])[FIRST_ONSET:] - FIRST_ONSET) // LEVELS) % 12


def _total(logits: np.ndarray) -> np.ndarray:
    """``[rows, 1]``: log of the sum of exponentials."""
    highest = logits.max(axis=1, keepdims=True)
    return highest + np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
