"""A written ending: the last thing is one held chord on the tonic, everybody comes to rest on it."""

from __future__ import annotations

import numpy as np

from noisician.composer.board import CHORD, LEAD, Board
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.plan import Plan
from noisician.score.grid import (
    CHORDAL,
    DRUM_HITS,
    DRUMS,
    FIRST_ONSET,
    HOLD,
    LEVELS,
    MONOPHONIC,
    PITCH_HIGH,
    PITCH_LOW,
    REST,
    STREAMS,
    chord_of,
    pitch_token,
)
from noisician.score.harmony import QUALITIES

#: Shorter pieces of whole bars are over before they could end.
SHORTEST_BARS = 4
#: From this energy on the last hit is an accent with a crash; below, a soft one without.
LOUD_ENERGY = 0.4
LOWEST_ROOT = 33
#: What a tune comes to rest on: root, third and fifth, also of a chord with more to it.
_TRIAD_INTERVALS, _FIFTH = (0, 3, 4, 7), 7
_ENDING_ON_A_CHORD = ("lead", "counter", "arp", *CHORDAL)


def has_ending(plan: Plan) -> bool:
    """Whether an ending is written: a loop goes on, what fades or is cut does too, a few whole bars just stop."""
    ends_in_a_bar = plan.duration_s < plan.bars * plan.bar_s
    return plan.ending == "written" and not plan.loop and (ends_in_a_bar or plan.bars >= SHORTEST_BARS)


def write_ending(board: Board, plan: Plan) -> None:
    """In place, where the end of the last bar is open: one note or chord that is held, its pitch still to be chosen
    where anything but the bass plays it. A tune that is sung to the end has its own.
    """
    first, end = plan.last_chord
    rows = board.rows(plan.bars - 1)[first:]
    held_on = np.where(np.arange(first + 1, first + len(rows)) < end, HOLD, REST)
    held = [name for name in (*MONOPHONIC, *CHORDAL) if board.active[rows[0], STREAMS.index(name)]]
    if _is_sung(board, rows):
        held.remove("lead")
    for name in held:
        stream = STREAMS.index(name)
        line = board.tokens[:, stream]
        line[rows[1:]] = np.where(line[rows[1:]] == MASK_TOKENS[stream], held_on, line[rows[1:]])
        if name == "bass" and line[rows[0]] == MASK_TOKENS[stream]:
            line[rows[0]] = pitch_token(36, 1)
    _last_hit(board, plan)


def _is_sung(board: Board, rows: np.ndarray) -> bool:
    """Whether the lead's notes there are those of a tune."""
    return board.tune is not None and bool(board.tune.sung[rows].any()) and bool(board.active[rows[0], LEAD])


def must_begin(board: Board, plan: Plan, first: int, count: int) -> np.ndarray:
    """bool ``[count, streams]``: where, from step ``first`` on, something has to be struck."""
    begins = board.begins[first : first + count].copy()
    at = board.rows(plan.bars - 1)[plan.last_chord[0]] - first
    if has_ending(plan) and 0 <= at < count:
        for name in _ENDING_ON_A_CHORD:
            if name == "lead" and _is_sung(board, board.rows(plan.bars - 1)[plan.last_chord[0] :]):
                continue
            stream = STREAMS.index(name)
            begins[at, stream] = board.active[first + at, stream]
    return begins


def come_home(tokens: np.ndarray, given: np.ndarray, has_tune: bool) -> None:
    """In place, on ``tokens [steps, streams]``: the last note of the lead becomes the nearest tone of the last chord,
    that of the bass its root. What was ``given`` (bool, the same shape) stays.
    """
    chord = chord_of(int(tokens[-1, CHORD]))
    if chord is None:
        return
    root, quality = chord
    tones = {(root + tone) % 12 for tone in QUALITIES[quality] if tone in _TRIAD_INTERVALS} | {(root + _FIFTH) % 12}
    for stream, allowed in ((LEAD, tones), (STREAMS.index("bass"), {root})):
        onsets = np.flatnonzero(tokens[:, stream] >= FIRST_ONSET)
        if not len(onsets) or given[onsets[-1], stream] or (stream == LEAD and has_tune):
            continue
        token = int(tokens[onsets[-1], stream]) - FIRST_ONSET
        pitch, level = token // LEVELS + PITCH_LOW, token % LEVELS
        near = [other for other in range(pitch - 6, pitch + 7) if other % 12 in allowed]
        near = [other for other in near if max(PITCH_LOW, LOWEST_ROOT - 12) <= other <= PITCH_HIGH]
        tokens[onsets[-1], stream] = pitch_token(min(near, key=lambda other: (abs(other - pitch), other)), level)


def _last_hit(board: Board, plan: Plan) -> None:
    """The drums end with the last chord, or on the first beat of the bar after they have stopped."""
    columns = [STREAMS.index(name) for name in DRUMS]
    playing = np.flatnonzero(board.active[:, columns].any(axis=1))
    if not len(playing):
        return
    last = playing[-1] // board.steps_per_bar
    rows = board.rows(last + 1) if last + 1 < plan.bars - 1 else board.rows(plan.bars - 1)[plan.last_chord[0] :]
    loud = plan.sections[-1].energy >= LOUD_ENERGY
    hits = {"kick": 3 if loud else 2, "cymbal": [key for key, _ in DRUM_HITS["cymbal"]].index(49) + 1 if loud else REST}
    for name, stream in zip(DRUMS, columns, strict=True):
        line = board.tokens[:, stream]
        stopped = not board.active[rows[0], stream]
        open_ = (line[rows] == MASK_TOKENS[stream]) | (stopped & (line[rows] == REST))
        line[rows] = np.where(open_, REST, line[rows])
        if open_[0]:
            line[rows[0]] = hits.get(name, REST)
