"""Recorded attacks in the place of made ones: what they bring, what they leave alone, how far they are heard."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.evaluate.attacks import attack_ms
from noisician.mel import SAMPLE_RATE_HZ
from noisician.vocoder.attacks import AT_ONCE, WINDOW, struck
from noisician.vocoder.onsets import EDGE

START = 20_000
LENGTH = 512
TIME_S = np.arange(40_000) / SAMPLE_RATE_HZ


def slow(level: float = 0.2, seed: int = 0) -> np.ndarray:
    """Noise that rises over 8 ms from START on and decays."""
    after_s = np.maximum(0, TIME_S - START / SAMPLE_RATE_HZ)
    noise = np.random.default_rng(seed).standard_normal(len(TIME_S))
    shape = np.minimum(1, after_s / 0.008) * np.exp(-after_s / 0.05)
    return (level * shape * noise).astype(np.float32)


def sharp(level: float = 1.0, seed: int = 1) -> np.ndarray:
    """The first samples of a hit that is loudest at once."""
    noise = np.random.default_rng(seed).standard_normal(LENGTH)
    return (level * noise * np.exp(-np.arange(LENGTH) / 60)).astype(np.float32)


def ringing(hz: float = 80.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * TIME_S)).astype(np.float32)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)))


def test_a_hit_begins_as_it_was_recorded_at_the_level_that_was_made() -> None:
    made, attack = slow(), sharp()
    mended = struck(made, [(START, attack)])
    assert attack_ms(made, START / SAMPLE_RATE_HZ) > 4
    assert attack_ms(mended, START / SAMPLE_RATE_HZ) < 2
    first = slice(START, START + 200)
    assert correlation(mended[first], attack[:200]) > 0.95
    span = slice(START, START + LENGTH)
    assert np.std(mended[span]) == pytest.approx(np.std(made[span]), rel=0.4)


def test_what_rings_rings_on() -> None:
    """A low tone under a hit of highs: the hit is mended, the tone is not touched."""
    highs = np.diff(sharp(), prepend=0)
    highs = np.diff(highs, prepend=0).astype(np.float32)
    mended = struck(slow() + ringing(), [(START, highs)])
    spectrum = np.fft.rfft((mended - ringing())[START : START + 1024] * np.hanning(1024))
    hz = np.fft.rfftfreq(1024, 1 / SAMPLE_RATE_HZ)
    tone = np.abs(np.fft.rfft(ringing()[START : START + 1024] * np.hanning(1024)))
    assert np.abs(spectrum[hz < 150]).max() < 0.15 * tone.max()
    assert correlation((mended - ringing())[START : START + 200], highs[:200]) > 0.8


def test_nothing_is_heard_before_a_hit_or_long_after_it() -> None:
    made = slow() + ringing(3000)
    changed = np.flatnonzero(struck(made, [(START, sharp())]) != made)
    assert changed[0] >= START - EDGE
    assert changed[-1] < START + LENGTH + AT_ONCE + WINDOW


def test_hits_at_once_are_added_and_later_ones_mended_by_themselves() -> None:
    one, two = sharp(seed=1), sharp(seed=2)
    made = slow()
    together = struck(made, [(START, one), (START + 10, two)])
    both = one.copy()
    both[10:] += two[:-10]
    assert correlation(together[START : START + 150], both[:150]) > 0.95
    later = made + np.roll(made, 3000)
    mended = struck(later, [(START, one), (START + 3000, two)])
    assert correlation(mended[START + 3000 : START + 3150], two[:150]) > 0.9


def test_near_an_end_and_without_hits_nothing_changes() -> None:
    made = slow()
    for hits in ([], [(10, sharp())], [(len(made) - 300, sharp())]):
        np.testing.assert_array_equal(struck(made, hits), made)
