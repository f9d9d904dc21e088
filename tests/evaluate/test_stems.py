"""Onsets and pitch of stems against their score, and the faults of audio: known answers and ladders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.analysis.onsets import detected_onsets_s, spectral_flux
from noisician.errors import NoisicianError
from noisician.evaluate import faults, onsets, pitch
from noisician.score.harmony import frequency_hz
from noisician.score.played import NoteEvent

RATE = 44100


def line(detune_cents: float = 0.0) -> tuple[np.ndarray, list[NoteEvent]]:
    """Eight plucked notes, 0.4 s apart."""
    pitches = (60, 64, 67, 72, 71, 67, 62, 60)
    notes = [NoteEvent(p, 0.2 + 0.4 * k, 0.2 + 0.4 * k + 0.35, 90) for k, p in enumerate(pitches)]
    out = np.zeros(int(3.8 * RATE))
    for note in notes:
        time = np.arange(int(0.35 * RATE)) / RATE
        hz = 440 * 2 ** ((note.pitch - 69 + detune_cents / 100) / 12)
        envelope = np.minimum(1, time / 0.004) * np.minimum(1, (0.35 - time) / 0.02) * np.exp(-3 * time)
        start = int(note.start_s * RATE)
        out[start : start + len(time)] += 0.2 * envelope * sum(np.sin(2 * np.pi * hz * h * time) / h for h in (1, 2, 3))
    return out, notes


def shuffled(audio: np.ndarray) -> np.ndarray:
    pieces = np.array_split(audio, 24)
    return np.concatenate([pieces[k] for k in np.random.default_rng(3).permutation(24)])


def onset_f(audio: np.ndarray, notes: list[NoteEvent]) -> float:
    return onsets.onset_f_measure(onsets.score_onsets_s(notes), detected_onsets_s(audio))[0]


def test_plucked_notes_are_all_found_and_a_shuffle_is_not() -> None:
    audio, notes = line()
    assert onset_f(audio, notes) == 1.0
    assert onset_f(1e-3 * audio, notes) == 1.0  # whatever the level
    assert onset_f(shuffled(audio), notes) < 0.8
    assert onset_f(np.zeros(RATE), notes) == 0.0


def test_a_note_at_time_zero_is_found() -> None:
    audio, _ = line()
    first = detected_onsets_s(audio[int(0.2 * RATE) :])[0]
    assert first == pytest.approx(0, abs=0.03)


def test_noise_that_goes_on_has_no_onsets() -> None:
    noise = np.random.default_rng(0).standard_normal(3 * RATE) * 0.1
    assert len(detected_onsets_s(noise)) <= 1  # it does begin


def test_flux_sees_a_rise_and_ignores_vibrato() -> None:
    mels = np.zeros((20, 8))
    mels[10:] = 1.0
    assert spectral_flux(mels)[[9, 10, 11, 12]].tolist() == [0, 1, 1, 0]
    moving = np.zeros((20, 8))
    moving[np.arange(20), 3 + (np.arange(20) // 2) % 2] = 1.0  # one partial between two neighbouring bands
    assert spectral_flux(moving)[2:].max() == 0


def test_chords_count_once() -> None:
    notes = [NoteEvent(60, 1.0, 2.0, 90), NoteEvent(64, 1.0, 2.0, 90), NoteEvent(67, 1.5, 2.0, 90)]
    assert onsets.score_onsets_s(notes).tolist() == [1.0, 1.5]
    assert len(onsets.score_onsets_s([])) == 0


def test_matching_is_one_to_one() -> None:
    f, precision, recall = onsets.onset_f_measure(np.array([1.0, 2.0]), np.array([0.98, 1.01, 1.02, 5.0]))
    assert (precision, recall) == (0.25, 0.5)
    assert f == pytest.approx(1 / 3)


@settings(deadline=None)  # mir_eval is imported on the first example
@given(
    st.lists(st.integers(0, 300), max_size=25, unique=True),
    st.lists(st.integers(0, 300), max_size=25, unique=True),
)
def test_onset_f_agrees_with_mir_eval(reference: list[int], estimate: list[int]) -> None:
    onset = pytest.importorskip("mir_eval.onset")
    # A grid of 13 ms never lands on the 50 ms tolerance itself.
    first, second = np.sort(reference) * 0.013, np.sort(estimate) * 0.013
    if len(first) and len(second):
        expected = onset.f_measure(first, second, window=0.05)
        assert onsets.onset_f_measure(first, second) == pytest.approx(expected)


def test_onsets_in_samples_are_refused() -> None:
    with pytest.raises(NoisicianError, match="did you pass samples"):
        onsets.onset_f_measure(np.array([44100.0]), np.array([1.0]))


def test_reference_pitches_want_exactly_one_note() -> None:
    notes = [NoteEvent(60, 0.0, 1.0, 90), NoteEvent(64, 0.5, 1.5, 90)]
    times = np.array([0.01, 0.25, 0.52, 0.75, 1.02, 1.25, 1.49, 1.6])
    expected = [np.nan, 60, np.nan, np.nan, 64, 64, np.nan, np.nan]
    np.testing.assert_array_equal(pitch.reference_pitches(notes, times), expected)


def test_raw_pitch_accuracy_by_hand() -> None:
    reference = np.array([69, 69, 69, 69, np.nan])
    estimate = np.array([440 * 2 ** (0.49 / 12), 440 * 2 ** (0.51 / 12), 880.0, np.nan, 100.0])
    assert pitch.raw_pitch_accuracy(reference, estimate) == 0.25
    assert pitch.raw_pitch_accuracy(reference, estimate, fold_octaves=True) == 0.5
    assert pitch.raw_pitch_accuracy(np.full(3, np.nan), np.ones(3)) is None
    with pytest.raises(NoisicianError, match="4 reference frames and 3"):
        pitch.raw_pitch_accuracy(np.ones(4), np.ones(3))


def test_raw_pitch_accuracy_agrees_with_mir_eval() -> None:
    melody = pytest.importorskip("mir_eval.melody")
    rng = np.random.default_rng(5)
    reference = rng.integers(50, 80, 200).astype(float)
    estimate = frequency_hz(reference + rng.choice([0.0, 0.3, -0.7, 12.0, 5.0], 200))
    cents = melody.hz2cents(frequency_hz(reference)), melody.hz2cents(estimate)
    ones = np.ones(200)
    assert pitch.raw_pitch_accuracy(reference, estimate) == pytest.approx(
        melody.raw_pitch_accuracy(ones, cents[0], ones, cents[1])
    )
    assert pitch.raw_pitch_accuracy(reference, estimate, fold_octaves=True) == pytest.approx(
        melody.raw_chroma_accuracy(ones, cents[0], ones, cents[1])
    )


def test_tracked_pitch_ranks_clean_over_detuned_and_shuffled() -> None:
    pytest.importorskip("librosa")

    def accuracy(audio: np.ndarray) -> float:
        times, f0 = pitch.tracked_pitch_hz(audio, 60, 72)
        result = pitch.raw_pitch_accuracy(pitch.reference_pitches(notes, times), f0)
        assert result is not None
        return result

    clean, notes = line()
    detuned, _ = line(detune_cents=60)
    assert accuracy(clean) > 0.97
    assert accuracy(shuffled(clean)) < 0.6
    assert accuracy(detuned) < 0.1


def music_like(seconds: float = 1.5) -> np.ndarray:
    """Coloured noise and a chord: nothing clicks."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(2)
    time = np.arange(int(seconds * RATE)) / RATE
    noise = lfilter([1], [1, -0.9], rng.standard_normal(len(time)))
    return 0.01 * noise + sum(0.1 * np.sin(2 * np.pi * hz * time) for hz in (220, 277, 330))


def test_a_jump_at_a_join_is_a_click_and_a_drum_hit_is_not() -> None:
    audio = music_like()
    joins = [20000, 45000]
    assert faults.click_count(audio, joins) == faults.ClickReport(2, 0, 3, 0)
    jumped = audio.copy()
    jumped[20000:] = np.roll(audio, 137)[20000:] + 0.1
    assert faults.click_count(jumped, joins).clicks == 1
    hit = np.random.default_rng(1).standard_normal(8000) * np.exp(-np.arange(8000) / 2000)
    struck = audio.copy()
    struck[20000:28000] += 0.5 * hit
    assert faults.click_count(struck, joins).clicks == 0


def test_digital_silence_does_not_click() -> None:
    assert faults.click_count(np.zeros(RATE), [1000, 22050]).clicks == 0


def test_joins_outside_the_audio_are_refused() -> None:
    with pytest.raises(NoisicianError, match="did you pass seconds or frames"):
        faults.click_count(np.zeros(RATE), [RATE + 1])


def test_residual_of_a_predictable_signal_is_small() -> None:
    time = np.arange(4096) / RATE
    tone = np.sin(2 * np.pi * 1000 * time)
    assert np.abs(faults.prediction_residual(tone)[64:]).max() < 1e-2


def test_dc_is_the_worst_channel() -> None:
    audio = np.stack([np.full(1000, 0.02), np.full(1000, -0.05)], axis=1)
    assert faults.dc_offset(audio) == pytest.approx(0.05)


def test_clipped_samples_by_hand() -> None:
    assert faults.clipped_samples(np.array([0.5, 1.0, 0.5, 1.2, -1.1])) == 2
    assert faults.clipped_samples(np.array([0.5, 1.0, 1.0, 1.0, 1.0, 0.2])) == 4
    assert faults.clipped_samples(np.array([0.5, 1.0, 1.0, 0.2])) == 0
    assert faults.clipped_samples(np.array([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]])) == 1


def test_silence_counts_only_where_the_score_sounds() -> None:
    audio = np.full(RATE, 0.1)
    audio[RATE // 2 :] = 0.0
    assert faults.silence_ratio(audio, [NoteEvent(60, 0.0, 0.5, 90)]) == 0.0
    assert faults.silence_ratio(audio, [NoteEvent(60, 0.45, 1.0, 90)]) == 1.0
    assert faults.silence_ratio(audio, []) is None


def test_bad_audio_is_named() -> None:
    with pytest.raises(NoisicianError, match="1 samples that are NaN"):
        faults.dc_offset(np.array([0.0, np.nan]))
    with pytest.raises(NoisicianError, match=r"did you pass \[channels, samples\]"):
        faults.dc_offset(np.zeros((2, 1000)))
