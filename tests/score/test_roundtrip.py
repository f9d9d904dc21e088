"""Grid → score → grid → score, and what decoding promises about single cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.request import TONICS
from noisician.score import Chord, Note, Score, Section, Track
from noisician.score.decode import decode, fit_range, semitones_from_c
from noisician.score.encode import GridNote, encode, estimate_key, nearest_drum, recognise_chords
from noisician.score.grid import (
    DRUM_HITS,
    DRUMS,
    HOLD,
    MONOPHONIC,
    VOCABULARY,
    Grid,
    chord_token,
    pitch_token,
    voicing_token,
)
from noisician.score.harmony import QUALITY_NAMES, REGISTER_FLOORS, voice
from noisician.score.model import METERS
from noisician.score.perform import perform
from noisician.styles import instruments

ROSTER = {
    "lead": "flute",
    "counter": "cello",
    "arp": "harp",
    "bass": "electric_bass",
    "chords": "grand_piano",
    "pad": "string_ensemble",
    "drums": "standard_kit",
}


def _random_grid(seed: int, signature: str, bars: int = 4) -> Grid:
    rng = np.random.default_rng(seed)
    grid = Grid.empty(bars, signature)
    steps = len(grid.tokens)
    grid.stream("chord")[:] = np.repeat(rng.integers(1, VOCABULARY["chord"], -(-steps // 4)), 4)[:steps]
    for name in (*MONOPHONIC, "chords", "pad", *DRUMS):
        onset = rng.random(steps) < 0.3
        held = rng.random(steps) < 0.8
        grid.stream(name)[:] = np.where(onset, rng.integers(0, VOCABULARY[name], steps), held * (name not in DRUMS))
    return grid


def _decode(grid: Grid, key: str = "C", instrumentation: dict[str, str] | None = None, **others: object) -> Score:
    arguments = {"tempo_bpm": 120.0, "mode": "major", "sections": (), **others}
    return decode(grid, key=key, instrumentation=instrumentation or ROSTER, **arguments)  # type: ignore[arg-type]


def _track(score: Score, role: str) -> Track:
    return next(track for track in score.tracks if track.role == role)


def _timing(track: Track) -> list[tuple[int, float, float]]:
    return [(note.pitch, note.start_beats, note.duration_beats) for note in track.notes]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    signature=st.sampled_from(sorted(METERS)),
    key=st.sampled_from(TONICS),
    bass=st.sampled_from(["electric_bass", "sub_808", "tuba", "pizzicato_strings"]),
    lead=st.sampled_from(["flute", "piccolo", "bassoon", "grand_piano", "tubular_bells"]),
)
def test_round_trip_keeps_monophonic_roles_and_harmony(
    seed: int, signature: str, key: str, bass: str, lead: str
) -> None:
    instrumentation = {**ROSTER, "bass": bass, "lead": lead}
    first = _decode(_random_grid(seed, signature), key, instrumentation)
    again = _decode(encode(first), key, instrumentation)
    for role in (*MONOPHONIC, "drums"):
        assert _track(again, role) == _track(first, role)
    assert again.chords == first.chords


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    swing=st.floats(0, 1),
    unit=st.sampled_from(["sixteenth", "eighth"]),
    tempo_bpm=st.sampled_from([60.0, 120.0, 180.0]),
)
def test_round_trip_through_a_performance_keeps_onsets_and_pitches(
    seed: int, swing: float, unit: str, tempo_bpm: float
) -> None:
    straight = _decode(_random_grid(seed, "4/4"), tempo_bpm=tempo_bpm)
    played = perform(straight, swing=swing, humanise=1.0, seed=seed, swing_unit=unit)  # type: ignore[arg-type]
    again = _decode(encode(played), tempo_bpm=tempo_bpm)
    for role in MONOPHONIC:
        before = {(note.start_beats, note.pitch) for note in _track(straight, role).notes}
        after = {(note.start_beats, note.pitch) for note in _track(again, role).notes}
        assert after == before


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), key=st.sampled_from(TONICS))
def test_round_trip_keeps_chordal_parts_nearly(seed: int, key: str) -> None:
    first = _decode(_random_grid(seed, "4/4"), key)
    again = _decode(encode(first), key)
    before, after = set(_timing(_track(first, "pad"))), set(_timing(_track(again, "pad")))
    assert len(before & after) >= 0.8 * len(before)


@pytest.mark.parametrize(("key", "shift"), [("C", 0), ("F", 5), ("F#", -6), ("G", -5), ("B", -1)])
def test_transposition_takes_the_nearest_way(key: str, shift: int) -> None:
    assert semitones_from_c(key) == shift
    grid = Grid.empty(1)
    grid.stream("lead")[0] = pitch_token(72, 1)
    assert _decode(grid, key).tracks[0].notes == (Note(72 + shift, 0.0, 0.25, 84),)


def test_a_hold_extends_and_a_hold_of_nothing_rests() -> None:
    grid = Grid.empty(1, "6/8")
    grid.stream("lead")[:7] = [HOLD, HOLD, pitch_token(72, 0), HOLD, HOLD, 0, HOLD]
    assert _decode(grid).tracks[0].notes == (Note(72, 2 / 6, 3 / 6, 62),)


def test_a_melody_that_only_holds_has_no_notes() -> None:
    grid = _random_grid(0, "4/4")
    grid.stream("lead")[:] = HOLD
    assert _decode(grid, instrumentation={"lead": "flute"}).tracks[0].notes == ()


def test_a_held_chord_moves_only_the_voices_that_must() -> None:
    grid = Grid.empty(1)
    grid.stream("chord")[:8] = chord_token(0, "maj")
    grid.stream("chord")[8:] = chord_token(9, "min")
    grid.stream("pad")[0] = voicing_token(2, "close", 1)
    grid.stream("pad")[1:] = HOLD
    floor = REGISTER_FLOORS[2]
    assert voice(0, "maj", "close", floor) == (60, 64, 67)
    assert voice(9, "min", "close", floor) == (57, 60, 64)
    expected = {(60, 0.0, 4.0), (64, 0.0, 4.0), (67, 0.0, 2.0), (57, 2.0, 2.0)}
    assert set(_timing(_track(_decode(grid), "pad"))) == expected
    assert np.array_equal(encode(_decode(grid)).stream("pad"), grid.stream("pad"))


def test_a_strike_without_harmony_is_silent_but_a_held_chord_rings_on() -> None:
    grid = Grid.empty(1)
    grid.stream("chord")[:4] = chord_token(0, "maj")
    grid.stream("chords")[0] = voicing_token(1, "power", 1)
    grid.stream("chords")[1:8] = HOLD
    grid.stream("chords")[8] = voicing_token(1, "power", 1)
    notes = _track(_decode(grid), "chords").notes
    assert {(note.start_beats, note.duration_beats) for note in notes} == {(0.0, 2.0)}


def test_chords_are_transposed_runs_of_the_chord_stream() -> None:
    grid = Grid.empty(2)
    grid.stream("chord")[4:16] = chord_token(7, "7")
    grid.stream("chord")[16:] = chord_token(0, "maj7")
    assert _decode(grid, "D").chords == (Chord(1.0, 3.0, 9, "7"), Chord(4.0, 4.0, 2, "maj7"))


def _line(*pitches: int) -> list[Note]:
    return [Note(pitch, float(place), 1.0, 84) for place, pitch in enumerate(pitches)]


def test_a_part_moves_by_whole_octaves_before_single_notes_fold() -> None:
    assert [note.pitch for note in fit_range(_line(48, 50, 52), 60, 96)] == [60, 62, 64]
    assert [note.pitch for note in fit_range(_line(60, 72, 84, 86), 60, 84)] == [60, 72, 84, 74]


def test_a_bass_stays_low_when_few_notes_lie_below_its_strings() -> None:
    line = _line(26, 28, 31, 33)
    assert [note.pitch for note in fit_range(line, 28, 60, keep_low=True)] == [38, 28, 31, 33]
    assert [note.pitch for note in fit_range(line, 28, 60)] == [38, 40, 43, 45]


def test_drums_decode_to_general_midi_and_every_hit_comes_back() -> None:
    for stream, hits in DRUM_HITS.items():
        for token, (pitch, velocity) in enumerate(hits, start=1):
            grid = Grid.empty(1)
            grid.stream(stream)[3] = token
            score = _decode(grid, instrumentation={"drums": "jazz_kit"})
            assert score.tracks[0].notes == (Note(pitch, 0.75, 0.25, velocity),)
            assert np.array_equal(encode(score).tokens, grid.tokens)


def test_every_general_midi_drum_a_kit_plays_often_has_a_place() -> None:
    assert nearest_drum(35, 100) == ("kick", 2)
    assert nearest_drum(59, 60) == ("cymbal", 1)
    assert nearest_drum(58, 90) == ("perc", 1)
    assert nearest_drum(27, 90) is None


def test_textures_sound_throughout_and_risers_lead_into_the_louder_section() -> None:
    sections = (Section("verse", "A", 0, 4, 0.3), Section("drop", "B", 4, 4, 0.9), Section("outro", "C", 8, 2, 0.2))
    instrumentation = {"texture": "vinyl_crackle", "fx": "noise_riser"}
    texture, riser = _decode(Grid.empty(10), instrumentation=instrumentation, sections=sections).tracks
    assert [(note.start_beats, note.end_beats) for note in texture.notes] == [(0.0, 40.0)]
    assert [(note.start_beats, note.end_beats) for note in riser.notes] == [(8.0, 16.0)]
    falls = _decode(Grid.empty(10), instrumentation={"fx": "downlifter"}, sections=sections).tracks[0]
    assert [note.start_beats for note in falls.notes] == [32.0]


def test_a_role_may_be_filled_twice() -> None:
    instrumentation = (("texture", "vinyl_crackle"), ("texture", "rain"))
    score = decode(Grid.empty(1), tempo_bpm=90.0, key="C", mode="major", sections=(), instrumentation=instrumentation)
    assert [track.instrument for track in score.tracks] == ["vinyl_crackle", "rain"]


def test_decode_refuses_masked_tokens_and_unknown_instruments() -> None:
    grid = Grid.empty(1)
    grid.stream("lead")[5] = VOCABULARY["lead"]
    with pytest.raises(ValueError, match="stream lead at step 5"):
        _decode(grid)
    with pytest.raises(RequestError, match="'kazoo'"):
        _decode(Grid.empty(1), instrumentation={"lead": "kazoo"})


@pytest.mark.parametrize("quality", [name for name in QUALITY_NAMES if name not in ("6", "m6", "sus4", "aug", "dim7")])
@pytest.mark.parametrize("root", [0, 5, 9])
def test_a_chord_over_its_root_is_recognised(root: int, quality: str) -> None:
    pitches = (36 + root, *voice(root, quality, "full", 56))
    notes = [GridNote(0, 16, pitch, 84) for pitch in pitches]
    assert set(recognise_chords(notes, 16, METERS["4/4"])) == {chord_token(root, quality)}


def test_recognition_follows_the_bars_and_ignores_a_passing_note() -> None:
    bars = [(0, "maj"), (5, "maj"), (7, "7"), (0, "maj")]
    notes = [
        GridNote(16 * bar, 16 * bar + 16, pitch, 84)
        for bar, (root, quality) in enumerate(bars)
        for pitch in (36 + root, *voice(root, quality, "full", 56))
    ]
    notes += [GridNote(4, 6, 74, 84), GridNote(6, 8, 77, 84)]
    tokens = recognise_chords(notes, 64, METERS["4/4"])
    assert list(tokens[::16]) == [chord_token(root, quality) for root, quality in bars]
    assert len(set(tokens[:16])) == 1


def test_silence_has_no_chord() -> None:
    assert not recognise_chords([], 32, METERS["4/4"]).any()


def test_a_given_harmony_is_not_second_guessed() -> None:
    track = Track("lead", "flute", (Note(74, 0.0, 1.0, 84),))
    score = Score(100.0, "D", "major", "4/4", 1, tracks=(track,), chords=(Chord(0.0, 4.0, 2, "sus4"),))
    assert set(encode(score).stream("chord")) == {chord_token(0, "sus4")}


def test_skyline_keeps_the_tune_over_its_accompaniment() -> None:
    tune = (Note(76, 0.0, 2.0, 84), Note(60, 1.0, 1.0, 84), Note(79, 2.0, 2.0, 84), Note(64, 2.0, 1.0, 84))
    score = Score(100.0, "C", "major", "4/4", 1, tracks=(Track("lead", "grand_piano", tune),))
    lead = _track(_decode(encode(score)), "lead")
    assert [(note.pitch, note.start_beats) for note in lead.notes] == [(76, 0.0), (79, 2.0)]


def test_key_of_a_scale_with_its_tonic_triad() -> None:
    weights = np.zeros(12)
    weights[[2, 4, 6, 7, 9, 11, 1]] = 1
    weights[[2, 6, 9]] = 3
    assert estimate_key(weights) == ("D", "major")
    weights = np.zeros(12)
    weights[[9, 11, 0, 2, 4, 5, 8]] = 1
    weights[[9, 0, 4]] = 3
    assert estimate_key(weights) == ("A", "minor")


def test_every_pitched_instrument_can_take_a_whole_grid() -> None:
    grid = _random_grid(7, "4/4")
    for instrument in instruments().values():
        role = instrument.roles[0]
        if role not in ROSTER or role == "drums":
            continue
        for key in ("B", "F", "F#"):
            notes = _decode(grid, key, {role: instrument.id}).tracks[0].notes
            assert notes
            low, high = instrument.range
            assert all(low <= note.pitch <= high for note in notes), instrument.id
