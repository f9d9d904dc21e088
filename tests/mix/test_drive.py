"""The tube stage: what it keeps, what it adds, and that it sees nothing beyond its reach."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.mel import SAMPLE_RATE_HZ
from noisician.mix.drive import REACH, Drive, drive_peak, driven

RATE = SAMPLE_RATE_HZ
TIMES_S = np.arange(RATE // 4) / RATE
SINE = (0.5 * np.sin(2 * np.pi * 1000 * TIMES_S)).astype(np.float32)


def harmonic_db(sound: np.ndarray, number: int) -> float:
    """Level of a harmonic of 1 kHz beside the first."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    first = len(sound) * 1000 // RATE
    return float(20 * np.log10(spectrum[number * first] / spectrum[first]))


def test_the_peak_is_that_of_what_sounds() -> None:
    half = np.concatenate([np.zeros(RATE, np.float32), SINE])
    assert drive_peak(half) == pytest.approx(0.5, rel=0.01)
    assert drive_peak(np.zeros(10, np.float32)) == 0


def test_small_signals_pass_at_their_level() -> None:
    quiet = 0.001 * SINE
    passed = driven(quiet, Drive(6.0), peak=0.5)[1000:-1000]
    assert passed.std() == pytest.approx(quiet[1000:-1000].std(), rel=0.01)


def test_drive_brings_odd_harmonics_and_bias_even_ones() -> None:
    plain, lopsided = driven(SINE, Drive(6.0), 0.5), driven(SINE, Drive(6.0, 0.3), 0.5)
    assert harmonic_db(plain, 3) > -14 and harmonic_db(plain, 2) < -60
    assert harmonic_db(lopsided, 2) > -35
    # Nothing folds back: what lies between the harmonics of a tone that does not divide the rate stays far below.
    tone = np.sin(2 * np.pi * 3000 * TIMES_S).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(driven(tone, Drive(6.0), 1.0) * np.blackman(len(tone))))
    hz = np.fft.rfftfreq(len(tone), 1 / RATE)
    between = np.abs((hz + 1500) % 3000 - 1500) > 200
    assert 20 * np.log10(spectrum[between].max() / spectrum.max()) < -35


def test_a_stem_treats_alike_at_any_level() -> None:
    loud, quiet = (driven(gain * SINE, Drive(6.0, 0.15), drive_peak(gain * SINE)) / gain for gain in (1.0, 0.125))
    np.testing.assert_allclose(loud, quiet, atol=1e-5)


def test_it_hears_no_further_than_its_reach() -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, 2000).astype(np.float32)
    changed = noise.copy()
    changed[1000] += 0.5
    different = np.flatnonzero(driven(noise, Drive(6.0), 0.5) != driven(changed, Drive(6.0), 0.5))
    assert different.min() >= 1000 - REACH and different.max() <= 1000 + REACH


def test_silence_stays_silence() -> None:
    silence = np.zeros(100, np.float32)
    assert not driven(silence, Drive(6.0, 0.3), 0.5).any() and not driven(silence, Drive(6.0), 0.0).any()


def test_stretches_are_the_whole_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(1).standard_normal(5003).astype(np.float32)
    drive = Drive(3.0, 0.3)
    whole = driven(samples, drive, 0.8)
    for frames in (7, 16, 33, 1024):
        monkeypatch.setattr("noisician.mix.drive._STRETCH", frames)
        assert driven(samples, drive, 0.8).tobytes() == whole.tobytes()
