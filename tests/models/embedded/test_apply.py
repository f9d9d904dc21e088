"""Edits on a piece: what was asked is there exactly, and nothing else has moved."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edited_pieces import COMPOSER, JAZZ, PIECES, POP, check_whole, chord_at, edited, notes_in, others_as_before
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.edits import edit_from, edits_from, notes_back
from noisician.errors import RequestError
from noisician.models.embedded.apply import Applying, apply_edits
from noisician.models.embedded.apply.bars import bar_of
from noisician.models.embedded.apply.hearing import heard_grid, written_down
from noisician.piece import Piece, to_dict
from noisician.piece.derive import derived, steps_of
from noisician.score.harmony import parse_chord
from noisician.styles import PITCHED_ROLES


@st.composite
def places(draw: st.DrawFn) -> tuple[Piece, str, tuple[int, int]]:
    """A piece, one of its players of the grid, and some bars, from 1."""
    piece = draw(st.sampled_from(PIECES))
    lines = [one.id for one in piece.plan.players if piece.grid is not None and one.id in piece.grid.columns]
    first = draw(st.integers(1, piece.plan.bars))
    return piece, draw(st.sampled_from(lines)), (first, draw(st.integers(first, min(first + 3, piece.plan.bars))))


@settings(max_examples=25, deadline=None)
@given(place=places(), seed=st.integers(0, 5), keep=st.sampled_from(["nothing", "rhythm", "contour"]))
def test_regenerating_touches_only_its_region(place: tuple[Piece, str, tuple[int, int]], seed: int, keep: str) -> None:
    piece, player, (first, last) = place
    edit = {"op": "regenerate", "players": [player], "bars": [[first, last]], "seed": seed, "keep": keep}
    try:
        after = edited(piece, edit)
    except RequestError as refused:
        assert "silent" in str(refused)
        return
    check_whole(after)
    others_as_before(piece, after, {player})
    assert after.grid is not None and piece.grid is not None
    per_bar = piece.plan.meter.steps_per_bar
    inside = slice((first - 1) * per_bar, last * per_bar)
    kept, column = piece.grid.columns[player].copy(), after.grid.columns[player].copy()
    kept[inside] = column[inside] = 0
    assert (kept == column).all()
    assert (after.grid.chords == piece.grid.chords).all()
    # Notes begin a little before or after their beats, and one from the bar before may be held on or let go.
    begin, end = (first - 2) * piece.plan.meter.beats_per_bar - 0.5, last * piece.plan.meter.beats_per_bar + 0.5
    outside = {note for note in piece.notes[player] if not begin <= note.start_beats < end}
    assert outside <= set(after.notes[player])
    assert edited(piece, edit) == after


@settings(max_examples=30, deadline=None)
@given(place=places(), semitones=st.integers(-5, 5).filter(bool))
def test_transposing_there_and_back_is_the_same(place: tuple[Piece, str, tuple[int, int]], semitones: int) -> None:
    piece, player, bars = place
    if piece.plan.player(player).role == "drums":
        return
    there = {"op": "transpose", "players": [player], "bars": [bars], "semitones": semitones}
    after = edited(piece, there)
    check_whole(after)
    others_as_before(piece, after, {player})
    moved = {bar + 1 for bar in range(bars[0] - 1, bars[1])}
    own = bar_of(piece.notes[player], piece.plan)
    for old, new, bar in zip(piece.notes[player], sorted(after.notes[player], key=lambda n: n.id), own, strict=True):
        assert new.pitch - old.pitch == (semitones if bar + 1 in moved else 0)
    back = edited(after, {**there, "semitones": -semitones})
    assert {replace(note, is_set=False) for note in back.notes[player]} == set(piece.notes[player])


@pytest.mark.parametrize("piece", PIECES)
def test_another_key_moves_every_pitch_alike_and_comes_back(piece: Piece) -> None:
    there = edited(piece, {"op": "key", "key": "A"})
    check_whole(there)
    assert there.plan.key == "A"
    assert edited(there, {"op": "key", "key": piece.plan.key}).score == piece.score


@settings(max_examples=30, deadline=None)
@given(order=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_sections_stand_in_the_order_that_was_asked(order: list[int]) -> None:
    after = edited(POP, {"op": "sections", "action": "reorder", "order": order})
    check_whole(after)
    old = POP.plan.sections
    assert [(one.kind, one.bars) for one in after.plan.sections] == [(old[n - 1].kind, old[n - 1].bars) for n in order]
    for player in after.plan.players:
        if POP.grid is None or player.id not in POP.grid.columns:
            continue
        steps = steps_of([note.start_beats for note in after.notes[player.id]], after.plan)
        heard = {(int(step), note.pitch) for step, note in zip(steps, after.notes[player.id], strict=True)}
        wanted: set[tuple[int, int]] = set()
        own = POP.notes[player.id]
        places_ = list(zip(steps_of([note.start_beats for note in own], POP.plan).tolist(), own, strict=True))
        per_bar = POP.plan.meter.steps_per_bar
        for section, number in zip(after.plan.sections, order, strict=True):
            first = old[number - 1].start_bar * per_bar
            shift = section.start_bar * per_bar - first
            wanted |= {(s + shift, n.pitch) for s, n in places_ if first <= s < first + section.bars * per_bar}
        assert heard == wanted
    assert after.plan.duration_s == pytest.approx(after.plan.bars * POP.plan.bar_s + POP.plan.tail_s)


def test_the_order_that_is_there_changes_nothing() -> None:
    numbers = list(range(1, len(POP.plan.sections) + 1))
    assert edited(POP, {"op": "sections", "action": "reorder", "order": numbers}) == POP


@pytest.mark.parametrize("where", ["before", "after"])
def test_extending_adds_bars_and_keeps_the_others(where: str) -> None:
    after = edited(POP, {"op": "extend", "by_bars": 4, "where": where})
    check_whole(after)
    assert after.plan.bars == POP.plan.bars + 4
    bars = 4 if where == "before" else 0
    shift = bars * POP.plan.meter.steps_per_bar
    assert after.grid is not None and POP.grid is not None
    for id_, column in POP.grid.columns.items():
        assert (after.grid.columns[id_][shift : shift + len(column)] == column).all()
    added = range(4) if where == "before" else range(POP.plan.bars, POP.plan.bars + 4)
    assert any(bar in added for notes in after.notes.values() for bar in bar_of(notes, after.plan))


def test_chords_are_set_exactly_and_only_who_is_named_follows() -> None:
    said = [{"bar": 2, "chord": "F#m7"}, {"bar": 3, "beat": 3, "chord": "Bb"}, {"bar": 4, "chord": "N"}]
    after = edited(POP, {"op": "chords", "chords": said, "follow": ["bass"]})
    check_whole(after)
    others_as_before(POP, after, {"bass"})
    beats = POP.plan.meter.beats_per_bar
    in_force, old = chord_at(after), chord_at(POP)
    assert in_force[beats] == in_force[2 * beats - 1] == parse_chord("F#m7")
    assert in_force[2 * beats + 2] == parse_chord("Bb")
    assert 3 * beats not in in_force
    assert in_force.get(2 * beats) == old.get(2 * beats)


def test_notes_are_set_and_stay_when_their_bars_are_written_again() -> None:
    note = POP.notes["bass"][3]
    after = edited(
        POP,
        {"op": "notes", "player": "bass", "change": [{"id": note.id, "pitch": note.pitch + 2}], "delete": [note.id + 1],
         "add": [{"pitch": 33, "start_beats": 1.5, "duration_beats": 0.25, "velocity": 101}]},
    )  # fmt: skip
    check_whole(after)
    others_as_before(POP, after, {"bass"})
    by_id = {one.id: one for one in after.notes["bass"]}
    assert by_id[note.id] == replace(note, pitch=note.pitch + 2, is_set=True)
    assert note.id + 1 not in by_id
    assert any((one.pitch, one.start_beats, one.velocity, one.is_set) == (33, 1.5, 101, True) for one in by_id.values())
    again = edited(after, {"op": "regenerate", "players": ["bass"], "seed": 4})
    assert {one for one in after.notes["bass"] if one.is_set} <= set(again.notes["bass"])


def test_who_joins_hears_others_and_who_leaves_is_gone() -> None:
    joined = edited(POP, {"op": "add_player", "instrument": "flute", "bars": [[2, 5]], "seed": 3})
    check_whole(joined)
    others_as_before(POP, joined, set())
    (new,) = set(joined.notes) - set(POP.notes)
    assert joined.notes[new]
    assert set(bar_of(joined.notes[new], joined.plan)) <= {1, 2, 3, 4}
    assert edited(joined, {"op": "remove_player", "player": new}).notes == POP.notes
    texture = edited(POP, {"op": "add_player", "instrument": "rain"})
    assert [note.duration_beats for note in texture.notes["texture"]] == [texture.score.duration_beats]


def test_rest_is_silence_in_its_bars_and_nowhere_else() -> None:
    after = edited(POP, {"op": "rest", "players": ["drums", "bass"], "bars": [[3, 4]]})
    check_whole(after)
    others_as_before(POP, after, {"drums", "bass"})
    beats = POP.plan.meter.beats_per_bar
    for player in ("drums", "bass"):
        assert not [bar for bar in bar_of(after.notes[player], after.plan) if bar in (2, 3)]
        assert all(note.end_beats <= 2 * beats or note.start_beats > 3 * beats for note in after.notes[player])


def test_copies_and_bars_from_another_version() -> None:
    other = edited(POP, {"op": "regenerate", "players": ["bass"], "seed": 8})
    copied = edited(POP, {"op": "copy", "players": ["drums"], "bars": [1, 2], "to_bar": 5})
    lent = edited(POP, {"op": "use_from", "players": ["bass"], "bars": [[3, 4]], "source": "b"}, other=other)
    for after in (copied, lent):
        check_whole(after)
    beats = POP.plan.meter.beats_per_bar
    own, there = notes_in(POP, "drums", (0, 1)), notes_in(copied, "drums", (4, 5))
    assert [(round(start - 4 * beats, 6), pitch) for start, pitch in there] == own
    assert notes_in(lent, "bass", (2, 3)) == notes_in(other, "bass", (2, 3))
    kept = tuple(bar for bar in range(POP.plan.bars) if bar not in (2, 3))
    assert notes_in(lent, "bass", kept) == notes_in(POP, "bass", kept)
    assert lent.notes["drums"] == POP.notes["drums"]


def test_tempo_keeps_beats_and_tail() -> None:
    after = edited(POP, {"op": "tempo", "tempo_bpm": 77})
    check_whole(after)
    assert after.notes == POP.notes
    assert after.plan.tail_s == pytest.approx(POP.plan.tail_s)


def test_bars_from_another_version_bring_their_chords_where_nobody_pitched_stays() -> None:
    other = edited(POP, {"op": "chords", "chords": [{"bar": 3, "chord": "F#m7"}]})
    pitched = [player.id for player in POP.plan.players if player.role in PITCHED_ROLES]
    remarks: list[str] = []
    applying = Applying(lambda: COMPOSER, lambda source: other, remarks=remarks)

    def taken(players: list[str]) -> Piece:
        lent = {"op": "use_from", "players": players, "bars": [[2, 4]], "source": "b"}
        return apply_edits(POP, edits_from([lent]), applying).piece

    assert chord_at(taken(pitched)) == chord_at(other) != chord_at(POP)
    assert chord_at(taken(["drums"])) == chord_at(POP)
    assert not remarks
    assert chord_at(taken(["bass"])) == chord_at(POP)
    (remark,) = remarks
    assert remark.startswith("b has other chords in bar 3; ")
    assert "bass" not in remark


WALTZ = PIECES[3]


def in_bars(piece: Piece, player: str) -> list[tuple[int, float, int]]:
    """(bar, beats from its line, pitch) of a player's notes."""
    beats, notes = piece.plan.meter.beats_per_bar, piece.notes[player]
    own = zip(notes, bar_of(notes, piece.plan), strict=True)
    return [(bar, round(note.start_beats - bar * beats, 6), note.pitch) for note, bar in own]


@pytest.mark.parametrize(("piece", "meter", "beats"), [(POP, "3/4", 3), (JAZZ, "3/4", 3), (WALTZ, "4/4", 4)])
def test_another_metre_keeps_bars_and_the_beats_that_both_have(piece: Piece, meter: str, beats: int) -> None:
    after = edited(piece, {"op": "meter", "time_signature": meter})
    check_whole(after)
    plan, old_beats = piece.plan, piece.plan.meter.beats_per_bar
    assert (after.plan.time_signature, after.plan.sections) == (meter, plan.sections)
    tail_s = plan.tail_s if plan.tail_s > 0 else plan.tail_s * beats / old_beats  # what the end cuts off a bar
    assert after.plan.duration_s == pytest.approx(plan.bars * beats * 60 / plan.tempo_bpm + tail_s)
    assert after.grid is not None and piece.grid is not None
    chords = [grid.chords.reshape(plan.bars, -1)[:, : min(beats, old_beats) * 4] for grid in (piece.grid, after.grid)]
    assert (chords[0] == chords[1]).all()
    for player in piece.grid.columns:
        meant = steps_of([note.start_beats for note in piece.notes[player]], plan) / 4 % old_beats
        kept = [place for place, beat in zip(in_bars(piece, player), meant, strict=True) if beat < beats]
        assert in_bars(after, player) == kept


def test_a_bar_that_gained_a_beat_and_loses_it_is_as_it_was() -> None:
    back = edited(WALTZ, {"op": "meter", "time_signature": "4/4"}, {"op": "meter", "time_signature": "3/4"})
    assert back.grid == WALTZ.grid
    assert back.plan.time_signature == "3/4"
    for player in WALTZ.notes:
        assert in_bars(back, player) == in_bars(WALTZ, player)


def test_three_quarters_and_six_eighths_are_the_same_sixteenths_at_the_same_time() -> None:
    after = edited(WALTZ, {"op": "meter", "time_signature": "6/8"})
    check_whole(after)
    assert after.grid == WALTZ.grid
    assert after.plan.bar_s == pytest.approx(WALTZ.plan.bar_s)
    for player in WALTZ.plan.players:
        if WALTZ.plan.swing and player.role not in ("texture", "fx"):
            continue
        old_beat_s, beat_s = 60 / WALTZ.plan.tempo_bpm, 60 / after.plan.tempo_bpm
        assert [note.start_beats * beat_s for note in after.notes[player.id]] == pytest.approx(
            [note.start_beats * old_beat_s for note in WALTZ.notes[player.id]], abs=1e-6
        )


def test_a_metre_that_is_there_changes_nothing_and_two_that_share_no_beat_are_refused() -> None:
    assert edited(POP, {"op": "meter", "time_signature": "4/4"}) is POP
    with pytest.raises(RequestError, match="4/4 to 6/8: their beats divide by two and by three"):
        edited(POP, {"op": "meter", "time_signature": "6/8"})


def test_a_loop_is_whole_bars_without_a_tail() -> None:
    after = edited(POP, {"op": "loop", "bars": [3, 6]})
    check_whole(after)
    assert after.plan.loop
    assert after.plan.duration_s == pytest.approx(4 * POP.plan.bar_s)


def test_vary_grows_with_its_strength() -> None:
    assert edited(POP, {"op": "vary", "strength": 0}) == POP
    counts = []
    for strength in (0.2, 0.6, 1.0):
        after = edited(POP, {"op": "vary", "players": ["lead"], "strength": strength, "seed": 3})
        others_as_before(POP, after, {"lead"})
        counts.append(len(set(POP.notes["lead"]) - set(after.notes["lead"])))
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ({"op": "regenerate", "players": ["zither"]}, "no player 'zither' in this piece; it has"),
        ({"op": "regenerate", "bars": [[90, 95]]}, "the piece has"),
        ({"op": "regenerate", "bars": [[1, 4], [3, 5]]}, "may not overlap"),
        ({"op": "regenerate", "players": ["bass"], "bars": [[1, 2]], "also": [{"players": ["bass"], "bars": [[2, 3]]}]},
         "in two regions"),
        ({"op": "regenerate", "bars": [[4, 2]]}, "end before they begin"),
        ({"op": "rest"}, "nobody playing"),
        ({"op": "notes", "player": "bass"}, "nothing to add"),
        ({"op": "notes", "player": "bass", "delete": [9999]}, "no note 9999"),
        ({"op": "notes", "player": "bass", "add": [{"pitch": 40, "start_beats": 4000, "duration_beats": 1}]}, "beyond"),
        ({"op": "sections", "action": "reorder", "order": [9]}, "section 9"),
        ({"op": "sections", "action": "insert", "kind": "waffle", "bars": 4}, "section kind 'waffle'"),
        ({"op": "extend"}, "one of them"),
        ({"op": "chords", "chords": [{"bar": 1, "chord": "H"}]}, "chord 'H'"),
        ({"op": "chords", "chords": [{"bar": 1, "beat": 9, "chord": "C"}]}, "beat 9"),
        ({"op": "key", "key": "H"}, "key 'H'"),
        ({"op": "add_player", "instrument": "theremin9"}, "unknown instrument"),
        ({"op": "replace_instrument", "player": "bass", "instrument": "standard_kit"}, "cannot play"),
        ({"op": "words", "lyrics": "la"}, "nobody sings"),
        ({"op": "voice", "voice": "ava"}, "nobody sings"),
        ({"op": "mix", "player": "bass", "gain_db": 1}, "never decided"),
        ({"op": "copy", "bars": [1, 4], "to_bar": 9999}, "end beyond the piece"),
        ({"op": "transpose", "players": ["drums"], "semitones": 1}, "no pitch"),
        ({"op": "transpose", "semitones": 1, "degrees": 1}, "one of them"),
        ({"op": "timing"}, "say quantise"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line_and_changes_nothing(edit: dict[str, Any], says: str) -> None:
    before = to_dict(POP)
    with pytest.raises(RequestError, match=says) as refused:
        edited(POP, edit)
    assert "\n" not in str(refused.value)
    assert to_dict(POP) == before


def test_every_kind_of_edit_has_its_way() -> None:
    from noisician.edits import KINDS
    from noisician.models.embedded.apply import _HOW

    assert {kind for name, kind in KINDS.items() if name != "remaster"} == set(_HOW)
    assert edit_from({"op": "remaster"}).paints is False


def test_who_is_written_hears_a_changed_note_where_it_is_written_otherwise() -> None:
    player = next(one for one in POP.plan.players if one.role == "bass")
    note = POP.notes[player.id][3]
    after = edited(POP, {"op": "notes", "player": player.id, "change": [{"id": note.id, "pitch": note.pitch + 1}]})
    first, last = steps_of([note.start_beats, note.end_beats], POP.plan)
    assert after.grid == POP.grid
    assert written_down(POP, POP.plan.players).grid == POP.grid
    composed, heard = (heard_grid(written_down(one, [player]), POP.plan.players).tokens for one in (POP, after))
    changed = np.flatnonzero((composed != heard).any(axis=1))
    assert len(changed) and first <= changed[0] and changed[-1] <= max(last, first + 1)


#: Where notes are not what their grid derives to, too: chords that nobody followed, another tempo, bars written anew.
REWORKED = edited(
    POP,
    {"op": "chords", "chords": [{"bar": 2, "chord": "Bm7"}]},
    {"op": "tempo", "tempo_bpm": 101},
    {"op": "regenerate", "players": ["bass"], "bars": [[3, 4]], "seed": 2},
)


@st.composite
def note_edits(draw: st.DrawFn, piece: Piece) -> tuple[str, dict[str, Any]]:
    """Whoever has notes, some of which are set, moved, deleted, transposed or retimed."""
    player = draw(st.sampled_from([id_ for id_, notes in piece.notes.items() if len(notes) > 2]))
    kind = draw(st.sampled_from(["notes", "transpose", "timing"]))
    bars = {"players": [player], "bars": [[1, draw(st.integers(1, piece.plan.bars))]]}
    if kind == "timing":
        return player, {"op": kind, **bars, "quantise": draw(st.sampled_from([0.5, 1.0])), "velocity": 5}
    pitched = piece.plan.player(player).role in PITCHED_ROLES
    if kind == "transpose" and pitched:
        return player, {"op": kind, **bars, "semitones": draw(st.sampled_from([-5, 2, 12]))}
    ids = [note.id for note in piece.notes[player]]
    moved, gone = draw(st.sampled_from(ids)), draw(st.sets(st.sampled_from(ids), max_size=3))
    beats = draw(st.sampled_from([0.0, 0.5, 1.25, 3.0]))
    change = {"id": moved, "start_beats": beats, "pitch": draw(st.integers(36, 50))}
    added = {"pitch": draw(st.integers(36, 50)), "start_beats": beats + 0.5, "duration_beats": 0.5}
    return player, {
        "op": "notes", "player": player, "change": [] if moved in gone else [change], "delete": sorted(gone),
        "add": [added] * draw(st.integers(0, 1)),
    }  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(data=st.data(), piece=st.sampled_from([POP, JAZZ, REWORKED]), count=st.integers(1, 4))
def test_edits_of_notes_taken_back_are_the_same_piece(data: st.DataObject, piece: Piece, count: int) -> None:
    states, backs = [piece], []
    for _ in range(count):
        player, edit = data.draw(note_edits(states[-1]))
        if edit["op"] == "notes" and not (edit["add"] or edit["change"] or edit["delete"]):
            continue
        try:
            after = edited(states[-1], edit)
        except RequestError:  # moved beyond MIDI's pitches: nothing is done
            continue
        if after != states[-1]:
            backs.append(notes_back(player, after.notes[player], states[-1].notes[player]))
            states.append(after)
    for back, before in zip(reversed(backs), reversed(states[:-1]), strict=True):
        assert edited(states.pop(), json.loads(back.model_dump_json())) == before


def test_a_note_brought_back_has_the_id_it_had_and_no_id_twice() -> None:
    first, *rest = POP.notes["bass"]
    gone = edited(POP, {"op": "notes", "player": "bass", "delete": [first.id]})
    added = {"pitch": 40, "start_beats": 0, "duration_beats": 1}
    again = edited(gone, {"op": "notes", "player": "bass", "add": [{**added, "id": first.id}, added]})
    assert {note.id for note in again.notes["bass"]} == {note.id for note in POP.notes["bass"]} | {len(rest) + 2}
    with pytest.raises(RequestError, match=f"has a note {rest[0].id} already"):
        edited(gone, {"op": "notes", "player": "bass", "add": [{**added, "id": rest[0].id}]})


@pytest.mark.parametrize(
    "edit",
    [
        {"op": "sections", "action": "rename", "section": 1, "kind": "drop"},
        {"op": "replace_instrument", "player": "bass", "instrument": "flute"},
        {"op": "extend", "by_bars": 2, "seed": 1},
        {"op": "key", "key": "A"},
        {"op": "chords", "chords": [{"bar": 1, "chord": "Bm7"}], "follow": ["bass"]},
        {"op": "regenerate", "players": ["bass"], "bars": [[3, 4]], "seed": 1},
    ],
)
def test_a_deleted_note_stays_away_whatever_else_is_done(edit: dict[str, Any]) -> None:
    gone = POP.notes["bass"][0]
    without = edited(POP, {"op": "notes", "player": "bass", "delete": [gone.id]})
    whole, after = edited(POP, edit), edited(without, edit)
    (step,) = steps_of([gone.start_beats], POP.plan)
    played = [steps_of([note.start_beats for note in one.notes["bass"]], one.plan) for one in (whole, after)]
    assert [step in steps for steps in played] == [True, False]


def test_who_did_not_follow_chords_is_written_anew_without_the_old_notes() -> None:
    player = next(one for one in POP.plan.players if one.role == "chords")
    chords = {"op": "chords", "chords": [{"bar": 2, "chord": "F#m"}, {"bar": 3, "chord": "Eb7"}]}
    stayed = edited(POP, chords)
    assert stayed.notes == POP.notes
    after = edited(stayed, {"op": "regenerate", "players": [player.id], "bars": [[2, 3]], "seed": 3})
    assert after.grid is not None
    meant = replace(after, notes={player.id: derived(after, after.plan.player(player.id))})
    assert notes_in(after, player.id, (1, 2)) == notes_in(meant, player.id, (1, 2))
