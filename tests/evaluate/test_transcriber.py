"""The transcriber and how heard notes are held against the score's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.analysis.transcriber import HOP, RATE_HZ, SEMITONES, Posteriorgram, decoded, heard_notes
from noisician.edits import NewNote
from noisician.evaluate.note_matching import Heard, heard, matched
from noisician.evaluate.suites import edits
from noisician.mel import SAMPLE_RATE_HZ
from noisician.piece import Player
from noisician.score.model import METERS
from noisician.score.played import NoteEvent

TUNE = tuple(NoteEvent(pitch, 0.5 * n + 0.3, 0.5 * n + 0.7, 90) for n, pitch in enumerate((60, 64, 67, 72, 71, 62)))


def plucked(notes: tuple[NoteEvent, ...], length_s: float) -> np.ndarray:
    """Falling tones of four harmonics."""
    times = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    audio = np.zeros(len(times))
    for note in notes:
        since, hz = times - note.start_s, 440 * 2 ** ((note.pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hz * harmonic * since) / harmonic for harmonic in range(1, 5))
        audio += np.where((since > 0) & (times < note.end_s), 0.2 * np.exp(-2 * since.clip(0)) * tone, 0)
    return audio


# --- the judge ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
def test_a_tune_is_heard_note_by_note(channels: int) -> None:
    audio = plucked(TUNE, 4.0)
    found = heard(TUNE, heard_notes(np.stack([audio] * channels, axis=1)))
    assert found.onsets == found.notes == 1.0 and found.pitches > 0.9


def test_a_tune_a_semitone_away_is_not_the_tune() -> None:
    moved = tuple(NoteEvent(note.pitch + 1, note.start_s, note.end_s, note.velocity) for note in TUNE)
    found = heard(TUNE, heard_notes(plucked(moved, 4.0)))
    assert found.onsets == 1.0 and found.notes < 0.2


def test_silence_has_no_notes() -> None:
    assert heard_notes(np.zeros(SAMPLE_RATE_HZ)) == ()


def test_windows_are_heard_at_their_own_time() -> None:
    """A note late in a long recording lies where the same note early in a short one does."""
    note = NoteEvent(69, 0.4, 0.8, 90)
    later = NoteEvent(69, 5.4, 5.8, 90)
    (early,), (late,) = heard_notes(plucked((note,), 1.5)), heard_notes(plucked((later,), 6.5))
    assert late.pitch == early.pitch == 69
    assert late.start_s - early.start_s == pytest.approx(5.0, abs=1.5 * HOP / RATE_HZ)


# --- from likelihoods to notes ------------------------------------------------------------------------------------


def posteriors(frames: int = 80) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((frames, SEMITONES), np.float32), np.zeros((frames, SEMITONES), np.float32)


def spans(onsets: np.ndarray, sounding: np.ndarray) -> list[tuple[int, int, int]]:
    notes = decoded(Posteriorgram(onsets, sounding))
    return [(note.pitch - 21, round(note.start_s * RATE_HZ / HOP), round(note.end_s * RATE_HZ / HOP)) for note in notes]


def test_an_onset_divides_what_sounds_on() -> None:
    onsets, sounding = posteriors()
    onsets[[10, 40], 30] = 0.9
    sounding[10:70, 30] = 0.8
    assert spans(onsets, sounding) == [(30, 10, 40), (30, 40, 70)]


def test_short_gaps_are_bridged_and_longer_ones_end_a_note() -> None:
    onsets, sounding = posteriors()
    onsets[10, 30] = 0.9
    sounding[10:30, 30], sounding[30:35, 30], sounding[35:60, 30] = 0.8, 0.25, 0.5
    assert spans(onsets, sounding) == [(30, 10, 60)]
    sounding[30:45, 30] = 0.25
    assert spans(onsets, sounding) == [(30, 10, 30), (30, 45, 60)]


def test_what_swells_without_an_onset_is_a_note_and_its_neighbours_are_not() -> None:
    onsets, sounding = posteriors()
    sounding[20:60, 30], sounding[20:60, 31] = 0.8, 0.5
    assert spans(onsets, sounding) == [(30, 20, 60)]


def test_what_is_shorter_than_believed_is_no_note() -> None:
    onsets, sounding = posteriors()
    onsets[10, 30] = 0.9
    sounding[10:18, 30] = 0.8
    assert spans(onsets, sounding) == []


# --- matching -----------------------------------------------------------------------------------------------------


def test_shares_of_what_is_heard() -> None:
    reference = [NoteEvent(60, 0.0, 1.0, 90), NoteEvent(62, 1.0, 2.0, 90)]
    estimated = [NoteEvent(60, 0.04, 1.0, 90), NoteEvent(74, 1.0, 2.0, 90)]
    assert heard(reference, estimated) == Heard(onsets=1.0, notes=0.5, pitches=pytest.approx(0.48))
    assert heard(reference, []) == Heard(0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="no notes"):
        heard([], estimated)


def test_nobody_is_matched_twice() -> None:
    assert matched(np.array([[True, False], [True, False]])) == 1
    assert matched(np.array([[True, True], [True, False]])) == 2


@st.composite
def note_lists(draw: st.DrawFn) -> list[NoteEvent]:
    values = st.lists(st.tuples(st.integers(60, 63), st.integers(0, 60)), min_size=1, max_size=8)
    return [NoteEvent(pitch, start / 50, start / 50 + 0.1, 90) for pitch, start in draw(values)]


@settings(deadline=None, max_examples=50)  # mir_eval is imported on the first example
@given(reference=note_lists(), estimated=note_lists())
def test_matching_agrees_with_mir_eval(reference: list[NoteEvent], estimated: list[NoteEvent]) -> None:
    transcription = pytest.importorskip("mir_eval.transcription")

    def arrays(notes: list[NoteEvent]) -> tuple[np.ndarray, np.ndarray]:
        hz = 440 * 2 ** ((np.array([note.pitch for note in notes]) - 69) / 12)
        return np.array([(note.start_s, note.end_s) for note in notes]), hz

    (intervals, hz), (heard_intervals, heard_hz) = arrays(reference), arrays(estimated)
    notes = transcription.match_notes(intervals, hz, heard_intervals, heard_hz, offset_ratio=None)
    onsets = transcription.match_note_onsets(intervals, heard_intervals)
    found = heard(reference, estimated)
    assert (found.notes, found.onsets) == (len(notes) / len(reference), len(onsets) / len(reference))


# --- the suite ----------------------------------------------------------------------------------------------------


def test_pieces_are_of_different_genres() -> None:
    chosen = edits.genres(12, 0)
    assert len(set(chosen)) == 12
    assert edits.genres(1, 0) == chosen[:1]


def test_a_new_tune_is_diatonic_fills_its_bars_and_stays_in_range() -> None:
    plan = SimpleNamespace(key="C", mode="minor", bars=2, meter=METERS["4/4"])
    piece: Any = SimpleNamespace(plan=plan, notes={"lead": ()})
    lead = Player("lead", "lead", "flute")
    tune = edits.new_tune(piece, lead, np.random.default_rng(3))
    ends = [note.start_beats + note.duration_beats for note in tune]
    assert [note.start_beats for note in tune] == [0.0, *ends[:-1]] and ends[-1] == 8.0
    assert {note.duration_beats for note in tune} == {0.5, 1.0}
    assert all(note.pitch % 12 in (0, 2, 3, 5, 7, 8, 10) and 60 <= note.pitch <= 96 for note in tune)
    assert len({note.pitch for note in tune}) > 4
    assert tune == edits.new_tune(piece, lead, np.random.default_rng(3))
    assert all(isinstance(note, NewNote) for note in tune)


@given(place=st.integers(-4, 14))
def test_a_step_beyond_an_end_turns_back(place: int) -> None:
    within = edits._within(place, 11)
    assert within == (place if 0 <= place <= 10 else -place if place < 0 else 20 - place)


def test_figures_hold_the_stem_against_its_targets_and_the_mix_against_the_soundfont() -> None:
    shares = {"pitches": 0.9, "onsets": 0.7, "notes": 0.65}
    row = {f"{where}_{name}": share for where in ("stem", "mix") for name, share in shares.items()}
    row |= {f"soundfont_{name}": share + 0.05 * name.startswith("mix") for name, share in row.items()}
    figures = {one.name: one for one in edits.figures([row, row])}
    pitches = figures["pitches of an edited tune heard on the stem"]
    assert (pitches.value, pitches.met, pitches.items) == (pytest.approx(90), True, 2)
    assert figures["onsets of an edited tune heard on the stem"].met is False
    assert figures["notes of an edited tune heard on the stem"].met is None
    under = figures["notes of an edited tune heard on the mix, points under the soundfont"]
    assert (under.value, under.met) == (pytest.approx(5), False)
