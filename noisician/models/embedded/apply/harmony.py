"""Edits of chords and key."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from noisician.composer.reharmonise import follow_chords
from noisician.edits import PlacedChord, SetChords, SetKey
from noisician.errors import RequestError
from noisician.models.embedded.apply.context import Applying, is_written, players_of
from noisician.models.embedded.apply.hearing import written_down
from noisician.piece import Piece, PieceGrid, Player
from noisician.piece.derive import derived, in_order, places, rederived, steps_of
from noisician.piece.model import KeyMark, role_columns
from noisician.request import MODES, TONICS
from noisician.score import Note
from noisician.score.chart import Symbol, read_symbol, symbol_token
from noisician.score.decode import semitones_from_c
from noisician.score.grid import (
    FIRST_ONSET,
    MONOPHONIC,
    PITCH_HIGH,
    PITCH_LOW,
    harmony_of,
    harmony_token,
    pitch_of,
    pitch_token,
)
from noisician.score.harmony import QUALITIES, SCALES, pitch_class
from noisician.score.qualities import name_of, tones_of

_UNPITCHED = ("drums", "texture", "fx")


def set_chords(piece: Piece, edit: SetChords, applying: Applying) -> Piece:
    """Sets chords; of the players those who are named follow, everybody else keeps every note.

    Raises RequestError for a chord nobody writes so, and for places beyond the piece.
    """
    if piece.grid is None:
        raise RequestError("the piece holds no grid of chords; its notes were given")
    per_beat = piece.plan.meter.steps_per_beat
    chords = piece.grid.chords.copy()
    tonic = pitch_class(piece.plan.key)
    changed: set[int] = set()
    for first_beat, last_beat, chord in _stretches(piece, edit.chords):
        token = symbol_token(chord, tonic)
        chords[round(first_beat * per_beat) : round(last_beat * per_beat)] = token
        beats_per_bar = piece.plan.meter.beats_per_bar
        changed |= set(range(int(first_beat // beats_per_bar), math.ceil(last_beat / beats_per_bar)))
    following = [player for player in players_of(piece, edit.follow) if is_written(player)] if edit.follow else []
    piece = written_down(piece, following)
    assert piece.grid is not None
    after = replace(piece, grid=replace(piece.grid, chords=chords))
    after = _followed(after, following, sorted(changed))
    return rederived(piece, after, [player.id for player in following])


def _stretches(piece: Piece, chords: Sequence[PlacedChord]) -> list[tuple[float, float, Symbol]]:
    """(first beat, last beat + 1, chord) of each, in order."""
    beats_per_bar = piece.plan.meter.beats_per_bar
    placed: dict[float, Symbol] = {}
    for one in chords:
        if one.bar > piece.plan.bars:
            raise RequestError(f"chord {one.chord} in bar {one.bar}: the piece has {piece.plan.bars} bars")
        if one.beat > math.ceil(beats_per_bar):
            raise RequestError(
                f"chord {one.chord} on beat {one.beat}: a bar of {piece.plan.time_signature} has "
                f"{math.ceil(beats_per_bar)}"
            )
        try:
            chord = read_symbol(one.chord, piece.plan.mode)
        except ValueError as unknown:
            raise RequestError(f"chord {one.chord!r}: {unknown}") from None
        beat = (one.bar - 1) * beats_per_bar + one.beat - 1
        if beat in placed:
            raise RequestError(f"bar {one.bar}, beat {one.beat} is given two chords; one place has one chord")
        placed[beat] = chord
    starts = sorted(placed)
    out = []
    for place, beat in enumerate(starts):
        bar_end = (beat // beats_per_bar + 1) * beats_per_bar
        later = starts[place + 1] if place + 1 < len(starts) else bar_end
        out.append((beat, min(later, bar_end), placed[beat]))
    return out


def _followed(piece: Piece, players: Sequence[Player], bars: Sequence[int]) -> Piece:
    """The grid with the lines of some players on its chords; chordal ones are written relative to them anyway."""
    for player in players:
        grid = piece.grid
        assert grid is not None
        heard = grid.alone(player, piece.plan.time_signature)
        line = follow_chords(heard, piece.plan.for_composer(), [player.role], bars)
        piece = replace(piece, grid=grid.with_column(player.id, line.tokens[:, role_columns(player.role)]))
    return piece


def set_key(piece: Piece, edit: SetKey, applying: Applying) -> Piece:
    """The same notes in another key, by the nearest way; in another mode each degree takes its new place."""
    plan = piece.plan
    try:
        key = TONICS[pitch_class(edit.key)]
    except KeyError:
        raise RequestError(f"key {edit.key!r}; there are {', '.join(TONICS)}") from None
    mode = edit.mode or plan.mode
    if mode not in MODES:
        raise RequestError(f"mode {mode!r}; there are {', '.join(MODES)}")
    degree = _degrees(plan.mode, mode)
    after = replace(piece, plan=replace(plan, key_map=(KeyMark(0, key, mode),)))
    if piece.grid is not None:
        after = replace(after, grid=_in_mode(piece, piece.grid, degree))
    shift = semitones_from_c(key) - semitones_from_c(plan.key)
    old_tonic = pitch_class(plan.key)

    def move(pitch: int) -> int:
        return pitch + shift + degree(pitch - old_tonic)

    notes = {
        player.id: piece.notes[player.id] if player.role in _UNPITCHED else _moved(piece, after, player, move)
        for player in plan.players
    }
    after = replace(after, notes=notes)
    if piece.song is not None:
        lines = tuple(line.transposed(move) for line in piece.song.lines)
        after = replace(after, song=replace(piece.song, lines=lines))
    atmosphere = [player.id for player in plan.players if player.role in ("texture", "fx")]
    return rederived(piece, after, atmosphere)


def _degrees(old: str, new: str) -> Callable[[int], int]:
    """By how many semitones a pitch (above the tonic) moves from one mode to another; other pitches stay."""
    moves = {before: after - before for before, after in zip(SCALES[old], SCALES[new], strict=True)}
    return lambda above_tonic: moves.get(above_tonic % 12, 0)


def _in_mode(piece: Piece, grid: PieceGrid, degree: Callable[[int], int]) -> PieceGrid:
    """Chords and single lines (tonic C) with every degree in its new place."""
    chords = np.array([_chord_in_mode(int(token), degree) for token in grid.chords], np.int32)
    columns = dict(grid.columns)
    for player in piece.plan.players:
        if player.role in MONOPHONIC and player.id in columns:
            columns[player.id] = np.vectorize(lambda token: _token_in_mode(int(token), degree), otypes=[np.int16])(
                columns[player.id]
            )
    return replace(grid, chords=chords, columns=columns)


def _token_in_mode(token: int, degree: Callable[[int], int]) -> int:
    if token < FIRST_ONSET:
        return token
    pitch, level = pitch_of(token)
    return pitch_token(min(max(pitch + degree(pitch), PITCH_LOW), PITCH_HIGH), level)


def _chord_in_mode(token: int, degree: Callable[[int], int]) -> int:
    chord = harmony_of(token)
    if chord is None:
        return token
    root, quality, bass = chord
    below = None if bass is None else bass + degree(bass)
    tones = [root + tone + degree(root + tone) for tone in tones_of(quality)]
    intervals = {(tone - tones[0]) % 12 for tone in tones}
    same = [name for name, steps in QUALITIES.items() if {step % 12 for step in steps} == intervals]
    if not same and quality not in QUALITIES and len(intervals) == len(tones):
        same = [name_of(frozenset(intervals))]
    return harmony_token(tones[0], same[0] if same else quality, below)


def _moved(before: Piece, after: Piece, player: Player, move: Callable[[int], int]) -> tuple[Note, ...]:
    """A player's notes in the new key: as its grid derives there, where the grid says them, else simply moved."""
    becomes: dict[tuple[int, int], int] = {}
    old, new = _pitches(before, player), _pitches(after, after.plan.player(player.id))
    for step, pitches in old.items():
        # A chord may be voiced otherwise there; its notes are told apart by their order.
        if len(new.get(step, ())) == len(pitches):
            becomes |= {(step, was): now for was, now in zip(pitches, new[step], strict=True)}
    notes = before.notes[player.id]
    steps = steps_of([note.start_beats for note in notes], before.plan)
    out = []
    for note, step in zip(notes, steps, strict=True):
        pitch = None if note.is_set else becomes.get((int(step), note.pitch))
        out.append(replace(note, pitch=min(max(move(note.pitch), 0), 127) if pitch is None else pitch))
    return in_order(out)


def _pitches(piece: Piece, player: Player) -> dict[int, list[int]]:
    """By step, the pitches that a player's grid derives to, the lowest first."""
    pitches: dict[int, list[int]] = {}
    for step, pitch, _ in sorted(places(derived(piece, player), piece.plan)):
        pitches.setdefault(step, []).append(pitch)
    return pitches
