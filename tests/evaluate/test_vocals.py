"""The evaluation of the singing: its judges on known answers, its checks on settings with a fault, rows to figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.analysis.pitch import track
from noisician.corpus.lieder import SetSyllable, human_stresses
from noisician.errors import CorpusError, NoisicianError
from noisician.evaluate.recogniser import LineRecogniser, nearest_line, word_errors
from noisician.evaluate.report import Figure
from noisician.evaluate.singing_checks import (
    Completeness,
    SetText,
    agreement,
    completeness,
    our_stresses,
    performed_well,
    placed_well,
    set_text,
    sounds,
)
from noisician.evaluate.singing_lines import LINES, PITCHES, performed, speaker_turns, write_sheet
from noisician.evaluate.singing_spectra import held_out_phrases, held_vowel_motion_db, log_spectral_distance_db
from noisician.evaluate.singing_texts import Text, held_out_songs, random_text
from noisician.evaluate.suites import vocals
from noisician.evaluate.suites.suite import Row
from noisician.evaluate.sung_pitch import steady_notes
from noisician.lyrics import parse
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.model import METERS
from noisician.vocals.frames import FEATURES, SPEAKERS
from noisician.vocals.setting import Placement
from noisician.vocals.voices import voices

FOUR = METERS["4/4"]


def figure(figures: list[Figure], name: str) -> Figure:
    (found,) = [entry for entry in figures if entry.name == name]
    return found


def text(lyrics: str, words: str | None = None, meter: str = "4/4") -> Text:
    return Text("t", lyrics, tuple((words or lyrics).split()), meter, 100.0)


@pytest.fixture(scope="module")
def simple() -> SetText:
    return set_text(text("a river of silver (silver)\nrunning~~ to the ocean"), 0)


# --- texts ------------------------------------------------------------------------------------------------------


def test_random_texts_are_read_as_they_were_written() -> None:
    texts = [random_text(seed) for seed in range(12)]
    for one in texts:
        lyrics = parse(one.lyrics)
        assert tuple(word.text for line in lyrics.lines for word in line.words) == one.words
    everything = "\n".join(one.lyrics for one in texts)
    assert all(mark in everything for mark in ("~", "(", "/", "{", "[Chorus"))
    assert random_text(3) == random_text(3)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_all_of_a_random_text_is_sung(seed: int) -> None:
    found = completeness(random_text(seed), seed)
    assert found.sung == found.syllables > 0
    assert found.words_kept


def test_a_text_that_is_refused_counts_as_not_sung() -> None:
    assert completeness(text("[Verse]"), 0).sung == 0
    too_long = text("ocean " * 17)
    assert completeness(too_long, 0) == Completeness(17, 0, False)


def test_a_lost_word_is_noticed() -> None:
    assert not completeness(text("hello my ocean", "hello my wide ocean"), 0).words_kept


# --- checks of settings -----------------------------------------------------------------------------------------


def test_places_that_overlap_or_leave_their_line_are_found(simple: SetText) -> None:
    words, line = simple.words[0], simple.lines[0]
    assert all(placed_well(words, line, FOUR, 0))
    placed = list(line.placements)
    overlapping = replace(placed[1], end_step=placed[2].step + 1)
    late = replace(placed[-1], end_step=line.where.bars * FOUR.steps_per_bar + 1)
    faulty = replace(line, placements=(placed[0], overlapping, *placed[2:-1], late))
    marks = placed_well(words, faulty, FOUR, 0)
    assert [place for place, good in enumerate(marks) if not good] == [2, len(placed) - 1]
    assert not any(placed_well(words, replace(line, placements=line.placements[:-1]), FOUR, 0))
    busy = line.where.start_bar * FOUR.steps_per_bar + placed[0].step + 1
    assert placed_well(words, line, FOUR, busy)[0] is False


def test_a_melisma_needs_all_of_its_notes(simple: SetText) -> None:
    words, line = simple.words[1], simple.lines[1]
    notes = [len(placement.onsets) for placement in line.placements]
    assert max(notes) == 3
    melisma = notes.index(3)
    shorter = Placement(line.placements[melisma].onsets[:2], line.placements[melisma].end_step)
    placed = (*line.placements[:melisma], shorter, *line.placements[melisma + 1 :])
    assert placed_well(words, replace(line, placements=placed), FOUR, 0)[melisma] is False


def test_a_phone_left_out_or_sung_twice_is_heard(simple: SetText) -> None:
    assert all(performed_well(simple.words[0], simple.lines[0], simple, 0))
    phrase = write_sheet(0).sung_by(voices()["tom"], 0, 0)
    performance = performed(phrase)
    assert all(sounds(phrase.syllables, performance))
    dropped = next(place for place, phone in enumerate(performance.phones) if phone.syllable == 3)
    without = replace(performance, phones=performance.phones[:dropped] + performance.phones[dropped + 1 :])
    assert [place for place, good in enumerate(sounds(phrase.syllables, without)) if not good] == [3]
    twice = replace(performance, phones=(*performance.phones, performance.phones[dropped]))
    assert sounds(phrase.syllables, twice)[3] is False
    late = replace(performance, start_s=performance.start_s + 5)
    assert not any(sounds(phrase.syllables, late)[:4])


def test_stress_agreement_of_ours_and_of_people() -> None:
    lines = our_stresses(set_text(text("the river and the ocean\nthe silver and the fire"), 0))
    assert [stress for stress, _, _ in lines[0]] == [0, 2, 0, 0, 0, 2, 0]
    people = [SetSyllable(FOUR, step, 2, 1, stress, ends) for step, stress, ends in ((14, 0, False), (0, 2, True))]
    people += [SetSyllable(FOUR, 4.33, 1, 1, 0, False), SetSyllable(FOUR, 8, 1, 1, 2, True)]
    assert human_stresses(people) == [[(0, 14, FOUR), (2, 0, FOUR)], [(2, 8, FOUR)]]
    assert agreement(human_stresses(people)) is None
    assert agreement(human_stresses(people * 12)) == (1.0, 12)


def test_scores_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="lieder"):
        next(held_out_songs(tmp_path))


# --- pitch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hz", [82.0, 146.8, 261.6, 587.3])
def test_the_tracker_finds_a_pulse_train_to_a_cent(hz: float) -> None:
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = sum(np.cos(2 * np.pi * k * hz * time_s) / k for k in range(1, int(8000 / hz)))
    pitch = 69 + 12 * np.log2(hz / 440)
    found = track(np.asarray(tone), np.arange(20, 80), pitch - 10, pitch + 9)
    assert np.abs(1200 * np.log2(found / hz)).max() < 1.5


def test_vibrato_leaves_the_centre_where_it_is() -> None:
    phrase = write_sheet(0).sung_by(voices()["ava"], 3, 0)
    performance = performed(phrase)
    f0_hz = np.repeat(performance.frames.f0_hz.astype(float), SAMPLE_RATE_HZ // 100)
    sung = np.cos(2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE_HZ) + 0.5 * np.cos(
        4 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE_HZ
    )
    notes = steady_notes(sung, phrase.syllables, performance, voices()["ava"].range)
    assert notes and max(abs(note.centre_cents) for note in notes) < 25
    a_semitone_up = tuple(
        replace(one, notes=tuple(replace(note, pitch=note.pitch + 1) for note in one.notes)) for one in phrase.syllables
    )
    flat = steady_notes(sung, a_semitone_up, performance, voices()["ava"].range)
    assert np.median([note.centre_cents for note in flat]) == pytest.approx(-100, abs=15)


# --- words ------------------------------------------------------------------------------------------------------


def test_word_errors_and_the_nearest_line() -> None:
    assert word_errors(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    lines = ("the sea is wide", "the night is young", "run away with me")
    assert nearest_line("night is young", lines) == 1
    assert nearest_line("the", lines) is None  # two lines begin so
    assert nearest_line("", lines) is None
    assert nearest_line("with me", lines) == 2


def test_the_recogniser_says_which_word_it_does_not_know() -> None:
    pytest.importorskip("pocketsphinx")
    with pytest.raises(NoisicianError, match="zzyx"):
        LineRecogniser(("hello zzyx",))
    silence = LineRecogniser(("hello there", "good night to you"))
    assert silence.identify(np.full(8000, 1e-6), 16000) is None


def test_every_voice_sings_the_lines_low_in_its_range() -> None:
    sheet = write_sheet(1)
    assert len(sheet.lines) == len(LINES) == 20
    for voice in voices().values():
        phrase = sheet.sung_by(voice, 7, 0)
        pitches = [note.pitch - voice.range[0] for one in phrase.syllables for note in one.notes]
        assert min(pitches) >= PITCHES[0] and max(pitches) <= PITCHES[1]
        assert phrase.syllables[0].start_s == 0
    assert sheet.lines[7] != write_sheet(2).lines[7]


def test_teachers_take_turns_by_weight() -> None:
    for voice in voices().values():
        turns = speaker_turns(voice, 40)
        for speaker, weight in zip(SPEAKERS, voice.mixture, strict=True):
            assert abs(turns.count(speaker) - 40 * weight) <= 1


# --- spectra ----------------------------------------------------------------------------------------------------


def test_the_distance_counts_voiced_frames_and_bands_only() -> None:
    target = np.zeros((4, FEATURES), np.float32)
    made = target.copy()
    made[:2, :50] = 2.0  # of 100 bands, half: √(4 / 2)
    made[2] = 99.0
    made[:, 100:] = 7.0
    assert log_spectral_distance_db(made, target, np.array([1, 1, 0, 0])) == pytest.approx(np.sqrt(2))
    assert log_spectral_distance_db(made, target, np.zeros(4)) is None


def test_motion_is_that_of_the_middle_of_held_vowels() -> None:
    phrase = write_sheet(0).sung_by(voices()["tom"], 5, 0)
    frames = performed(phrase).frames
    still = np.zeros((len(frames), FEATURES), np.float32)
    assert held_vowel_motion_db(still, frames) == 0
    moving = still + 3.0 * (np.arange(len(frames)) % 2)[:, None].astype(np.float32)
    assert held_vowel_motion_db(moving, frames) == pytest.approx(3)
    at_edges = np.where((np.abs(frames.position - 0.5) > 0.25)[:, None], moving, still)
    assert held_vowel_motion_db(at_edges, frames) == 0
    assert held_vowel_motion_db(moving[:5], frames.part(0, 5)) is None


def test_phrases_must_be_there_and_whole(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="0 shards"):
        next(held_out_phrases(tmp_path, 3))
    (tmp_path / "phrases-0.npz").write_bytes(b"nothing")
    with pytest.raises(CorpusError, match="damaged"):
        next(held_out_phrases(tmp_path, 3))


# --- rows to figures --------------------------------------------------------------------------------------------


def phrase_row(voice: str, heard: bool, teacher: bool | None, cents: float) -> Row:
    return {
        "kind": "phrase", "voice": voice, "heard": heard, "teacher_heard": teacher, "audio_s": 4.0, "cpu_s": 0.5,
        "note_cents": [cents], "frame_cents": [cents, -2 * cents],
    }  # fmt: skip


def test_figures_of_texts_compare_with_the_composers() -> None:
    rows: list[Row] = [
        {"kind": "random text", "syllables": 10, "sung": 10, "words_kept": True},
        {"kind": "lieder text", "syllables": 30, "sung": 29, "words_kept": True, "stress": (0.9, 10),
         "composer_stress": (0.95, 30)},
        {"kind": "lieder text", "syllables": 10, "sung": 10, "words_kept": False, "stress": (0.8, 30),
         "composer_stress": (0.85, 10)},
        {"kind": "lieder text", "syllables": 0, "sung": 0, "words_kept": True, "stress": None,
         "composer_stress": (0.1, 99)},
    ]  # fmt: skip
    found = vocals.figures(rows)
    assert figure(found, "syllables sung once on their notes, random lyrics").met
    assert figure(found, "syllables sung once on their notes, held-out lieder").value == pytest.approx(97.5)
    stress = figure(found, "stressed syllables on stronger beats than their neighbours")
    assert (stress.value, stress.baselines["composers"]) == (pytest.approx(82.5), pytest.approx(92.5))
    assert stress.met is False
    assert figure(found, "singing, speed on one core").value is None


def test_figures_of_voices_name_the_one_furthest_under_its_teacher() -> None:
    rows = [phrase_row("ava", True, True, 2), phrase_row("ava", False, True, -4), phrase_row("ava", True, None, 3)]
    rows += [phrase_row("tom", True, False, 70), phrase_row("tom", True, True, 5)]
    found = vocals.figures(rows)
    everybody = figure(found, "line identification, 1 of 20, all voices")
    assert (everybody.value, everybody.baselines["teacher"], everybody.met) == (80, 75, False)
    gap = figure(found, "line identification, points the weakest voice is under its teacher")
    assert (gap.value, gap.met) == (50, False)
    assert "ava" in gap.how
    assert figure(found, "line identification, tom").baselines == {"teacher": 50}
    assert figure(found, "sung pitch against score, median of steady notes").value == 4
    assert figure(found, "sung pitch against score, 95th percentile of steady notes").met is False
    speed = figure(found, "singing, speed on one core")
    assert (speed.value, speed.met) == (8, False)


def test_without_teachers_there_is_no_baseline_and_no_gap() -> None:
    found = vocals.figures([phrase_row("ava", True, None, 2)])
    assert figure(found, "line identification, 1 of 20, all voices").baselines == {}
    gap = figure(found, "line identification, points the weakest voice is under its teacher")
    assert (gap.value, gap.met) == (None, False)


def test_figures_of_spectra() -> None:
    rows: list[Row] = [
        {
            "kind": "spectrum",
            "speaker": speaker,
            "mean_db": mean,
            "sung_db": mean + 1,
            "sung_motion_db": 0.2,
            "mean_motion_db": None,
            "teacher_motion_db": 0.1,
        }
        for speaker, mean in (("rms", 3.0), ("slt", 5.0))
    ]
    rows += [{"kind": "distance", "voices": [one, "b"], "distance_db": far} for one, far in (("a", 2.5), ("c", 6.0))]
    found = vocals.figures(rows)
    assert figure(found, "voiced log-spectral distance to the teacher, as sung").value == 5
    assert figure(found, "voiced log-spectral distance to the teacher, mean").met
    assert figure(found, "voiced log-spectral distance, mean, slt").value == 5
    motion = figure(found, "motion of held vowels, as sung")
    assert (motion.value, motion.baselines) == (0.2, {"teacher": 0.1})
    nearest = figure(found, "vowel distance of the two voices most alike")
    assert (nearest.value, nearest.met) == (2.5, False)
    assert "a and b" in nearest.how
