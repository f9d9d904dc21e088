"""Pitch of single notes: sines and pulse trains inside and outside of the network's compass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.analysis.pitch import YIN_THRESHOLD, pitch_of_note, swift_f0, yin
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz


def pulses(pitch: float, duration_s: float = 0.8) -> np.ndarray:
    """A decaying tone with partials that fall by 6 dB an octave up to 10 kHz."""
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    hz = frequency_hz(pitch)
    partials = range(1, max(2, int(10_000 / hz)))
    tone = sum(np.sin(2 * np.pi * hz * n * time_s + n) / n for n in partials)
    return (0.2 * np.exp(-time_s) * np.asarray(tone)).astype(np.float32)


@pytest.mark.parametrize("pitch", [24.0, 28.3, 36.2, 45.0, 60.49, 72.0, 84.3, 96.0, 100.2, 104.0, 107.0])
def test_a_note_is_heard_at_its_pitch(pitch: float) -> None:
    found = pitch_of_note(pulses(pitch))
    assert found is not None
    assert found.pitch == pytest.approx(pitch, abs=0.25)
    assert found.voiced_share > 0.5


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(30_000) * np.exp(-np.arange(30_000) / 4000)
    assert pitch_of_note(noise) is None
    assert pitch_of_note(np.zeros(20_000)) is None
    assert pitch_of_note(np.zeros(3)) is None


@settings(max_examples=25, deadline=None)
@given(st.floats(40, 3000), st.integers(0, 5))
def test_yin_finds_the_period_of_any_sine(hz: float, octave_seed: int) -> None:
    time_s = np.arange(12_000) / SAMPLE_RATE_HZ
    found, aperiodicity = yin(np.sin(2 * np.pi * hz * time_s + octave_seed), np.array([5000, 6000]))
    assert np.all(np.abs(12 * np.log2(found / hz)) < 0.1)
    assert np.all(aperiodicity < YIN_THRESHOLD)


def test_long_recordings_are_tracked_as_short_ones() -> None:
    """The network sees stretches of 30 s; every frame is as if it had seen all."""
    tone = np.tile(pulses(60, 1.0), 33)  # 60 is no whole number of periods a second: every second begins with a click
    whole = swift_f0(tone)
    assert len(whole.hz) == len(whole.confidence) == pytest.approx(len(tone) / SAMPLE_RATE_HZ * whole.rate_hz, abs=1)
    first = 1850
    beginning = round(first / whole.rate_hz * SAMPLE_RATE_HZ)
    alone = swift_f0(tone[beginning : beginning + 2 * SAMPLE_RATE_HZ])
    steady = np.arange(15, 45)  # around frame 1875, where two stretches meet
    assert np.all(np.abs(12 * np.log2(alone.hz[steady] / whole.hz[first + steady])) < 0.1)
    assert np.abs(alone.confidence[steady] - whole.confidence[first + steady]).max() < 0.1
