"""What the composer hears when somebody is written: what the players play now, and the tune that is sung."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from noisician.composer.holds import sounding
from noisician.models.embedded.apply.context import is_written
from noisician.piece import Piece, Player
from noisician.piece.derive import derived
from noisician.piece.model import role_columns
from noisician.score import Note, Score, Track
from noisician.score.encode import encode
from noisician.score.grid import HOLD, REST, STREAMS, Grid
from noisician.score.perform import swing_pair_steps
from noisician.vocals.tune import tune_tokens

#: The columns in which a tune is heard where they are free, the likest first.
TUNE_STREAMS = ("lead", "counter", "arp")


def written_down(piece: Piece, players: Iterable[Player]) -> Piece:
    """The piece whose grid says what these players play.

    A grid holds what was composed, and notes that somebody set, moved or took away are not in it. Here they are, in the
    cells where they are written down otherwise than what the grid derives to; everywhere else the composer's own tokens
    stay, which may say the same in other words.
    """
    if piece.grid is None:
        return piece
    columns = dict(piece.grid.columns)
    for player in filter(is_written, players):
        composed, played = derived(piece, player), piece.notes.get(player.id, ())
        if [_played(note) for note in composed] == [_played(note) for note in played]:
            continue
        column = columns.get(player.id)
        if column is None:
            column = np.full((len(piece.grid.chords), len(role_columns(player.role))), REST, np.int16)
        was, now = (_tokens(piece, player, notes) for notes in (composed, played))
        columns[player.id] = np.where(was != now, now, column)
    return replace(piece, grid=replace(piece.grid, columns=columns))


def _played(note: Note) -> tuple[float, int, float, int]:
    return note.start_beats, note.pitch, note.duration_beats, note.velocity


def _tokens(piece: Piece, player: Player, notes: tuple[Note, ...]) -> np.ndarray:
    """A player's notes as they are written down, int16 ``[steps, columns]``."""
    plan = piece.plan
    played = Score(
        plan.tempo_bpm, plan.key, plan.mode, plan.time_signature, plan.bars, plan.sections,
        (Track(player.role, player.instrument, notes),), piece.score.chords,
    )  # fmt: skip
    swing = plan.swing, swing_pair_steps(plan.meter, plan.swing_unit)
    return encode(played, swing).tokens[:, role_columns(player.role)]


def heard_grid(piece: Piece, players: Sequence[Player], opened: np.ndarray | None = None) -> Grid:
    """The grid with ``players`` (of one role the first) and what is sung.

    Nobody plays what is sung, so it is in no column of the piece: it is put where a line like it would stand, bar by
    bar where that rests. ``opened`` bool ``[steps, streams]`` are cells to be written, which it must not stand in.
    """
    assert piece.grid is not None
    grid = piece.grid.together(players, piece.plan.time_signature)
    if piece.song is None:
        return grid
    per_bar = grid.meter.steps_per_bar
    tune = tune_tokens(piece.song, piece.plan.key, len(grid.tokens)).reshape(-1, per_bar)
    tokens = grid.tokens.reshape(-1, per_bar, len(STREAMS)).copy()
    unplaced = (tune != REST).any(axis=1)
    for name in TUNE_STREAMS:
        stream = STREAMS.index(name)
        free = (tokens[:, :, stream] == REST).all(axis=1)
        if opened is not None:
            free &= ~opened[:, stream].reshape(-1, per_bar).any(axis=1)
        here = unplaced & free
        tokens[here, :, stream] = tune[here]
        # What was begun in a bar where it does not stand is not held here.
        line = tokens[:, :, stream].reshape(-1).copy()
        loose = np.repeat(here, per_bar) & (line == HOLD) & ~sounding(np.where(np.repeat(here, per_bar), line, REST))
        tokens[:, :, stream] = np.where(loose, REST, line).reshape(tokens.shape[:2])
        unplaced &= ~here
    return Grid(tokens.reshape(-1, len(STREAMS)), grid.time_signature)
