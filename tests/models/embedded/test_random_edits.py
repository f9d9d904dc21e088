"""Random edits of every kind, by score: what was asked is there exactly."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from edited_pieces import COMPOSER, PIECES, check_whole, chord_at, edited, notes_in, others_as_before
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_edits import KINDS, Drawn, drawn_edit

from noisician.edits import edits_from
from noisician.errors import RequestError
from noisician.models.embedded.apply import Applying, apply_edits
from noisician.piece import Piece
from noisician.piece.derive import steps_of
from noisician.score.decode import semitones_from_c
from noisician.score.grid import CHORDAL, FIRST_ONSET, MONOPHONIC
from noisician.score.harmony import parse_chord

#: Seventeen kinds of edits of four pieces; NOISICIAN_TEST_EXAMPLES says how many are tried where there is more time.
EXAMPLES = int(os.environ.get("NOISICIAN_TEST_EXAMPLES", "120"))
Edit = Mapping[str, Any]
LENDERS = {
    id(piece): edited(piece, {"op": "regenerate", "players": ["bass"], "bars": [[1, 3]], "seed": 8}) for piece in PIECES
}


def bars_asked(edit: Edit) -> list[int]:
    """From 0."""
    ((first, last),) = edit["bars"]
    return list(range(first - 1, last))


def others_of(piece: Piece, bars: list[int]) -> list[int]:
    return [bar for bar in range(piece.plan.bars) if bar not in bars]


def written_anew(piece: Piece, after: Piece, edit: Edit) -> None:
    (player,), bars = edit["players"], bars_asked(edit)
    assert piece.grid is not None and after.grid is not None
    per_bar = piece.plan.meter.steps_per_bar
    old, new = (grid.columns[player].reshape(piece.plan.bars, per_bar, -1) for grid in (piece.grid, after.grid))
    kept = others_of(piece, bars)
    assert (old[kept] == new[kept]).all()
    if edit.get("keep") == "rhythm" and piece.plan.player(player).role in (*MONOPHONIC, *CHORDAL):
        assert ((old >= FIRST_ONSET) == (new >= FIRST_ONSET)).all()


def silent(piece: Piece, after: Piece, edit: Edit) -> None:
    (player,), bars = edit["players"], bars_asked(edit)
    assert not notes_in(after, player, bars)
    assert notes_in(after, player, others_of(piece, bars)) == notes_in(piece, player, others_of(piece, bars))


def timed(piece: Piece, after: Piece, edit: Edit) -> None:
    (player,), bars = edit["players"], bars_asked(edit)
    inside = set(notes_in(piece, player, bars))
    steps = steps_of([note.start_beats for note in piece.notes[player]], piece.plan)
    there = {note.id: note for note in after.notes[player]}
    for note, step in zip(piece.notes[player], steps, strict=True):
        if (round(note.start_beats, 6), note.pitch) in inside:
            assert there[note.id].start_beats == pytest.approx(step / piece.plan.meter.steps_per_beat)
            assert there[note.id].velocity == min(note.velocity + edit["velocity"], 127)
        else:
            assert there[note.id] == note


def lent(piece: Piece, after: Piece, edit: Edit) -> None:
    (player,), bars = edit["players"], bars_asked(edit)
    assert notes_in(after, player, bars) == notes_in(LENDERS[id(piece)], player, bars)
    kept = others_of(piece, bars)
    assert notes_in(after, player, kept) == notes_in(piece, player, kept)


def note_set(piece: Piece, after: Piece, edit: Edit) -> None:
    (change,) = edit["change"]
    old, new = ({note.id: note for note in one.notes[edit["player"]]} for one in (piece, after))
    assert new.keys() == old.keys()
    assert new[change["id"]].pitch == change["pitch"]
    assert all(new[id_] == note for id_, note in old.items() if id_ != change["id"])


def transposed(piece: Piece, after: Piece, edit: Edit) -> None:
    (player,), bars = edit["players"], bars_asked(edit)
    moved = [(start, pitch + edit["semitones"]) for start, pitch in notes_in(piece, player, bars)]
    assert sorted(notes_in(after, player, bars)) == sorted(moved)
    kept = others_of(piece, bars)
    assert notes_in(after, player, kept) == notes_in(piece, player, kept)


def copied(piece: Piece, after: Piece, edit: Edit) -> None:
    (player,), (first, last), beats = edit["players"], edit["bars"], piece.plan.meter.beats_per_bar
    there = list(range(edit["to_bar"] - 1, edit["to_bar"] + last - first))
    shift = (edit["to_bar"] - first) * beats
    own = notes_in(piece, player, range(first - 1, last))
    new = notes_in(after, player, there)
    assert sorted(pitch for _, pitch in new) == sorted(pitch for _, pitch in own)
    assert [start for start, _ in new] == pytest.approx([max(start + shift, 0.0) for start, _ in own], abs=1e-5)
    kept = others_of(piece, there)
    assert notes_in(after, player, kept) == notes_in(piece, player, kept)


def chords_set(piece: Piece, after: Piece, edit: Edit) -> None:
    (said,), beats = edit["chords"], piece.plan.meter.beats_per_bar
    inside = set(range((said["bar"] - 1) * beats, said["bar"] * beats))
    old, new = chord_at(piece), chord_at(after)
    assert all(new[beat] == parse_chord(said["chord"]) for beat in inside)
    assert {beat: chord for beat, chord in new.items() if beat not in inside} == {
        beat: chord for beat, chord in old.items() if beat not in inside
    }


def at_tempo(piece: Piece, after: Piece, edit: Edit) -> None:
    assert after.plan.tempo_bpm == edit["tempo_bpm"]
    assert after.notes == piece.notes


def pitch_classes(piece: Piece, player: str, up: int = 0) -> set[tuple[int, int]]:
    """(step, pitch class) of all notes, ``up`` semitones higher: an octave may be another, a chord voiced otherwise."""
    notes = piece.notes[player]
    steps = steps_of([note.start_beats for note in notes], piece.plan)
    return {(int(step), (note.pitch + up) % 12) for note, step in zip(notes, steps, strict=True)}


def in_key(piece: Piece, after: Piece, edit: Edit) -> None:
    assert after.plan.key == edit["key"]
    shift = semitones_from_c(edit["key"]) - semitones_from_c(piece.plan.key)
    for player in piece.plan.players:
        if player.role in (*MONOPHONIC, *CHORDAL):
            assert pitch_classes(after, player.id) == pitch_classes(piece, player.id, shift)


def in_meter(piece: Piece, after: Piece, edit: Edit) -> None:
    assert after.plan.time_signature == edit["time_signature"]
    assert (after.plan.bars, after.plan.sections) == (piece.plan.bars, piece.plan.sections)


def doubled(piece: Piece, after: Piece, edit: Edit) -> None:
    forms = [(one.kind, one.bars) for one in piece.plan.sections]
    forms.insert(edit["section"], forms[edit["section"] - 1])
    assert [(one.kind, one.bars) for one in after.plan.sections] == forms


def extended(piece: Piece, after: Piece, edit: Edit) -> None:
    assert after.plan.bars == piece.plan.bars + edit["by_bars"]
    assert after.plan.sections[: len(piece.plan.sections)] == piece.plan.sections
    assert piece.grid is not None and after.grid is not None
    for id_, column in piece.grid.columns.items():
        assert (after.grid.columns[id_][: len(column)] == column).all()


def joined(piece: Piece, after: Piece, edit: Edit) -> None:
    (new,) = after.notes.keys() - piece.notes.keys()
    assert after.plan.player(new).instrument == edit["instrument"]
    assert after.notes[new]
    assert not notes_in(after, new, others_of(piece, bars_asked(edit)))


def left(piece: Piece, after: Piece, edit: Edit) -> None:
    assert after.notes.keys() == piece.notes.keys() - {edit["player"]}


def replaced(piece: Piece, after: Piece, edit: Edit) -> None:
    player = edit["player"]
    assert after.plan.player(player).instrument == edit["instrument"]
    assert pitch_classes(after, player) == pitch_classes(piece, player)


CHECKS: Mapping[str, Callable[[Piece, Piece, Edit], None]] = {
    "regenerate": written_anew, "vary": written_anew, "rest": silent, "timing": timed, "use_from": lent,
    "notes": note_set, "transpose": transposed, "copy": copied, "chords": chords_set, "tempo": at_tempo,
    "key": in_key, "meter": in_meter, "sections": doubled, "extend": extended, "add_player": joined,
    "remove_player": left, "replace_instrument": replaced,
}  # fmt: skip


@st.composite
def drawn_edits(draw: st.DrawFn) -> tuple[Piece, Drawn]:
    piece, kind = draw(st.sampled_from(PIECES)), draw(st.sampled_from(sorted(set(KINDS) - {"mix"})))
    found = drawn_edit(kind, piece, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    assume(found is not None)
    assert found is not None
    return piece, found


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=drawn_edits())
def test_what_was_asked_is_there_exactly(asked: tuple[Piece, Drawn]) -> None:
    piece, drawn = asked
    applying = Applying(lambda: COMPOSER, lambda source: LENDERS[id(piece)])
    try:
        after = apply_edits(piece, edits_from([drawn.edit]), applying).piece
    except RequestError as refused:
        assert "\n" not in str(refused)
        assume(False)
        return
    check_whole(after)
    if drawn.edit["op"] not in ("sections", "extend", "meter"):
        assert (after.plan.sections, after.plan.meter) == (piece.plan.sections, piece.plan.meter)
    others_as_before(piece, after, drawn.touched)
    CHECKS[drawn.edit["op"]](piece, after, drawn.edit)
