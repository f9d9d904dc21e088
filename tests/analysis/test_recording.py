"""A whole recording, synthesised here: what is in it is heard."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from noisician.analysis.bars import COUNTS, Count, CountedExample, count_model, features_of, fit_counts
from noisician.analysis.beats import tracked_beats
from noisician.analysis.drums import DRUMS, drum_model, fit_drums, heard_strokes, labels_of
from noisician.analysis.key import key_of_harmony
from noisician.analysis.parts import BASS, LEAD, StepEvidence, line_of
from noisician.analysis.recording import Hearing, listen, pulse_of
from noisician.analysis.sections import sections_of
from noisician.analysis.sound import OCTAVES_HZ, balance_of, sound_of
from noisician.errors import NoisicianError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz
from noisician.score.model import Chord

BPM, BARS = 100.0, 8
#: C, Am, F, G, a bar each: triads, roots, and a tune of quarters.
TRIADS = ((60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62))
ROOTS = (36, 33, 29, 31)
TUNE = (76, 79, 76, 74, 72, 76, 72, 69, 77, 76, 74, 72, 74, 71, 74, 79)
BEAT_S = 60 / BPM


def struck(times: np.ndarray, start_s: float, hz: float, length_s: float, level: float, falls: float) -> np.ndarray:
    since = times - start_s
    tone = sum(np.sin(2 * np.pi * hz * partial * since) / partial**1.5 for partial in range(1, 6))
    inside = (since >= 0) & (since < length_s)
    return np.where(inside, level * tone * np.exp(-falls * since.clip(0)) * np.clip((length_s - since) / 0.02, 0, 1), 0)


def drum(name: str) -> np.ndarray:
    rng = np.random.default_rng(len(name))
    time = np.arange(int(0.18 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    noise = rng.normal(size=len(time) + 2)
    if name == "kick":
        return 0.7 * np.sin(2 * np.pi * (55 * time + 4 * (1 - np.exp(-40 * time)))) * np.exp(-22 * time)
    if name == "snare":
        body = 0.2 * np.sin(400 * np.pi * time) * np.exp(-30 * time)
        return 0.25 * np.diff(noise)[: len(time)] * np.exp(-28 * time) + body
    return 0.06 * np.diff(noise, 2) * np.exp(-80 * time)


@cache
def song() -> np.ndarray:
    """Stereo: kick on one and three, snare on two and four, hats in eighths, bass, triads, tune."""
    length = round((BARS * 4 * BEAT_S + 0.3) * SAMPLE_RATE_HZ)
    times = np.arange(length) / SAMPLE_RATE_HZ
    middle, side = np.zeros(length), np.zeros(length)
    for bar in range(BARS):
        start = bar * 4 * BEAT_S
        for pitch in TRIADS[bar % 4]:
            side += struck(times, start, float(frequency_hz(pitch)), 4 * BEAT_S - 0.05, 0.05, 0.8)
        middle += struck(times, start, float(frequency_hz(ROOTS[bar % 4])), 4 * BEAT_S - 0.05, 0.16, 0.7)
        for beat in range(4):
            pitch = TUNE[(bar * 4 + beat) % len(TUNE)]
            middle += struck(times, start + beat * BEAT_S, float(frequency_hz(pitch)), BEAT_S - 0.04, 0.13, 1.5)
        for eighth in range(8):
            names = ["hat", *(["kick"] if eighth % 4 == 0 else []), *(["snare"] if eighth % 4 == 2 else [])]
            at = round((start + eighth * BEAT_S / 2) * SAMPLE_RATE_HZ)
            for name in names:
                sound = drum(name)[: length - at]
                middle[at : at + len(sound)] += sound
    return np.stack([middle + side, middle - side], axis=1).astype(np.float32)


@cache
def heard() -> Hearing:
    return listen(song())


def test_tempo_bars_key_and_chords() -> None:
    score = heard().score
    assert score.tempo_bpm == pytest.approx(BPM, abs=0.2) and heard().is_steady and heard().has_pulse
    assert (score.time_signature, score.key, score.mode, score.bars) == ("4/4", "C", "major", BARS)
    assert heard().bar_starts_s[0] == pytest.approx(0.0, abs=0.03) and len(heard().bar_starts_s) == BARS + 1
    first_of_each = [names[0] for names in heard().chords_by_bar()]
    assert [name[0] for name in first_of_each[:4]] == ["C", "A", "F", "G"]


def test_the_tune_the_bass_and_the_strokes_are_written_down() -> None:
    tracks = {track.role: track for track in heard().score.tracks}
    tune = {(round(4 * note.start_beats), note.pitch) for note in tracks["lead"].notes}
    asked = {(4 * place, TUNE[place % len(TUNE)]) for place in range(4 * BARS)}
    assert len(tune & asked) >= 0.8 * len(asked) and len(tune - asked) <= 0.2 * len(asked)
    roots = {(int(note.start_beats // 4), note.pitch % 12) for note in tracks["bass"].notes}
    assert sum((bar, ROOTS[bar % 4] % 12) in roots for bar in range(BARS)) >= 6
    strokes = {(round(4 * note.start_beats), note.pitch) for note in tracks["drums"].notes}
    for key, places in ((36, (0, 8)), (38, (4, 12))):
        wanted = {(16 * bar + place, key) for bar in range(BARS) for place in places}
        assert len(strokes & wanted) >= 0.8 * len(wanted)


def test_values_are_plain_and_whole() -> None:
    told = heard().to_dict()
    assert told["sound"]["octaves_hz"] == list(OCTAVES_HZ) and len(told["sound"]["balance_db"]) == 10
    assert sum(section["bars"] for section in told["sections"]) == told["bars"] == len(told["chords"])
    assert {player["role"] for player in told["players"]} >= {"lead", "drums"}
    assert 0 < told["sound"]["width"] < 0.5 and told["sound"]["peak_dbtp"] > -20


def test_what_cannot_be_heard_is_one_line() -> None:
    with pytest.raises(NoisicianError, match=r"1\.0 s of audio; 2 s to 15 min"):
        listen(np.ones(SAMPLE_RATE_HZ))
    with pytest.raises(NoisicianError, match="nothing but silence"):
        listen(np.zeros(3 * SAMPLE_RATE_HZ))


def test_noise_has_neither_players_nor_a_crash() -> None:
    noise = np.random.default_rng(0).normal(size=(3 * SAMPLE_RATE_HZ, 2)).astype(np.float32) * 0.1
    roles = {track.role for track in listen(noise).score.tracks}
    assert not roles & {"lead", "bass", "chords"}


def test_a_known_tempo_is_kept() -> None:
    pulse = pulse_of(song())
    half = tracked_beats(pulse, BPM / 2)
    assert half is not None and half.tempo_bpm == pytest.approx(BPM / 2, rel=0.01)


# --- the parts of it ----------------------------------------------------------------------------------------------


def test_strokes_of_a_kit_alone_by_name() -> None:
    audio = np.zeros(4 * SAMPLE_RATE_HZ)
    for name, starts in (("kick", (0.5, 2.5)), ("snare", (1.0, 3.0)), ("hat", (1.5, 2.0))):
        for start in starts:
            at = round(start * SAMPLE_RATE_HZ)
            audio[at : at + len(drum(name))] += drum(name)
    found = {(stroke.drum, round(stroke.start_s, 1)) for stroke in heard_strokes(audio)}
    assert {("kick", 0.5), ("kick", 2.5), ("snare", 1.0), ("snare", 3.0)} <= found
    assert heard_strokes(np.zeros(1000)) == ()


def test_a_line_prefers_onsets_and_holds_what_sounds() -> None:
    sounding, onsets = np.full((16, 88), 0.02), np.full((16, 88), 0.02)
    for first, last, pitch in ((0, 4, 60), (4, 8, 60), (8, 12, 64)):
        sounding[first:last, pitch - 21] = 0.9
        onsets[first, pitch - 21] = 0.9
    notes = line_of(StepEvidence(sounding, onsets), LEAD)
    assert [(note.pitch, note.first, note.last) for note in notes] == [(60, 0, 4), (60, 4, 8), (64, 8, 12)]
    assert line_of(StepEvidence(sounding, onsets), BASS) == ()
    assert line_of(StepEvidence(np.zeros((0, 88)), np.zeros((0, 88))), LEAD) == ()


def test_sections_begin_where_bars_change_and_repeats_have_one_label() -> None:
    calm, loud = np.array([1.0, 0.0, -1.0]), np.array([-1.0, 0.5, 1.0])
    bars = np.array([*[calm] * 8, *[loud] * 8, *[calm] * 8, *[loud] * 8])
    bars = bars + np.random.default_rng(0).normal(size=bars.shape) * 0.05
    energies = np.repeat([0.3, 0.9, 0.3, 0.9], 8)
    found = sections_of(bars - bars.mean(axis=0), energies)
    assert [(one.start_bar, one.bars) for one in found] == [(0, 8), (8, 8), (16, 8), (24, 8)]
    assert [one.label for one in found] == ["A", "B", "A", "B"]
    assert [one.kind for one in found] == ["intro", "chorus", "verse", "chorus"]
    assert sections_of(np.zeros((0, 3)), np.zeros(0)) == ()


def test_the_balance_of_a_tone_lies_in_its_octave() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    balance = balance_of(tone)
    assert int(np.argmax(balance)) == OCTAVES_HZ.index(1000.0) and balance.max() > -0.1
    sides = sound_of(np.stack([tone, -tone], axis=1).astype(np.float32) + 1e-6)
    assert sides.width > 0.99 and sound_of(tone).width == 0.0
    assert sound_of(tone).brightness_hz == pytest.approx(1000, rel=0.15)


def test_the_count_is_learnt_and_survives_its_file() -> None:
    rng = np.random.default_rng(0)

    def example(number: int) -> CountedExample:
        count = COUNTS[number % len(COUNTS)]
        evidence = rng.random((60, 3)) * 0.3
        evidence[(np.arange(60) - count.half_beats) % (2 * count.per_bar) == 0, 0] += 3
        return CountedExample(evidence, COUNTS.index(count), "made up")

    model = fit_counts([example(number) for number in range(56)])
    fresh = [example(number) for number in range(28)]
    assert np.mean([COUNTS.index(model.choose(one.evidence)) == one.right for one in fresh]) > 0.9
    assert features_of(fresh[0].evidence).shape == (len(COUNTS), 13) and Count(4, 0) in COUNTS
    shipped = count_model()
    assert np.array_equal(type(shipped).from_json(shipped.to_json()).weights, shipped.weights)


def test_drums_are_learnt_and_survive_their_file() -> None:
    rng = np.random.default_rng(0)
    strokes = np.eye(3)[rng.integers(0, 3, 300)].astype(bool)
    features = strokes @ rng.normal(size=(3, 8)) * 3 + rng.normal(size=(300, 8))
    model = fit_drums(features, strokes)
    assert ((model.likelihoods(features) >= 0.5) == strokes).mean() > 0.9
    shipped = drum_model()
    again = type(shipped).from_json(shipped.to_json())
    assert all(np.allclose(getattr(again, name), value, atol=1e-4) for name, value in vars(shipped).items())
    labels = labels_of(np.array([0.0, 1.0]), [(0.01, 36), (1.2, 38), (1.02, 42)])
    assert labels.tolist() == [[True, False, False], [False, False, True]] and len(DRUMS) == 3


def test_of_modes_with_the_same_notes_the_chords_say_which() -> None:
    white = np.array([1.0, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1])

    def home(root: int, quality: str) -> list[Chord]:
        return [Chord(0, 4, root, quality), Chord(4, 4, (root + 5) % 12, quality), Chord(8, 4, root, quality)]

    named = {key_of_harmony(white, home(root, quality)) for root, quality in ((9, "min"), (0, "maj"), (2, "min"))}
    assert {(one.tonic, one.mode) for one in named if one is not None} == {(9, "minor"), (0, "major"), (2, "dorian")}
    assert key_of_harmony(np.zeros(12), []) is None
