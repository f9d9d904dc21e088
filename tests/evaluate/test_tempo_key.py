"""Tempo and key: known answers, then the judges on synthetic music whose tempo and key are known."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.analysis import key
from noisician.errors import NoisicianError
from noisician.evaluate import tempo
from noisician.evaluate.key import key_hit, mirex_key_score

RATE = 44100


def tones(pitches: list[int], seconds: float, detune_cents: float = 0.0) -> np.ndarray:
    """Six harmonics a pitch, each at 1/k, decaying."""
    time = np.arange(int(seconds * RATE)) / RATE
    out = np.zeros(len(time))
    for pitch in pitches:
        hz = 440 * 2 ** ((pitch - 69 + detune_cents / 100) / 12)
        for harmonic in range(1, 7):
            out += np.sin(2 * np.pi * hz * harmonic * time) / harmonic
    return out * np.exp(-2 * time) * 0.05


def cadence(tonic: int, minor: bool, detune_cents: float = 0.0) -> np.ndarray:
    """I IV V I with the bass an octave below."""
    third = 3 if minor else 4
    chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)]
    parts = [tones([48 + tonic + c[0], *(60 + tonic + p for p in c)], 1.0, detune_cents) for c in chords]
    return np.concatenate(parts)


def clicks(bpm: float, seconds: float) -> np.ndarray:
    out = np.zeros(int(seconds * RATE))
    burst = np.random.default_rng(0).standard_normal(1000) * np.exp(-np.arange(1000) / 150)
    for beat in np.arange(0.3, seconds - 0.1, 60 / bpm):
        start = int(beat * RATE)
        out[start : start + 1000] += 0.4 * burst
    return out


@given(st.floats(45, 230), st.floats(0, 3), st.integers(8, 60))
def test_tempo_of_exact_beats_is_exact(bpm: float, start_s: float, count: int) -> None:
    assert tempo.tempo_of_beats(start_s + np.arange(count) * 60 / bpm) == pytest.approx(bpm, rel=1e-9)


def test_skipped_and_jittered_beats_do_not_move_the_tempo() -> None:
    beats = np.arange(40) * 0.5
    jitter = np.random.default_rng(1).uniform(-0.012, 0.012, 40)
    kept = np.delete(beats + jitter, [7, 8, 21])
    assert tempo.tempo_of_beats(kept) == pytest.approx(120, rel=2e-3)


def test_too_few_beats_have_no_tempo() -> None:
    assert tempo.tempo_of_beats(np.array([0.0, 0.5, 1.0])) is None


@pytest.mark.parametrize(
    ("estimate", "octaves", "hit"),
    [
        (122.3, False, True),
        (122.5, False, False),
        (60.0, False, False),
        (60.0, True, True),
        (244.0, True, True),
        (180.0, True, False),
        (None, True, False),
    ],
)
def test_tempo_hit(estimate: float | None, octaves: bool, hit: bool) -> None:
    assert tempo.tempo_hit(estimate, 120.0, octaves_allowed=octaves) is hit


def test_tempo_hit_refuses_a_tolerance_in_percent() -> None:
    with pytest.raises(NoisicianError, match=r"tolerance 2; it is a fraction"):
        tempo.tempo_hit(120, 120, tolerance=2)


def test_judge_hears_the_tempo_of_clicks_within_half_a_percent() -> None:
    pytest.importorskip("librosa")
    assert tempo.estimated_tempo_bpm(clicks(97.0, 10.0)) == pytest.approx(97.0, rel=5e-3)
    assert tempo.estimated_tempo_bpm(np.zeros(3 * RATE)) is None


def test_a_missing_judge_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(NoisicianError, match=r"pip install 'noisician\[evaluate\]'") as error:
        tempo.beat_times_s(np.zeros(3 * RATE))
    assert "\n" not in str(error.value)


def test_audio_too_short_for_a_tempo() -> None:
    with pytest.raises(NoisicianError, match=r"1\.00 s of audio"):
        tempo.beat_times_s(np.zeros(RATE))


@pytest.mark.parametrize("profiles", key.PROFILES)
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_rotation_of_a_profile_is_its_own_key(profiles: str, mode: str) -> None:
    profile = key.key_profiles(profiles)[mode]
    for tonic in range(12):
        estimate = key.key_of_chroma(np.roll(profile, tonic), profiles)
        assert estimate is not None
        assert (estimate.tonic, estimate.mode) == (tonic, mode)
        assert estimate.correlation == pytest.approx(1)


def test_church_modes_exchange_the_altered_degree() -> None:
    profiles = key.key_profiles("krumhansl")
    assert profiles["mixolydian"][10] == profiles["major"][11]
    assert profiles["dorian"][9] == profiles["minor"][8]
    assert profiles["lydian"][6] == profiles["major"][5]
    assert profiles["phrygian"][1] == profiles["minor"][2]
    assert set(key.key_profiles("krumhansl", church_modes=False)) == {"major", "minor"}


@pytest.mark.parametrize(("tonic", "minor"), [(0, False), (3, True), (6, False), (9, True)])
def test_cadences_are_heard_in_their_key(tonic: int, minor: bool) -> None:
    estimate = key.estimated_key(cadence(tonic, minor), church_modes=False)
    assert key_hit(estimate, key.TONICS[tonic], "minor" if minor else "major")


def test_tuning_is_followed_up_to_a_quarter_tone_and_not_beyond() -> None:
    assert key_hit(key.estimated_key(cadence(2, False, detune_cents=35)), "D", "major")
    assert not key_hit(key.estimated_key(cadence(2, False, detune_cents=60)), "D", "major")


def test_chroma_of_one_note_is_its_pitch_class() -> None:
    time = np.arange(RATE) / RATE
    profile = key.chroma(0.3 * np.sin(2 * np.pi * 261.63 * time)).sum(0)
    assert profile.argmax() == 0
    assert profile[0] > 0.99 * profile.sum()


def test_silence_and_flat_chroma_have_no_key() -> None:
    assert key.estimated_key(np.zeros(RATE)) is None
    assert key.key_of_chroma(np.ones(12)) is None
    assert not key_hit(None, "C", "major")


def test_key_hits_go_by_tonic_and_third() -> None:
    estimate = key.KeyEstimate(3, "minor", 0.9)
    assert key_hit(estimate, "Eb", "dorian")
    assert key_hit(estimate, "D#", "minor")
    assert not key_hit(estimate, "Eb", "mixolydian")
    assert not key_hit(estimate, "E", "minor")
    with pytest.raises(NoisicianError, match="mode 'locrian'"):
        key_hit(estimate, "Eb", "locrian")


@pytest.mark.parametrize(
    ("tonic", "mode", "score"),
    [(0, "major", 1.0), (7, "major", 0.5), (9, "minor", 0.3), (0, "minor", 0.2), (5, "major", 0.0), (4, "minor", 0)],
)
def test_mirex_score_agrees_with_mir_eval(tonic: int, mode: str, score: float) -> None:
    assert mirex_key_score(key.KeyEstimate(tonic, mode, 1.0), "C", "major") == score
    mir_key = pytest.importorskip("mir_eval.key")
    assert mir_key.weighted_score("C major", f"{key.TONICS[tonic]} {mode}") == score
