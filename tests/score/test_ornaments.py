"""Ornaments: what they add, and what they leave alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest

from noisician.score import Note
from noisician.score.model import METERS
from noisician.score.ornaments import Adorning, adorned
from noisician.styles import PITCHED_ROLES, table

LINE = tuple(Note(67 + place % 3, float(place), 1.0, 96) for place in range(8))
BACKBEAT = tuple(Note(38, beat, 0.25, 104) for beat in (0.0, 2.0, 4.0, 8.0))
HATS = tuple(Note(42, place / 2, 0.25, 76) for place in range(16))
CHORD = tuple(Note(pitch, beat, 1.0, 108) for beat in (0.0, 2.0) for pitch in (60, 64, 67))


def adorning(kinds: Mapping[str, float], role: str = "lead", seed: int = 0) -> Adorning:
    return Adorning(kinds, role, "C", "major", METERS["4/4"], 120.0, seed)


def test_nobody_asked_for_any() -> None:
    assert adorned(LINE, adorning({})) == LINE


@pytest.mark.parametrize(("kind", "more"), [("cut", 7), ("slide", 7), ("mordent", 16), ("roll", 32)])
def test_a_line_stays_a_line_and_begins_where_it_did(kind: str, more: int) -> None:
    made = adorned(LINE, adorning({kind: 1.0}))
    assert len(made) == len(LINE) + more
    assert {note.start_beats for note in LINE} <= {note.start_beats for note in made}
    for note, following in pairwise(made):
        assert note.end_beats <= following.start_beats + 1e-9
    assert all(note.duration_beats > 0 and 1 <= note.velocity <= 127 for note in made)


def test_a_cut_comes_from_the_tone_above_and_a_slide_from_below() -> None:
    two = (Note(67, 0.0, 1.0, 100), Note(67, 1.0, 1.0, 100))
    (_, cut, _) = adorned(two, adorning({"cut": 1.0}))
    assert (cut.pitch, cut.end_beats, cut.velocity) == (69, 1.0, 80)
    (_, slide, _) = adorned((two[0], replace(two[1], pitch=65)), adorning({"slide": 1.0}))
    assert (slide.pitch, slide.end_beats) == (64, 1.0)


def test_a_trill_begins_above_and_ends_on_its_note() -> None:
    (note,) = (Note(71, 0.0, 2.0, 90),)
    made = adorned((note,), adorning({"trill": 1.0}))
    assert [one.pitch for one in made][:3] == [72, 71, 72] and made[-1].pitch == 71
    assert len(made) >= 4 and made[-1].end_beats == pytest.approx(2.0)
    assert adorned((replace(note, duration_beats=0.5),), adorning({"trill": 1.0})) == (
        replace(note, duration_beats=0.5),
    )


@pytest.mark.parametrize(("kind", "before"), [("flam", 1), ("drag", 2)])
def test_soft_strokes_come_before_an_accented_one(kind: str, before: int) -> None:
    made = adorned(BACKBEAT, adorning({kind: 1.0}, "drums"))
    assert len(made) == len(BACKBEAT) + 3 * before  # nothing comes before the piece
    assert set(BACKBEAT) <= set(made)
    soft = [note for note in made if note not in BACKBEAT]
    assert all(note.velocity < 90 and note.start_beats % 2 > 1.7 for note in soft)


def test_a_press_roll_leads_into_a_downbeat() -> None:
    made = adorned(BACKBEAT, adorning({"press": 1.0}, "drums"))
    rolled = [note.start_beats for note in made if note not in BACKBEAT]
    assert rolled and all(3.0 <= beat < 4.0 or 7.0 <= beat < 8.0 for beat in rolled)


def test_a_hat_becomes_three_or_four_in_its_time() -> None:
    made = adorned(HATS, adorning({"hat_roll": 1.0}, "drums"))
    per_hat = [sum(hat.start_beats <= note.start_beats < hat.start_beats + 0.5 for note in made) for hat in HATS]
    assert set(per_hat) == {3, 4}


def test_fingers_fall_before_an_accented_chord() -> None:
    made = adorned(CHORD, adorning({"rasgueado": 1.0}, "chords"))
    assert len(made) == len(CHORD) + 9  # the first has no time before it
    assert all(note.start_beats <= 2.0 for note in made)


def test_each_bar_has_its_own_dice() -> None:
    some = adorned(LINE, adorning({"cut": 0.5}, seed=3))
    changed = (*LINE[:7], replace(LINE[7], pitch=60))
    assert [note for note in adorned(changed, adorning({"cut": 0.5}, seed=3)) if note.start_beats < 6] == [
        note for note in some if note.start_beats < 6
    ]
    assert {adorned(LINE, adorning({"cut": 0.5}, seed=seed)) for seed in range(6)} != {some}


def test_the_table_knows_roles_and_kinds() -> None:
    line, chords, drums = (
        {"cut", "slide", "mordent", "trill", "roll"},
        {"rasgueado"},
        {"flam", "drag", "hat_roll", "press"},
    )
    for genre, roles in table("ornaments").items():
        assert genre in table("genres")
        for role, kinds in roles.items():
            assert role in (*PITCHED_ROLES, "drums")
            assert set(kinds) <= (drums if role == "drums" else chords if role in ("chords", "pad") else line)
            assert all(0 < chance <= 1 for chance in kinds.values())
