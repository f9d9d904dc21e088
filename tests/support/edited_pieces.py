"""Pieces on a stand-in composer, edited, and what holds of every one of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from fake_composer import HearingNetwork

from noisician.composer import Composer, make_plan
from noisician.edits import edits_from
from noisician.models.embedded.apply import Applying, apply_edits
from noisician.models.embedded.apply.bars import bar_of
from noisician.models.embedded.write import compose_piece
from noisician.piece import Piece, from_dict, to_dict
from noisician.prompt import understand
from noisician.renderer import RenderSettings
from noisician.request import Request

COMPOSER = Composer(HearingNetwork())  # type: ignore[arg-type]


def made(words: str, seed: int, duration_s: float = 24.0) -> Piece:
    plan = make_plan(understand(Request(prompt=words, duration_s=duration_s)), seed)
    return compose_piece(plan, seed, RenderSettings(), COMPOSER)


POP, JAZZ = made("pop with piano and strings", 3), made("late night jazz trio", 1)
PIECES = (POP, JAZZ, made("deep house with rain", 2), made("waltz in D minor", 5))


def edited(piece: Piece, *edits: Mapping[str, Any], other: Piece | None = None) -> Piece:
    applying = Applying(lambda: COMPOSER, lambda source: other or piece)
    return apply_edits(piece, edits_from(list(edits)), applying).piece


def check_whole(piece: Piece) -> None:
    """What holds of every piece."""
    assert from_dict(json.loads(json.dumps(to_dict(piece)))) == piece
    end_beats = piece.plan.bars * piece.plan.meter.beats_per_bar
    assert [section.start_bar for section in piece.plan.sections] == [
        sum(one.bars for one in piece.plan.sections[:place]) for place in range(len(piece.plan.sections))
    ]
    for notes in piece.notes.values():
        assert len({note.id for note in notes}) == len(notes)
        assert all(0 <= note.start_beats < note.end_beats <= end_beats + 1e-6 for note in notes)
        assert list(notes) == sorted(notes, key=lambda note: (note.start_beats, note.pitch, note.id))


def others_as_before(before: Piece, after: Piece, touched: Collection[str]) -> None:
    for player in before.plan.players:
        if player.id not in touched:
            assert after.notes[player.id] == before.notes[player.id]
            assert after.plan.player(player.id) == player


def chord_at(piece: Piece) -> dict[int, tuple[int, str]]:
    """The chord in force on each beat that has one."""
    return {
        beat: (chord.root, chord.quality)
        for chord in piece.score.chords
        for beat in range(round(chord.start_beats), round(chord.start_beats + chord.duration_beats))
    }


def notes_in(piece: Piece, player: str, bars: Collection[int]) -> list[tuple[float, int]]:
    """(start in beats, pitch) of the notes that belong to some bars."""
    notes = piece.notes[player]
    own = zip(notes, bar_of(notes, piece.plan), strict=True)
    return [(round(note.start_beats, 6), note.pitch) for note, bar in own if bar in bars]
