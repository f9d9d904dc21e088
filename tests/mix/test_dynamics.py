"""Gain curves: ducking, compressor, limiter and their loudness book-keeping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.loudness import integrated_loudness_lufs, k_weighting_sos
from noisician.mix import dynamics
from noisician.mix.filters import HOP, SAMPLE_RATE_HZ
from noisician.mix.mastering import hop_mean_squares


def test_ramps_meet_the_curve_at_every_hop_and_at_the_end() -> None:
    frames = 3 * HOP + 10
    curve = np.array([0.0, 1.0, 3.0, 2.0, 4.0])
    gains = dynamics.ramps(curve, 0, frames, frames)
    assert len(gains) == frames
    assert gains[[0, HOP, 2 * HOP, 3 * HOP]].tolist() == [0.0, 1.0, 3.0, 2.0]
    assert gains[-1] == pytest.approx(2 + 2 * 9 / 10)
    assert dynamics.ramps(curve, HOP, 2 * HOP, frames).tolist() == gains[HOP : 2 * HOP].tolist()


@pytest.mark.parametrize("loop", [False, True])
def test_ducking_is_deepest_at_the_kick_and_over_after_the_release(loop: bool) -> None:
    frames = 2 * SAMPLE_RATE_HZ
    shape = dynamics.duck_shape(np.array([0.5, 1.0]), frames, 0.2, loop=loop)
    times = dynamics.curve_times_s(frames)
    gain_db = 20 * np.log10(dynamics.duck_gain(shape, 6.0))
    for kick_s in (0.5, 1.0):
        at = np.abs(times - (kick_s + 0.005)).argmin()
        assert gain_db[at] == pytest.approx(-6.0, abs=0.1)
    quiet = (np.abs(times - 0.4) < 0.05) | (np.abs(times - 0.8) < 0.05) | (times > 1.3)
    assert np.all(gain_db[quiet] == 0)


def test_ducking_of_a_loop_wraps_round_its_seam() -> None:
    frames = SAMPLE_RATE_HZ
    shape = dynamics.duck_shape(np.array([0.95]), frames, 0.2, loop=True)
    straight = dynamics.duck_shape(np.array([0.95]), frames, 0.2, loop=False)
    assert straight[0] == 0.0
    assert shape[0] == shape[-1] > 0.5


def test_no_kicks_no_ducking() -> None:
    assert not dynamics.duck_shape(np.zeros(0), 1000, 0.2, loop=False).any()


@given(st.lists(st.floats(0.0, 30.0), min_size=1, max_size=60), st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_release_equals_its_recursion(values: list[float], time_s: float) -> None:
    keep, held, expected = np.exp(-dynamics.HOP_S / time_s), 0.0, []
    for value in values:
        held = max(value, held * keep)
        expected.append(held)
    assert dynamics._release(np.array(values), time_s) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_limiter_curve_keeps_every_hop_under_the_ceiling(seed: int, loop: bool) -> None:
    rng = np.random.default_rng(seed)
    peaks = 10 ** rng.uniform(-3, 1, 200)
    gain = dynamics.limiter_gain(peaks, 0.9, loop=loop)
    assert np.all(peaks * np.maximum(gain[:-1], gain[1:]) <= 0.9 * (1 + 1e-9))
    assert np.all(gain > 0) and np.all(gain <= 1)


def test_limiter_leaves_what_is_under_the_ceiling_alone() -> None:
    assert dynamics.limiter_gain(np.full(100, 0.5), 0.9, loop=False).tolist() == [1.0] * 101


def test_limiter_state_is_circular() -> None:
    peaks = np.full(400, 0.5)
    peaks[390] = 2.0
    looped = dynamics.limiter_gain(peaks, 1.0, loop=True)
    rolled = dynamics.limiter_gain(np.roll(peaks, 100), 1.0, loop=True)
    assert looped[0] == pytest.approx(looped[-1])
    assert looped[0] < 0.9
    assert np.roll(looped[:-1], 100) == pytest.approx(rolled[:-1], rel=1e-3)


def test_compressor_narrows_a_step_and_ignores_silence() -> None:
    squares = np.concatenate([np.full(2000, 1e-2), np.full(2000, 1e-4)])
    gain = dynamics.compressor_gain(squares, 1.0, loop=False)
    drop_db = 20 * np.log10(gain[3900] / gain[1900])
    assert 0.5 < drop_db < 4.0
    assert dynamics.compressor_gain(np.zeros(100), 1.0, loop=False).tolist() == [1.0] * 101
    assert dynamics.compressor_gain(squares, 0.0, loop=False).tolist() == [1.0] * 4001


@pytest.mark.parametrize("seconds", [0.3, 2.0])
def test_loudness_from_hops_is_the_meters(seconds: float) -> None:
    from scipy.signal import sosfilt

    noise = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE_HZ)) * 0.1
    energies = hop_mean_squares(np.asarray(sosfilt(k_weighting_sos(SAMPLE_RATE_HZ), noise)))
    gain = np.full(len(energies) + 1, 0.5)
    measured = integrated_loudness_lufs(0.5 * noise, SAMPLE_RATE_HZ)
    assert dynamics.hop_loudness_lufs(energies, gain) == pytest.approx(measured, abs=0.02)


def test_automation_follows_the_sections_energy() -> None:
    frames = 8 * SAMPLE_RATE_HZ
    gain = dynamics.energy_gain(((0.0, 0.0), (4.0, 1.0)), frames, 2.0, loop=False)
    step_db = 20 * np.log10(gain[-1] / gain[0])
    assert step_db == pytest.approx(2.0, abs=0.01)
    assert np.abs(np.diff(20 * np.log10(gain))).max() < 0.05
    assert dynamics.energy_gain((), frames, 2.0, loop=False).tolist() == [1.0] * len(gain)


def test_fade_ends_in_silence() -> None:
    gain = dynamics.fade_gain(4 * SAMPLE_RATE_HZ, 1.0)
    assert gain[0] == 1.0
    assert gain[-1] == pytest.approx(0.0)
    assert np.all(np.diff(gain) <= 0)


def curves(squares: np.ndarray, memory: float | None) -> dict[str, tuple[np.ndarray, int]]:
    """Every curve that follows a signal, with the hops that it may look back and ahead together."""
    settings_ = dynamics.Deesser(5000, 9000, -13.0, -19.0, 0.8, 9.0, 0.002, 0.04)
    reach = memory or 0.0
    return {
        "compressor": (
            dynamics.compressor_gain(squares, 1.0, loop=False, loud=0.1, memory=memory),
            dynamics.compressor_hops(reach),
        ),
        "limiter": (
            dynamics.limiter_gain(np.sqrt(squares), 0.3, loop=False, memory=memory),
            dynamics.limiter_hops(reach),
        ),
        "voice": (
            dynamics.voice_shape(squares, loop=False, loud=0.1, memory=memory),
            dynamics.voice_shape_hops(reach),
        ),
        "deesser": (
            dynamics.deesser_gain(squares, squares, settings_, loop=False, loud=0.1, memory=memory),
            dynamics.deesser_hops(settings_, reach),
        ),
    }


@given(st.integers(0, 2**32 - 1), st.integers(700, 899), st.floats(1.0, 4.0))
@settings(max_examples=20, deadline=None)
def test_with_a_memory_a_change_is_forgotten_to_the_last_bit(seed: int, at: int, memory: float) -> None:
    squares = 10 ** np.random.default_rng(seed).uniform(-4, 0, 4000)
    changed = squares.copy()
    changed[at] = 1.0 - 0.5 * squares[at]
    for name, (curve, back) in curves(squares, memory).items():
        other = curves(changed, memory)[name][0]
        differ = np.flatnonzero(curve != other)
        if len(differ):
            assert differ[0] >= at - 2 * dynamics.LOOKAHEAD_HOPS - 1
            assert differ[-1] <= at + back + 1


def test_a_long_memory_is_the_recursion() -> None:
    squares = 10 ** np.random.default_rng(1).uniform(-4, 0, 2000)
    for name, (curve, _) in curves(squares, 12.0).items():
        assert 20 * np.log10(curve + 1e-3) == pytest.approx(
            20 * np.log10(curves(squares, None)[name][0] + 1e-3), abs=0.01
        )
