"""Measures of held notes on sounds with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import NoisicianError
from noisician.evaluate.life import harmonic_to_noise_db, level_jitter_db, peak_level_db, vibrato_extent_cents
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz

TIME_S = np.arange(round(1.5 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def tone(pitch: float, extent_cents: float = 0.0, rate_hz: float = 5.5) -> np.ndarray:
    """Eight equal harmonics with vibrato; the frequency is f₀ 2^(c/1200)."""
    cents = extent_cents * np.sin(2 * np.pi * rate_hz * TIME_S)
    phase = 2 * np.pi * np.cumsum(frequency_hz(pitch) * 2 ** (cents / 1200)) / SAMPLE_RATE_HZ
    return np.sum([0.05 * np.sin(number * phase + number) for number in range(1, 9)], axis=0)


def noise(rms: float) -> np.ndarray:
    return rms * np.random.default_rng(5).standard_normal(len(TIME_S))


def test_the_level_is_that_of_the_loudest_stretch() -> None:
    sound = np.zeros(SAMPLE_RATE_HZ)
    sound[10_000:14_410] = 0.1
    assert peak_level_db(sound) == pytest.approx(-20)
    assert peak_level_db(10 * sound) - peak_level_db(sound) == pytest.approx(20)


@settings(deadline=None, max_examples=15)
@given(extent=st.floats(3, 30), rate=st.floats(4.5, 6.5), pitch=st.floats(45, 80))
def test_the_extent_of_a_vibrato_is_found(extent: float, rate: float, pitch: float) -> None:
    assert vibrato_extent_cents(tone(pitch, extent, rate), pitch) == pytest.approx(extent, rel=0.08, abs=0.5)


@pytest.mark.parametrize("pitch", [45, 69, 83.4])
def test_a_straight_tone_has_no_vibrato_even_a_little_out_of_tune(pitch: float) -> None:
    assert vibrato_extent_cents(tone(pitch + 0.2), pitch) < 0.3


@pytest.mark.parametrize("pitch", [31, 45, 69])
@pytest.mark.parametrize("ratio_db", [10, 20, 35])
def test_harmonic_to_noise_is_the_ratio_of_the_powers(pitch: float, ratio_db: float) -> None:
    clean = tone(pitch)
    rms = clean.std() * 10 ** (-ratio_db / 20)
    assert harmonic_to_noise_db(clean + noise(rms), pitch) == pytest.approx(ratio_db, abs=1.0)


def test_a_clean_tone_is_far_more_harmonic_than_any_recording() -> None:
    assert harmonic_to_noise_db(tone(38), 38) > 50


def test_a_tone_that_swells_and_decays_has_no_jitter() -> None:
    assert level_jitter_db(tone(57) * np.exp(-2 * TIME_S)) < 0.02


def test_jitter_is_the_rms_of_a_fast_swing_of_the_level() -> None:
    """10 Hz, which the window of the level damps by less than a sixth."""
    swing_db = 1.0 * np.sin(2 * np.pi * 10 * TIME_S)
    assert level_jitter_db(tone(69) * 10 ** (swing_db / 20)) == pytest.approx(np.sqrt(0.5), rel=0.25)


def test_what_is_too_short_or_silent_is_refused() -> None:
    short = np.ones(1000)
    for measure in (lambda: level_jitter_db(short), lambda: harmonic_to_noise_db(short, 69)):
        with pytest.raises(NoisicianError, match="of a held note; at least"):
            measure()
    with pytest.raises(NoisicianError, match="of a held note"):
        vibrato_extent_cents(short, 69)
    with pytest.raises(NoisicianError, match="nothing was played"):
        peak_level_db(np.zeros(1000))
