"""Edits of tempo and metre."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from noisician.composer.holds import begin_of_note, sounding
from noisician.edits import SetMeter, SetTempo
from noisician.errors import RequestError
from noisician.models.embedded.apply.bars import meant_beats, with_atmosphere
from noisician.models.embedded.apply.context import Applying
from noisician.models.embedded.apply.notes import SHORTEST_BEATS
from noisician.piece import Piece, PieceGrid, PiecePlan, Player
from noisician.piece.derive import in_order
from noisician.piece.model import MeterMark, TempoMark
from noisician.request import DURATION_RANGE_S, TEMPO_RANGE_BPM
from noisician.score import Note
from noisician.score.grid import CHORDAL, HOLD, MONOPHONIC, REST
from noisician.score.model import METERS, Meter
from noisician.score.perform import swing_pair_steps, unswing_time


def set_tempo(piece: Piece, edit: SetTempo, applying: Applying) -> Piece:
    """The same beats, faster or slower; where the tempo changes it changes by as much. What rings at the end rings as
    long."""
    plan = replace(piece.plan, tempo_map=_scaled(piece.plan.tempo_map, edit.tempo_bpm))
    return replace(piece, plan=_lasting(plan, piece.plan, f"at {edit.tempo_bpm:g} BPM"))


def _scaled(tempo_map: Sequence[TempoMark], tempo_bpm: float) -> tuple[TempoMark, ...]:
    first, *others = tempo_map
    factor = tempo_bpm / first.tempo_bpm
    return (TempoMark(0, tempo_bpm), *(TempoMark(mark.bar, mark.tempo_bpm * factor) for mark in others))


def _lasting(plan: PiecePlan, before: PiecePlan, where: str) -> PiecePlan:
    """The plan with the duration that its bars have now: what rang after the last bar rings as long, what the end cut
    off that bar it cuts off again. Raises RequestError for one out of range."""
    tail_s = max(before.tail_s, -before.bar_s)
    if tail_s < 0:
        tail_s *= plan.bar_s / before.bar_s
    duration_s = plan.bars_s + tail_s
    low, high = DURATION_RANGE_S
    if not low <= duration_s <= high:
        raise RequestError(f"{where} the piece lasts {duration_s:.1f} s; pieces last {low:g} to {high:g} s")
    return replace(plan, duration_s=duration_s)


def set_meter(piece: Piece, edit: SetMeter, applying: Applying) -> Piece:
    """The same bars in another metre.

    Between 3/4 and 6/8, whose bars have as many sixteenths, every note keeps its sixteenth and its time; what was
    swung in pairs that the new beat does not have is straight. Where the beat stays the same, bars lose beats at their
    end with what begins on them, and what is held into those ends before them; or they gain some: chords and notes that
    last to the end of the bar last through them, and nothing is struck there.

    Raises RequestError between beats of two and of three parts, for songs, and for a tempo or duration out of range.
    """
    old, new = piece.plan.meter, METERS[edit.time_signature]
    if old == new:
        return piece
    if piece.song is not None:
        raise RequestError(f"a song in {new.name} would lose the places of its syllables; make it anew with --meter")
    if old.steps_per_bar == new.steps_per_bar:
        return _regrouped(piece, new)
    if old.steps_per_beat == new.steps_per_beat:
        return _with_beats(piece, new, applying)
    raise RequestError(
        f"{old.name} to {new.name}: their beats divide by two and by three; of such pairs only 3/4 and 6/8 are one bar"
    )


def _in_meter(plan: PiecePlan, new: Meter) -> PiecePlan:
    return _lasting(replace(plan, meter_map=(MeterMark(0, new.name),)), plan, f"in {new.name}")


def _regrouped(piece: Piece, new: Meter) -> Piece:
    """The same sixteenths under other beats: only what counts beats is told anew."""
    plan, old = piece.plan, piece.plan.meter
    tempo_bpm = plan.tempo_bpm * old.steps_per_beat / new.steps_per_beat
    low, high = TEMPO_RANGE_BPM
    if not low <= tempo_bpm <= high:
        raise RequestError(
            f"in {new.name} the same sixteenths are {tempo_bpm:.0f} BPM; tempos lie between {low:g} and {high:g} BPM"
        )
    pair, new_pair = swing_pair_steps(old, plan.swing_unit), swing_pair_steps(new, plan.swing_unit)

    def beats(time_beats: float) -> float:
        steps = time_beats * old.steps_per_beat
        if pair != new_pair and plan.swing:
            steps = float(unswing_time(np.array(steps), plan.swing, pair))
        return steps / new.steps_per_beat

    def moved(note: Note) -> Note:
        start = beats(note.start_beats)
        return replace(note, start_beats=start, duration_beats=max(beats(note.end_beats) - start, SHORTEST_BEATS))

    swing = plan.swing if pair == new_pair else 0.0
    return replace(
        piece,
        plan=_in_meter(replace(plan, tempo_map=_scaled(plan.tempo_map, tempo_bpm), swing=swing), new),
        notes={id_: in_order(moved(note) for note in notes) for id_, notes in piece.notes.items()},
    )


def _with_beats(piece: Piece, new: Meter, applying: Applying) -> Piece:
    """Bars with fewer or more of the same beats."""
    plan, old = piece.plan, piece.plan.meter
    move = _shortened if new.steps_per_bar < old.steps_per_bar else _lengthened
    notes, lost = {}, 0
    for player in plan.players:
        own = piece.notes[player.id]
        moved = [move(note, meant, old, new) for note, meant in zip(own, meant_beats(own, plan), strict=True)]
        notes[player.id] = in_order(note for note in moved if note is not None)
        lost += moved.count(None)
    if lost:
        applying.remark(f"{lost} notes began on beats that bars of {new.name} do not have; they are left out")
    grid = None if piece.grid is None else _grid_with_beats(piece.grid, plan.players, old, new)
    return with_atmosphere(piece, replace(piece, plan=_in_meter(plan, new), notes=notes, grid=grid))


def _shortened(note: Note, meant_beats: float, old: Meter, new: Meter) -> Note | None:
    """A note in a bar that lost its last beat; None for one that is meant to begin there."""
    bar, inside = divmod(meant_beats, old.beats_per_bar)
    if inside >= new.beats_per_bar:
        return None
    lost = old.beats_per_bar - new.beats_per_bar
    end_bar = max(int((note.end_beats - 1e-9) / old.beats_per_bar), bar)
    end = min(note.end_beats - end_bar * lost, (end_bar + 1) * new.beats_per_bar)
    return _placed(note, note.start_beats - bar * lost, end)


def _lengthened(note: Note, meant_beats: float, old: Meter, new: Meter) -> Note:
    """A note in a bar that gained a beat; one that sounds in the last step of a bar sounds through that beat."""
    more = new.beats_per_bar - old.beats_per_bar
    bar = meant_beats // old.beats_per_bar
    end_bar = max(int((note.end_beats - 1e-9) / old.beats_per_bar), bar)
    in_last_step = note.end_beats - end_bar * old.beats_per_bar > old.beats_per_bar - 1 / old.steps_per_beat
    return _placed(note, note.start_beats + bar * more, note.end_beats + (end_bar + in_last_step) * more)


def _placed(note: Note, start: float, end: float) -> Note:
    start = max(0.0, start)
    return replace(note, start_beats=start, duration_beats=max(end - start, SHORTEST_BEATS))


def _grid_with_beats(grid: PieceGrid, players: tuple[Player, ...], old: Meter, new: Meter) -> PieceGrid:
    """The tokens of bars with fewer or more beats."""
    roles = {player.id: player.role for player in players}
    resized: Callable[..., np.ndarray] = _rows_dropped if new.steps_per_bar < old.steps_per_bar else _rows_added
    columns = {
        id_: np.stack(
            [resized(line, old, new, roles[id_] in (*MONOPHONIC, *CHORDAL)) for line in column.T],
            axis=1,
        )
        for id_, column in grid.columns.items()
    }
    chords = grid.chords.reshape(-1, old.steps_per_bar)
    more = max(0, new.steps_per_bar - old.steps_per_bar)
    lasting = np.concatenate([chords, np.repeat(chords[:, -1:], more, axis=1)], axis=1)[:, : new.steps_per_bar]
    return replace(grid, chords=lasting.reshape(-1), columns=columns)


def _rows_dropped(line: np.ndarray, old: Meter, new: Meter, holds: bool) -> np.ndarray:
    """``line [steps]`` without the last steps of each bar; holds of what began there are rests."""
    dropped = np.arange(len(line)) % old.steps_per_bar >= new.steps_per_bar
    kept = line.copy()
    if holds:
        kept[(line == HOLD) & dropped[begin_of_note(line)]] = REST
    return kept[~dropped]


def _rows_added(line: np.ndarray, old: Meter, new: Meter, holds: bool) -> np.ndarray:
    """``line [steps]`` with steps at the end of each bar, in which what sounded last is held."""
    bars = line.reshape(-1, old.steps_per_bar)
    lasts = sounding(line).reshape(bars.shape)[:, -1:] if holds else np.zeros((len(bars), 1), bool)
    filled = np.repeat(np.where(lasts, HOLD, REST).astype(line.dtype), new.steps_per_bar - old.steps_per_bar, axis=1)
    return np.concatenate([bars, filled], axis=1).reshape(-1)
