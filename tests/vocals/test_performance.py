"""Syllables on notes: phone times, pitch, dynamics, styles and voices."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.corpus.vocals.phrases import random_phrase, random_style
from noisician.errors import RequestError
from noisician.lyrics.phones import bare
from noisician.styles import learnt_genres, table
from noisician.vocals.frames import CHANNELS, SPEAKERS, Frames, Performance, SungNote, SungSyllable
from noisician.vocals.performance import perform
from noisician.vocals.phones import BREATH, PAUSE, PHONE_IDS, PHONES, VOICED
from noisician.vocals.pitch import NoteGesture, gesture_curve, smooth_noise
from noisician.vocals.style import LIMITS, SingingStyle, members, preset, singing_style, style_table
from noisician.vocals.timing import (
    CONSONANT_SHARE,
    LAG_LIMIT_S,
    full_vowels,
    local_clock,
    split_syllable,
    time_phones,
)
from noisician.vocals.voices import parse_voice, voices

EXACT = SingingStyle(timing_spread_s=0.0, drift_cents=0.0, scoop=0.0, fall=0.0, overshoot=0.0, vibrato_depth=0.0)
SYLLABLES = (
    ("AA1",),
    ("HH", "AH0"),
    ("L", "OW1"),
    ("S", "T", "R", "EH1", "NG", "K", "TH", "S"),
    ("AO2", "R"),
    ("F", "IH1", "L", "Z"),
    ("M",),
    ("CH", "EY1", "N", "JH"),
)
WORDS = (
    (("HH", "AH0"), ("L", "OW1")),
    (("D", "AA1", "R", "K"), ("N", "AH0", "S")),
    (("S", "K", "AY1"),),
)


def syllable(phones: tuple[str, ...], *times: float, pitch: float = 60.0) -> SungSyllable:
    """On notes a tone apart whose edges are ``times``."""
    digits = [int(phone[-1]) for phone in phones if phone[-1].isdigit()]
    notes = tuple(SungNote(pitch + 2.0 * n, start, end) for n, (start, end) in enumerate(pairwise(times)))
    return SungSyllable(phones, notes, True, True, digits[0] if digits else 0)


def timeline(phrase: list[SungSyllable], style: SingingStyle = EXACT, lead_s: float = 0.6):
    return time_phones(local_clock(phrase), style, np.random.default_rng(1), lead_s)


@st.composite
def phrases(draw: st.DrawFn) -> list[SungSyllable]:
    """Any score a person could write down, and many nobody could sing."""
    time_s = draw(st.floats(0, 100))
    phrase = []
    for _ in range(draw(st.integers(1, 7))):
        notes = []
        for _ in range(draw(st.integers(1, 3))):
            length_s = draw(st.floats(0.02, 3.0))
            overlap_s = draw(st.sampled_from([0.0, 0.0, 0.5]))
            notes.append(SungNote(draw(st.floats(40, 80)), time_s, time_s + length_s + overlap_s))
            time_s += length_s
        phones = draw(st.sampled_from(SYLLABLES))
        phrase.append(SungSyllable(phones, tuple(notes), draw(st.booleans()), draw(st.booleans()), 1))
        time_s += draw(st.sampled_from([0.0, 0.0, 0.01, 0.1, 0.2, 1.0]))
    return phrase


@settings(max_examples=150, deadline=None)
@given(phrases(), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_any_score_is_sung_once_in_order_without_holes(phrase: list[SungSyllable], seed: int, lead_s: float) -> None:
    style = random_style(np.random.default_rng(seed))
    performance = perform(phrase, style, seed, lead_s)
    timed = performance.phones
    assert timed[0].start_s == 0.0
    assert all(before.end_s == after.start_s for before, after in pairwise(timed))
    assert all(phone.end_s > phone.start_s for phone in timed)
    sung = [(phone.phone, phone.syllable) for phone in timed if phone.syllable >= 0]
    wanted = [(bare(phone), number) for number, item in enumerate(phrase) for phone in item.phones]
    assert sung == wanted
    assert performance.start_s >= phrase[0].start_s - lead_s - 1e-6
    assert _well_formed(performance)


def _well_formed(performance: Performance) -> bool:
    frames = performance.frames
    arrays = [getattr(frames, field.name) for field in fields(Frames)]
    assert {len(array) for array in arrays} == {len(frames)}
    assert all(np.isfinite(array).all() for array in arrays)
    assert frames.duration_s >= performance.phones[-1].end_s
    assert frames.phone.dtype == np.int16 and frames.f0_hz.dtype == np.float32
    for name, high in (("position", 1), ("note_position", 1), ("slur", 1), ("effort", 1), ("breath", 1), ("stress", 2)):
        values = getattr(frames, name)
        assert values.min() >= 0 and values.max() <= high, name
    assert frames.f0_hz.min() > 0
    return True


@settings(max_examples=60, deadline=None)
@given(phrases(), st.integers(0, 2**32 - 1))
def test_vowels_begin_on_their_notes_and_consonants_leave_most_of_the_note_before(
    phrase: list[SungSyllable], seed: int
) -> None:
    notes = local_clock(phrase)
    timed = time_phones(notes, replace(EXACT, timing_spread_s=0.02), np.random.default_rng(seed))
    for number, item in enumerate(notes):
        onset, nucleus, _ = split_syllable(item.phones)
        own = [phone for phone in timed.phones if phone.syllable == number]
        vowel = own[len(onset)]
        assert vowel.phone == nucleus
        assert abs(vowel.start_s - timed.lead_s - item.start_s) <= LAG_LIMIT_S + 1e-9
        assert vowel.end_s > timed.lead_s + item.notes[-1].start_s  # a melisma is one vowel
        if number:
            last = notes[number - 1].notes[-1]
            borrowed_s = last.end_s - (own[0].start_s - timed.lead_s)
            assert borrowed_s <= CONSONANT_SHARE * last.duration_s + 2.2 * LAG_LIMIT_S


def test_consonants_keep_their_natural_length_on_long_notes_and_the_vowel_fills_the_rest() -> None:
    short, long = (
        timeline([syllable(("S", "AA1", "T"), 0, length), syllable(("M", "AA1"), length, 2 * length)])
        for length in (1.0, 3.0)
    )
    for phone in ("S", "T", "M"):
        lengths = [next(part.duration_s for part in line.phones if part.phone == phone) for line in (short, long)]
        assert 0.04 < lengths[0] < 0.16
        assert lengths[1] / lengths[0] < 1.3
    vowels = [next(part.duration_s for part in line.phones if part.phone == "AA") for line in (short, long)]
    assert vowels[1] - vowels[0] > 1.9


def test_short_notes_shorten_all_consonants_of_a_cluster_alike() -> None:
    def onset(length_s: float) -> np.ndarray:
        line = timeline([syllable(("AA1",), 0, length_s), syllable(("S", "T", "R", "AA1"), length_s, length_s + 1.0)])
        return np.array([part.duration_s for part in line.phones if part.phone in ("S", "T", "R")])

    long, short = onset(1.0), onset(0.1)
    assert short.sum() == pytest.approx(CONSONANT_SHARE * 0.1)
    assert short / short.sum() == pytest.approx(long / long.sum())


def test_the_first_consonants_take_the_silence_or_wait_for_none() -> None:
    phrase = [syllable(("S", "AA1"), 2.0, 3.0)]
    free, none = perform(phrase, EXACT, 1, 0.6), perform(phrase, EXACT, 1, 0.0)
    vowel = next(part for part in free.phones if part.phone == "AA")
    assert free.start_s + vowel.start_s == pytest.approx(2.0)
    late = next(part for part in none.phones if part.phone == "AA")
    assert none.start_s == pytest.approx(2.0)
    assert 0.02 < late.start_s < 0.1


def test_breaths_fill_the_gaps_that_allow_them() -> None:
    phrase = [syllable(("L", "AA1"), 0, 2), syllable(("L", "AA1"), 2.08, 4), syllable(("L", "AA1"), 4.5, 6)]
    style = replace(EXACT, breaths=1.0)
    breaths = [part for part in timeline(phrase, style).phones if part.phone == BREATH]
    assert len(breaths) == 2
    assert all(0.15 <= part.duration_s <= 0.35 for part in breaths)
    silent = timeline(phrase, replace(style, breaths=0.0))
    assert BREATH not in {part.phone for part in silent.phones}
    assert all(part.phone != PAUSE or part.duration_s < 0.06 for part in silent.phones[:4])  # 80 ms are sung through


def test_nobody_breathes_inside_a_word() -> None:
    word = [syllable(("L", "AA1"), 0, 2), syllable(("L", "AA1"), 3, 5)]
    inside = [replace(word[0], word_end=False), replace(word[1], word_start=False)]
    for phrase, breaths in ((word, 2), (inside, 1)):
        timed = timeline(phrase, replace(EXACT, breaths=1.0)).phones
        assert sum(part.phone == BREATH for part in timed) == breaths
    near = [replace(inside[0], notes=(SungNote(60, 0, 0.5),)), replace(inside[1], notes=(SungNote(60, 0.5, 1),))]
    spoken = perform(near, preset("rap"), 1).phones
    sounds = [number for number, part in enumerate(spoken) if part.syllable >= 0]
    assert sounds == list(range(sounds[0], sounds[0] + 4))


def test_long_schwas_become_full_vowels() -> None:
    long = replace(syllable(("S", "AH0", "N"), 0, 0.5), word_start=False)
    assert full_vowels(long).phones == ("S", "EH0", "N")
    assert full_vowels(replace(long, phones=("F", "AH0"))).phones == ("F", "AA0")
    for kept in (syllable(("DH", "AH0"), 0, 2), replace(syllable(("S", "AH0", "N"), 0, 0.3), word_start=False)):
        assert full_vowels(kept) == kept


@pytest.mark.parametrize("phones", [("T", "S"), ("AA1", "IY1"), ("X", "AA1")])
def test_what_is_no_syllable_is_refused(phones: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        split_syllable(phones)


def test_notes_out_of_order_or_without_length_are_refused() -> None:
    good = syllable(("AA1",), 1, 2)
    for phrase in ([], [good, syllable(("AA1",), 0.5, 1.5)], [syllable(("AA1",), 1, 1)]):
        with pytest.raises(ValueError):
            perform(phrase, EXACT, 1)


def test_rap_speaks_in_its_own_time_and_declines() -> None:
    phrase = [syllable(("L", "AA1"), 0.6 * n, 0.6 * (n + 1)) for n in range(8)]
    sung, spoken = perform(phrase, replace(EXACT, breaths=0.0), 1), perform(phrase, preset("rap"), 1)
    vowels = [[part for part in each.phones if part.phone == "AA"] for each in (sung, spoken)]
    assert np.median([part.duration_s for part in vowels[0]]) > 0.45
    assert np.median([part.duration_s for part in vowels[1]]) < 0.25
    onsets = [spoken.start_s + part.start_s for part in vowels[1]]
    assert np.abs(np.array(onsets) - 0.6 * np.arange(8)).max() <= LAG_LIMIT_S + 1e-6
    pitch = 12 * np.log2(spoken.frames.f0_hz)
    assert np.mean(pitch[:150]) - np.mean(pitch[-150:]) > 2.0


def test_a_gesture_reaches_its_note_overshoots_and_vibrates_as_told() -> None:
    first = NoteGesture(60.0, 0.0, 1.0, -0.1, 0.0)
    second = NoteGesture(64.0, 1.0, 3.0, 0.95, 1.01, overshoot=0.4, preparation=-0.2)
    plain = gesture_curve([first, second], 320)
    assert plain.pitch[50] == pytest.approx(60.0)
    assert plain.pitch[85:96].min() < 59.85
    assert plain.pitch[100:112].max() == pytest.approx(64.4, abs=0.05)
    assert plain.pitch[130:] == pytest.approx(64.0, abs=0.01)
    shaken = gesture_curve([first, replace(second, vibrato_depth=0.5, vibrato_rate_hz=5.0, vibrato_delay_s=0.4)], 320)
    assert np.abs(shaken.vibrato[:140]).max() == 0
    held = shaken.pitch[190:270] - 64.0
    assert held.max() == pytest.approx(0.5, abs=0.02) and held.min() == pytest.approx(-0.5, abs=0.02)
    assert np.sum(np.diff(held > 1e-6)) == pytest.approx(8, abs=1)  # ten half waves a second
    assert shaken.vibrato_depth[200] == pytest.approx(0.5)


def test_a_note_taken_from_below_or_dropped_is_itself_between() -> None:
    note = NoteGesture(60.0, 0.2, 1.5, 0.1, 0.2, scoop=1.0, fall=2.0)
    pitch = gesture_curve([note], 160).pitch
    assert pitch[20] == pytest.approx(59.0)
    assert pitch[60:130] == pytest.approx(60.0, abs=0.01)
    assert pitch[150] < 58.5


def test_smooth_noise_has_unit_spread() -> None:
    noise = smooth_noise(40_000, 0.05, np.random.default_rng(3))
    assert noise.std() == pytest.approx(1.0, abs=0.06)
    assert np.abs(np.diff(noise)).max() < 1.0


@pytest.mark.parametrize("name", ["pop", "rock", "soul", "folk", "ballad", "electronic", "choir"])
def test_steady_notes_are_in_tune(name: str) -> None:
    """Median at most 6 cents and 95 % within 50 cents: each note's centre, and each frame's distance from the score."""
    centres, distances = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        phrase = random_phrase(WORDS, rng, 50, 70)
        performance = perform(phrase, preset(name), seed)
        pitch = 69 + 12 * np.log2(performance.frames.f0_hz / 440)
        for note in (note for item in phrase for note in item.notes):
            first, last = (note.start_s - performance.start_s + 0.2, note.end_s - performance.start_s - 0.2)
            if last - first >= 0.2:
                cents = 100 * (pitch[round(100 * first) : round(100 * last)] - note.pitch)
                centres.append(abs(np.median(cents)))
                distances += list(np.abs(cents))
    assert len(centres) > 80
    assert np.median(centres) <= 6 and np.percentile(centres, 95) <= 25
    assert np.percentile(distances, 95) <= 50


def test_the_same_phrase_is_sung_the_same_anywhere_and_otherwise_with_another_seed() -> None:
    phrase = random_phrase(WORDS, np.random.default_rng(5), 50, 70)
    later = [
        replace(item, notes=tuple(SungNote(n.pitch, n.start_s + 12.345, n.end_s + 12.345) for n in item.notes))
        for item in phrase
    ]
    style = preset("soul")
    here, there, other = perform(phrase, style, 7), perform(later, style, 7), perform(phrase, style, 8)
    assert there.start_s - here.start_s == pytest.approx(12.345)
    assert here.phones == there.phones
    for field in fields(Frames):
        assert np.array_equal(getattr(here.frames, field.name), getattr(there.frames, field.name)), field.name
    assert here.phones != other.phones
    length = min(len(here.frames), len(other.frames))
    assert not np.array_equal(here.frames.f0_hz[:length], other.frames.f0_hz[:length])


def test_frames_say_which_phone_sounds_and_whether_it_is_voiced() -> None:
    performance = perform([syllable(("S", "AA1", "N"), 0, 1), syllable(("T", "AH0"), 1, 1.3, 1.8)], EXACT, 2)
    frames = performance.frames
    for phone in performance.phones:
        middle = round(50 * (phone.start_s + phone.end_s))
        assert PHONES[frames.phone[middle]] == phone.phone
        assert frames.voiced[middle] == (phone.phone in VOICED)
        assert frames.log_duration[middle] == pytest.approx(math.log(phone.duration_s), abs=1e-5)
    names = [PHONES[number] for number in frames.phone]
    at = names.index("AA")
    assert PHONES[frames.previous[at]] == "S" and PHONES[frames.following[at]] == "N"
    assert frames.stress[at] == 2 and frames.stress[names.index("AH")] == 0
    assert set(np.array(names)[frames.slur == 1]) == {"AH"}
    assert frames.slur.sum() == pytest.approx(50, abs=2)
    assert frames.previous[0] == PHONE_IDS[PAUSE] and frames.following[-1] == PHONE_IDS[PAUSE]
    assert frames.network_inputs().shape == (len(frames), len(CHANNELS))
    assert len(frames.part(10, 30)) == 20


def test_height_accent_and_style_are_heard_in_effort_level_and_breath() -> None:
    def controls(style: SingingStyle, **changes: object) -> tuple[float, float, float]:
        pitch = float(changes.pop("pitch", 60.0))  # pyright: ignore[reportArgumentType]
        item = replace(syllable(("L", "AA1"), 0, 1, pitch=pitch), **changes)  # pyright: ignore[reportArgumentType]
        frames = perform([item], replace(style, comfort_pitch=60.0), 3).frames
        held = frames.phone == PHONE_IDS["AA"]
        return (
            float(frames.effort[held].mean()),
            float(frames.energy_db[held].mean()),
            float(frames.breath[held].mean()),
        )

    effort, energy_db, breath = controls(EXACT)
    high, accented = controls(EXACT, pitch=70.0), controls(EXACT, accent=True)
    assert high[0] > effort + 0.1 and high[1] > energy_db + 1.0 and high[2] < breath
    assert accented[0] > effort + 0.05 and accented[1] > energy_db + 1.5
    whisper = controls(preset("whisper"))
    assert whisper[0] < effort and whisper[2] > breath + 0.3


def test_level_moves_in_step_with_vibrato() -> None:
    style = replace(EXACT, vibrato_depth=0.6, vibrato_delay_s=0.2, dynamics_db=0.0)
    frames = perform([syllable(("AA1",), 0, 3)], style, 4).frames
    held = slice(150, 280)
    pitch = np.log2(frames.f0_hz[held])
    assert frames.vibrato[200] > 0.4
    assert np.corrcoef(pitch - pitch.mean(), frames.energy_db[held])[0, 1] > 0.9


def test_styles_are_complete_and_inside_their_limits() -> None:
    data = style_table()
    assert {"pop", "ballad", "rock", "soul", "opera", "folk", "rap", "whisper", "choir"} <= set(data["presets"])
    assert all(isinstance(preset(name), SingingStyle) for name in data["presets"])
    assert set(data["genres"]) == set(learnt_genres()) and set(data["genres"].values()) <= set(data["presets"])
    assert set(data["moods"]) == set(table("moods"))
    assert set(data["words"].values()) <= set(data["presets"])
    for group in ("moods", "bends"):
        assert all(set(amounts) <= set(LIMITS) for amounts in data[group].values())


def test_genres_moods_and_words_make_a_style() -> None:
    assert singing_style([("pop", 1.0)]) == preset("pop")
    assert singing_style([("hip_hop", 1.0)]).spoken
    assert singing_style([("rock", 1.0)], words=["whispered"]) == preset("whisper")
    between = singing_style([("rock", 1.0), ("pop", 1.0)])
    assert preset("pop").effort < between.effort < preset("rock").effort
    assert singing_style([("pop", 1.0)], [("sad", 1.0)]).breath > preset("pop").breath
    assert singing_style([("pop", 1.0)], words=["autotune"]).drift_cents == 0
    assert singing_style() == preset("pop")


def test_styles_out_of_range_or_unknown_are_refused_in_one_line() -> None:
    for wrong in (lambda: SingingStyle(effort=1.5), lambda: SingingStyle(breath=math.nan), lambda: preset("yodel")):
        with pytest.raises(RequestError) as failure:
            wrong()
        assert "\n" not in str(failure.value)


def test_a_choir_differs_and_holds_the_smaller_one() -> None:
    choir = members(preset("choir"), 8, seed=3)
    assert choir[:3] == members(preset("choir"), 3, seed=3)
    assert len({member.seed for member in choir}) == 8
    detunes = [member.style.detune_cents for member in choir]
    assert min(detunes[:2]) <= -4 and max(detunes[:2]) >= 4
    assert max(np.abs(detunes)) < 30
    assert all(0.006 <= member.style.delay_s <= 0.05 for member in choir)


def test_what_a_style_switches_off_no_voice_switches_on() -> None:
    assert voices()["iris"].habits["vibrato_depth"] > 0
    assert voices()["iris"].sings(EXACT).vibrato_depth == 0
    assert voices()["iris"].sings(preset("pop")).vibrato_depth > preset("pop").vibrato_depth


def test_a_members_detuning_and_delay_are_performed() -> None:
    phrase = [syllable(("L", "AA1"), 1, 2)]
    plain, moved = (perform(phrase, style, 1) for style in (EXACT, replace(EXACT, detune_cents=20.0, delay_s=0.02)))
    assert moved.start_s - plain.start_s == pytest.approx(0.02)
    cents = 1200 * np.log2(moved.frames.f0_hz / plain.frames.f0_hz)
    assert cents == pytest.approx(20.0, abs=0.01)


def test_there_are_voices_of_every_kind() -> None:
    assert len(voices()) >= 10
    assert {voice.kind for voice in voices().values()} == {"female", "male", "child"}
    for voice in voices().values():
        assert sum(voice.mixture) == pytest.approx(1.0) and len(voice.mixture) == len(SPEAKERS)
        assert voice.range[1] - voice.range[0] >= 19
        assert abs(math.exp(voice.warp) - 1) <= (0.20 if voice.kind == "child" else 0.17)
        assert voice.style.comfort_pitch == pytest.approx(sum(voice.range) / 2)
    assert len({(voice.mixture, voice.warp) for voice in voices().values()}) == len(voices())


def test_voices_blend_by_weight() -> None:
    ava, tom = voices()["ava"], voices()["tom"]
    assert parse_voice(" Ava ") == ava
    half = parse_voice("ava:3,tom:1")
    assert half.mixture == pytest.approx([0.75 * a + 0.25 * t for a, t in zip(ava.mixture, tom.mixture, strict=True)])
    assert half.warp == pytest.approx(0.75 * ava.warp + 0.25 * tom.warp)
    assert tom.range[0] < half.range[0] < ava.range[0]
    assert half.mixture_array.dtype == np.float32
    assert parse_voice("ava,tom").mixture == pytest.approx(parse_voice("tom:2,ava:2").mixture)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("avs", "ava"), ("zzz", "robin"), ("", "ava"), ("ava:0", "weight"), ("ava:x", "weight"), ("ava,ava", "twice")],
)
def test_wrong_voices_are_refused_with_a_hint_in_one_line(text: str, hint: str) -> None:
    with pytest.raises(RequestError) as failure:
        parse_voice(text)
    assert hint in str(failure.value) and "\n" not in str(failure.value)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(40, 60), st.floats(0, 30))
def test_random_phrases_are_singable(seed: int, low: float, width: float) -> None:
    rng = np.random.default_rng(seed)
    phrase = random_phrase(WORDS, rng, low, low + width)
    assert [item.phones for item in phrase] == [phones for word in WORDS for phones in word]
    assert [item.word_start for item in phrase] == [True, False, True, False, True]
    notes = [note for item in phrase for note in item.notes]
    assert all(low - 1e-6 <= note.pitch <= low + width + 1e-6 for note in notes)
    assert all(0.02 < note.duration_s <= 4.0 + 1e-9 for note in notes)
    assert all(before.end_s <= after.start_s + 1e-9 for before, after in pairwise(notes))
    assert _well_formed(perform(phrase, random_style(rng), seed))


def test_random_material_reaches_melismas_rests_and_every_kind_of_style() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_phrase(WORDS, rng, 50, 70) for _ in range(100)]
    assert {len(item.notes) for phrase in drawn for item in phrase} == {1, 2, 3, 4}
    lengths = [note.duration_s for phrase in drawn for item in phrase for note in item.notes]
    assert min(lengths) < 0.15 and max(lengths) > 2.5
    styles = [random_style(rng) for _ in range(200)]
    assert any(style.spoken for style in styles) and any(style.vibrato_depth > 0.8 for style in styles)
    for name in ("effort", "breath", "scoop", "overshoot", "portamento"):
        values = [getattr(style, name) for style in styles]
        assert min(values) < 0.1 and max(values) > 0.85
    with pytest.raises(ValueError):
        random_phrase([], rng, 50, 60)
