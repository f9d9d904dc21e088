"""Performances stay within what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.score import Note, Score, Section, Track
from noisician.score.perform import TIMING_LIMIT_S, VELOCITY_LIMIT, perform, shade, swing_time, unswing_time

INSTRUMENTS = {
    "lead": "flute",
    "bass": "electric_bass",
    "arp": "harp",
    "chords": "nylon_guitar",
    "pad": "warm_pad",
    "drums": "standard_kit",
}


def _score(tempo_bpm: float = 120.0, time_signature: str = "4/4") -> Score:
    steps_per_beat = 6 if time_signature == "6/8" else 4
    step = 1 / steps_per_beat
    tracks = []
    for role, instrument in INSTRUMENTS.items():
        pitches = (55, 59, 62) if role in ("chords", "pad") else (40 if role == "bass" else 64,)
        notes = tuple(
            Note(pitch + place % 3, place * step, step, 84) for place in range(4 * steps_per_beat) for pitch in pitches
        )
        tracks.append(Track(role, instrument, notes))
    bars = 2 if time_signature == "6/8" else 1
    return Score(tempo_bpm, "C", "major", time_signature, bars, tracks=tuple(tracks))


@settings(max_examples=40, deadline=None)
@given(
    tempo_bpm=st.floats(40, 240),
    time_signature=st.sampled_from(["4/4", "6/8"]),
    swing=st.floats(0, 1),
    humanise=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
    unit=st.sampled_from(["sixteenth", "eighth"]),
)
def test_notes_stay_near_the_swung_grid_and_inside_the_piece(
    tempo_bpm: float, time_signature: str, swing: float, humanise: float, seed: int, unit: str
) -> None:
    score = _score(tempo_bpm, time_signature)
    played = perform(score, swing=swing, humanise=humanise, seed=seed, swing_unit=unit)  # type: ignore[arg-type]
    pair = 4 if unit == "eighth" and time_signature == "4/4" else 2
    steps_per_beat = score.meter.steps_per_beat
    for before, after in zip(score.tracks, played.tracks, strict=True):
        assert len(after.notes) == len(before.notes)
        expected = {pitch: sorted(n.start_beats for n in before.notes if n.pitch == pitch) for pitch in range(128)}
        for pitch, straight in expected.items():
            swung = swing_time(np.array(straight) * steps_per_beat, swing, pair) / steps_per_beat
            starts = np.array([n.start_beats for n in after.notes if n.pitch == pitch])
            assert np.all(np.abs(starts - swung) * score.seconds_per_beat <= TIMING_LIMIT_S + 1e-9)
        for note in after.notes:
            assert note.start_beats >= 0
            assert note.duration_beats > 0
            assert note.end_beats <= score.duration_beats + 1e-9
            assert abs(note.velocity - 84) <= VELOCITY_LIMIT


def test_nothing_asked_changes_nothing() -> None:
    assert perform(_score(), swing=0, humanise=0, seed=1) == _score()


def test_full_swing_is_a_triplet_of_the_chosen_unit() -> None:
    def starts(unit: str, time_signature: str = "4/4") -> list[float]:
        score = _score(time_signature=time_signature)
        played = perform(score, swing=1.0, humanise=0.0, seed=1, swing_unit=unit)  # type: ignore[arg-type]
        return [note.start_beats for note in played.tracks[0].notes[:4]]

    assert starts("sixteenth") == pytest.approx([0, 1 / 3, 1 / 2, 5 / 6])
    assert starts("eighth") == pytest.approx([0, 1 / 3, 2 / 3, 5 / 6])
    assert starts("eighth", "6/8") == pytest.approx([0, 2 / 9, 3 / 9, 5 / 9])


@given(st.floats(0, 1), st.sampled_from([2, 4]), st.lists(st.floats(0, 64), min_size=1))
def test_unswing_inverts_swing(swing: float, pair: int, steps: list[float]) -> None:
    assert np.allclose(unswing_time(swing_time(np.array(steps), swing, pair), swing, pair), steps, atol=1e-6)


def test_the_same_seed_plays_the_same_and_another_differently() -> None:
    first, second, other = (perform(_score(), swing=0.3, humanise=0.8, seed=seed) for seed in (5, 5, 6))
    assert first == second
    assert first != other


def test_changing_one_bar_leaves_the_playing_of_the_others() -> None:
    score = replace(_score(), bars=2)
    lead = score.tracks[0]
    longer = replace(score, tracks=(replace(lead, notes=(*lead.notes, Note(70, 6.0, 1.0, 84))),))
    before = perform(replace(score, tracks=(lead,)), swing=0.5, humanise=1.0, seed=3).tracks[0].notes
    after = perform(longer, swing=0.5, humanise=1.0, seed=3).tracks[0].notes
    assert after[: len(before) - 1] == before[:-1]


def test_guitars_strum_down_on_the_beat_and_up_off_it() -> None:
    chord = tuple(Note(pitch, beat, 0.5, 84) for beat in (0.5, 1.0) for pitch in (52, 55, 59, 64))
    score = Score(100.0, "C", "major", "4/4", 1, tracks=(Track("chords", "steel_guitar", chord),))
    directions = {"up": [], "down": []}
    for seed in range(20):
        notes = perform(score, swing=0, humanise=1.0, seed=seed).tracks[0].notes
        starts = {(note.start_beats > 0.75, note.pitch): note.start_beats for note in notes}
        directions["up"].append(starts[False, 52] - starts[False, 64])
        directions["down"].append(starts[True, 64] - starts[True, 52])
    assert np.mean(directions["up"]) * 0.6 > 0.008
    assert np.mean(directions["down"]) * 0.6 > 0.008


def test_winds_join_their_notes_and_repeat_them_with_a_breath() -> None:
    notes = (Note(72, 0.0, 1.0, 84), Note(74, 1.0, 1.0, 84), Note(74, 2.0, 1.0, 84))
    score = Score(120.0, "C", "major", "4/4", 1, tracks=(Track("lead", "flute", notes),))
    first, second, third = perform(score, swing=0, humanise=0.01, seed=1).tracks[0].notes
    assert first.end_beats > second.start_beats + 0.01
    assert second.end_beats < third.start_beats - 0.03


def test_textures_are_left_alone_and_bad_amounts_refused() -> None:
    drone = Track("texture", "rain", (Note(60, 0.0, 4.0, 84),))
    score = Score(100.0, "C", "major", "4/4", 1, tracks=(drone,))
    assert perform(score, swing=0.5, humanise=1.0, seed=2).tracks == (drone,)
    with pytest.raises(ValueError, match=r"swing 1\.5"):
        perform(score, swing=1.5, humanise=0.0, seed=0)


def test_shade_follows_the_sections_and_the_mood() -> None:
    notes = (Note(60, 0.0, 1.0, 80), Note(60, 4.0, 1.0, 80))
    score = Score(
        120.0,
        "C",
        "major",
        "4/4",
        2,
        sections=(Section("verse", "A", 0, 1, 0.25), Section("chorus", "B", 1, 1, 0.75)),
        tracks=(Track("lead", "flute", notes), Track("texture", "rain", notes)),
    )
    lead, rain = shade(score, -4).tracks
    assert [note.velocity for note in lead.notes] == [71, 81]
    assert rain == score.tracks[1]
