"""The gate before onsets and the rise after them, on sounds whose right answer is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.evaluate.attacks import attack_ms, pre_echo_db
from noisician.mel import HOP, SAMPLE_RATE_HZ, log_mel
from noisician.vocoder.onsets import (
    ATTACK,
    ATTACK_WINDOW,
    EDGE,
    GATE_REACH,
    GATE_WINDOW,
    SMEAR,
    TOGETHER,
    clusters,
    gated,
    sharpened,
)

SAMPLES = 40 * HOP
ONSET = 20 * HOP + 137
ONSET_S = ONSET / SAMPLE_RATE_HZ


def hit(rise_samples: int = 1) -> np.ndarray:
    """Noise from ONSET on that falls by 1/e in 50 ms, float32 ``[SAMPLES]``."""
    after = np.arange(SAMPLES) - ONSET
    level = np.where(after >= 0, np.minimum(1, (after + 1) / rise_samples) * np.exp(-after / 2205), 0)
    return (0.2 * level * np.random.default_rng(5).standard_normal(SAMPLES)).astype(np.float32)


def smear(level: float) -> np.ndarray:
    """Noise over the half window before ONSET."""
    out = np.zeros(SAMPLES, np.float32)
    out[ONSET - SMEAR : ONSET] = level * np.random.default_rng(6).standard_normal(SMEAR)
    return out


def tone() -> np.ndarray:
    return (0.1 * np.sin(2 * np.pi * 440 * np.arange(SAMPLES) / SAMPLE_RATE_HZ)).astype(np.float32)


def level_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20))


def test_a_smear_out_of_silence_goes_and_the_hit_stays() -> None:
    made = gated(hit() + smear(0.05), [ONSET])
    assert pre_echo_db(hit() + smear(0.05), ONSET_S) > -30
    assert pre_echo_db(made, ONSET_S) < -100
    np.testing.assert_allclose(made[ONSET + GATE_WINDOW :], hit()[ONSET + GATE_WINDOW :], atol=1e-6)
    np.testing.assert_allclose(made[ONSET : ONSET + GATE_WINDOW], hit()[ONSET : ONSET + GATE_WINDOW], atol=0.03)


def test_what_rings_on_rings_through_the_gate() -> None:
    made = gated(tone() + smear(0.03), [ONSET])
    before = slice(ONSET - SMEAR + 128, ONSET - EDGE)
    left = (made - tone())[before]
    assert level_db(left) < level_db(smear(0.03)[before]) - 12
    projected = 2 * np.mean(made[before] * tone()[before]) / 0.1**2
    assert projected == pytest.approx(np.mean(tone()[before] ** 2) * 2 / 0.1**2, rel=0.06)


def test_a_steady_tone_passes() -> None:
    change = gated(tone(), [ONSET]) - tone()
    assert level_db(change[ONSET - SMEAR : ONSET]) < level_db(tone()) - 30
    assert np.abs(change).max() < 0.1 * np.abs(tone()).max()


def test_samples_away_from_the_onset_are_untouched() -> None:
    sound = hit() + smear(0.05)
    held, rising = gated(sound, [ONSET]), sharpened(sound, [ONSET], log_mel(hit()))
    for made, before, after in (
        (held, SMEAR + GATE_WINDOW // 2, GATE_WINDOW),
        (rising, EDGE, ATTACK + ATTACK_WINDOW // 2),
    ):
        np.testing.assert_allclose(made[: ONSET - before], sound[: ONSET - before], atol=1e-7)
        np.testing.assert_array_equal(made[ONSET + after :], sound[ONSET + after :])
        assert (made != sound).any()


@pytest.mark.parametrize("onsets", [[], [ONSET - GATE_REACH + 1, ONSET], [GATE_REACH - 1], [SAMPLES - 1]])
def test_onsets_without_room_are_left_alone(onsets: list[int]) -> None:
    sound = hit() + smear(0.05)
    first = onsets[:1] if len(onsets) == 2 else []
    np.testing.assert_array_equal(gated(sound, onsets), gated(sound, first))


def test_a_slow_rise_becomes_as_fast_as_the_mel_says() -> None:
    slow = hit(rise_samples=882)
    wanted = log_mel(hit())
    made = sharpened(slow, [ONSET], wanted)
    assert attack_ms(slow, ONSET_S) > 8
    assert attack_ms(made, ONSET_S) < 0.5 * attack_ms(slow, ONSET_S)
    near = slice(ONSET // HOP - 1, ONSET // HOP + 3)
    errors = [np.abs(log_mel(sound) - wanted)[near].mean() for sound in (slow, made)]
    assert errors[1] < 0.7 * errors[0]
    assert not made[: ONSET - EDGE].any()


def test_a_rise_that_is_right_stays() -> None:
    np.testing.assert_allclose(sharpened(hit(), [ONSET], log_mel(hit())), hit(), atol=1e-3)


@settings(deadline=None, max_examples=15)
@given(frames=st.integers(-8, 8))
def test_a_shift_by_whole_frames_shifts_the_result(frames: int) -> None:
    sound, shift = hit(300) + smear(0.05), frames * HOP
    mel = log_mel(hit())

    def mended(samples: np.ndarray, mels: np.ndarray, onset: int) -> np.ndarray:
        return sharpened(gated(samples, [onset]), [onset], mels)

    moved = mended(np.roll(sound, shift), np.roll(mel, frames, axis=0), ONSET + shift)
    np.testing.assert_allclose(np.roll(moved, -shift), mended(sound, mel, ONSET), atol=1e-6)


@given(st.lists(st.integers(0, 20_000), max_size=20))
def test_clusters_begin_with_onsets_and_leave_none_out(onsets: list[int]) -> None:
    firsts = clusters(onsets)
    assert set(firsts) <= set(onsets)
    assert all(later - earlier > TOGETHER for earlier, later in pairwise(firsts))
    assert all(any(0 <= onset - first <= TOGETHER for first in firsts) for onset in onsets)
