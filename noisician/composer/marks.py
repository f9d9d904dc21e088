"""Marks on the board: bars in which something is decided before anybody composes, and the change of key after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from noisician.composer.board import CHORD, Board, Tune
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.plan import Plan
from noisician.composer.shape import Mark
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
    chord_token,
    pitch_token,
)

#: Who stops in stop time: all but the tune.
_STOPPING = ("bass", *CHORDAL, "arp", *DRUMS)
_BACKBEAT = [hit for hit in DRUM_HITS["snare"]].index((38, 116)) + 1
#: The tonic, low.
_PEDAL = pitch_token(36, 1)
_DOWNBEAT = [hit for hit in DRUM_HITS["kick"]].index((36, 96)) + 1


def write_marks(board: Board, plan: Plan) -> None:
    """In place, where the board is open: silences, stops, the backbeats of half-time and double-time, pedal points."""
    for mark in plan.marks:
        if mark.kind == "silence":
            end = mark.last * board.steps_per_bar
            steps = min(round(mark.value * board.steps_per_beat), board.steps_per_bar)
            _fix(board, np.arange(end - steps, end), {name: REST for name in STREAMS[1:]})
        elif mark.kind == "stop_time":
            for bar in range(mark.first, mark.last):
                _fix(board, board.rows(bar)[1:2], {name: REST for name in DRUMS})
                _fix(board, board.rows(bar)[board.steps_per_beat // 2 :], {name: REST for name in _STOPPING})
        elif mark.kind == "half_time":
            _half_time(board, mark)
        elif mark.kind == "double_time":
            _double_time(board, mark)
        elif mark.kind == "pedal":
            for bar in range(mark.first, mark.last):
                _fix(board, board.rows(bar)[:1], {"bass": _PEDAL})
                _fix(board, board.rows(bar)[1:], {"bass": HOLD})
        elif mark.kind.startswith("without_"):
            for bar in range(mark.first, mark.last):
                _fix(board, board.rows(bar), {mark.kind.removeprefix("without_"): REST})


def _half_time(board: Board, mark: Mark) -> None:
    """The snare on the third beat and nowhere else, the kick on the first; the last bar keeps its second half open for
    a fill."""
    middle = board.meter.second_half
    for bar in range(mark.first, mark.last):
        rows = board.rows(bar)
        filled = bar == mark.last - 1 and mark.last - mark.first > 1
        _fix(board, rows[: middle if filled else len(rows)], {"snare": REST}, but=rows[middle])
        _fix(board, rows[:1], {"kick": _DOWNBEAT})
        _fix(board, rows[middle : middle + 1], {"snare": _BACKBEAT, "kick": REST})


def _double_time(board: Board, mark: Mark) -> None:
    """The kick on every beat, the snare on every half of one; the last bar keeps its second half open for a fill."""
    meter = board.meter
    for bar in range(mark.first, mark.last):
        rows = board.rows(bar)
        filled = bar == mark.last - 1 and mark.last - mark.first > 1
        rows = rows[: meter.second_half if filled else len(rows)]
        beats = np.isin(np.arange(len(rows)), meter.pulse_steps)
        halves = np.isin(np.arange(len(rows)) + meter.steps_per_beat // 2, meter.pulse_steps)
        _fix(board, rows[beats], {"kick": _DOWNBEAT, "snare": REST})
        _fix(board, rows[halves], {"snare": _BACKBEAT, "kick": REST})
        _fix(board, rows[~beats & ~halves], {"snare": REST, "kick": REST})


def _fix(board: Board, rows: np.ndarray, tokens: dict[str, int], but: int | None = None) -> None:
    """In place: ``tokens`` by stream in the open cells of ``rows`` where their role plays."""
    rows = rows[rows != but] if but is not None else rows
    for name, token in tokens.items():
        stream = STREAMS.index(name)
        open_ = (board.tokens[rows, stream] == MASK_TOKENS[stream]) & board.active[rows, stream]
        board.tokens[rows, stream] = np.where(open_, token, board.tokens[rows, stream])


def moved_tune(tune: Tune | None, plan: Plan) -> Tune | None:
    """The tune with its range as far lower where the key changes as everything is to move up there."""
    for mark in plan.marks if tune is not None else ():
        if mark.kind == "key_change" and tune is not None:
            first = mark.first * (len(tune.onset) // plan.bars)
            moved = np.where(np.arange(len(tune.onset)) >= first, round(mark.value), 0)
            tune = replace(tune, low=tune.low - moved, high=tune.high - moved)
    return tune


def modulate(tokens: np.ndarray, plan: Plan) -> None:
    """In place, on ``tokens [steps, streams]``: from a change of key on, harmony and lines move by its semitones."""
    steps_per_bar = len(tokens) // plan.bars
    for mark in plan.marks:
        if mark.kind != "key_change":
            continue
        semitones, rows = round(mark.value), slice(mark.first * steps_per_bar, mark.last * steps_per_bar)
        tokens[rows, CHORD] = [_moved_chord(int(token), semitones) for token in tokens[rows, CHORD]]
        for name in MONOPHONIC:
            line = tokens[rows, STREAMS.index(name)]
            pitch = (line.astype(int) - FIRST_ONSET) // LEVELS + PITCH_LOW + semitones
            octave = np.where(pitch > PITCH_HIGH, -12, np.where(pitch < PITCH_LOW, 12, 0))
            moved = line + LEVELS * (semitones + octave)
            tokens[rows, STREAMS.index(name)] = np.where(line >= FIRST_ONSET, moved, line)


def _moved_chord(token: int, semitones: int) -> int:
    chord = chord_of(token)
    return token if chord is None else chord_token(chord[0] + semitones, chord[1])
