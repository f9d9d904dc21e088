"""Tempo that changes: beats to seconds and back, and how the form uses it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.score.midi import read_midi, write_midi
from noisician.score.model import Note, Score, Track
from noisician.score.played import played_notes
from noisician.score.tempo import TempoChange, TempoCurve, ramp

SLOWING = TempoCurve(120, (TempoChange(4, 60), TempoChange(6, 240)))


def test_each_tempo_lasts_until_the_next() -> None:
    assert [SLOWING.seconds(beats) for beats in (-1, 0, 3, 4, 5, 6, 10)] == [-0.5, 0, 1.5, 2, 3, 4, 5]
    assert [SLOWING.bpm(beats) for beats in (0, 3.9, 4, 7)] == [120, 120, 60, 240]
    assert SLOWING.beat_s(5) == 1


CHANGES = st.lists(st.tuples(st.floats(0.1, 50), st.floats(30, 300)), max_size=6).map(sorted)


@given(tempo_bpm=st.floats(30, 300), changes=CHANGES, beats=st.floats(0, 100))
def test_seconds_and_beats_are_inverse(tempo_bpm: float, changes: list[tuple[float, float]], beats: float) -> None:
    curve = TempoCurve.of(tempo_bpm, changes)
    assert curve.beats(curve.seconds(beats)) == pytest.approx(beats, abs=1e-6)
    assert curve.seconds(beats + 1) > curve.seconds(beats)


def test_what_changes_nothing_is_left_out() -> None:
    assert TempoCurve.of(100, [(2, 100), (4, 90), (4, 100)]) == TempoCurve(100)


def test_a_ramp_leads_from_one_tempo_to_another_beat_by_beat() -> None:
    changes = ramp(8, 12, 100, 60)
    assert [change.start_beats for change in changes] == [8, 9, 10, 11]
    assert [change.tempo_bpm for change in changes] == [90, 80, 70, 60]


def test_a_score_is_played_under_its_tempo_and_keeps_it_in_files() -> None:
    notes = (Note(60, 0, 4, 80), Note(62, 4, 2, 80), Note(64, 6, 4, 80))
    score = Score(120, "C", "major", "4/4", 3, tracks=(Track("lead", "flute", notes),), tempo_changes=SLOWING.changes)
    assert [(note.start_s, note.end_s) for note in played_notes(score, score.tracks[0])] == [(0, 2), (2, 4), (4, 5)]
    assert score.bar_start_s(2) == 4.5 and score.duration_s == 5.5
    assert Score.from_dict(score.to_dict()) == score
    assert "tempo_changes" not in replace(score, tempo_changes=()).to_dict()
    file = BytesIO()
    write_midi(score, file)
    file.seek(0)
    assert read_midi(file).tempo_changes == SLOWING.changes
