"""Log-mel errors: known answers, then a ladder that must rank."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.errors import NoisicianError
from noisician.evaluate import spectral

RATE = 44100


def melody(seed: int, detune_cents: float = 0.0, seconds: float = 6.0) -> np.ndarray:
    """Random plucked notes an eighth apart, brighter or darker by chance."""
    rng = np.random.default_rng(seed)
    out = np.zeros(int(seconds * RATE))
    time = np.arange(int(0.4 * RATE)) / RATE
    for start in np.arange(0, seconds - 0.4, 0.25):
        hz = 440 * 2 ** ((rng.choice([57, 60, 62, 64, 67, 69, 72]) - 69 + detune_cents / 100) / 12)
        tone = sum(np.sin(2 * np.pi * hz * k * time) / k**1.5 for k in range(1, 12))
        place = int(start * RATE)
        out[place : place + len(time)] += 0.1 * rng.uniform(0.5, 1) * tone * np.exp(-8 * time)
    return out


def test_log_mel_error_by_hand() -> None:
    reference, estimate = np.zeros((4, 2)), np.array([[1.0, -0.5]] * 4)
    assert spectral.log_mel_error(reference, estimate) == 0.75


def test_a_level_change_is_its_own_size_in_nats() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    assert spectral.audio_log_mel_error(noise, noise) == 0
    assert spectral.audio_log_mel_error(noise, noise / 2) == pytest.approx(np.log(2), abs=0.02)


def test_log_mel_error_ranks_the_ladder() -> None:
    clean = melody(0)
    rng = np.random.default_rng(1)
    shuffled = np.concatenate([np.array_split(clean, 40)[k] for k in rng.permutation(40)])
    ladder = [
        clean + 1e-4 * rng.standard_normal(len(clean)),
        melody(0, detune_cents=60),
        shuffled,
        clean.std() * rng.standard_normal(len(clean)),
    ]
    errors = [spectral.audio_log_mel_error(clean, audio) for audio in ladder]
    assert errors == sorted(errors)
    assert errors[0] < 0.1 < errors[1]


def test_lengths_may_differ_by_a_few_frames_only() -> None:
    assert spectral.log_mel_error(np.zeros((10, 2)), np.zeros((12, 2))) == 0
    with pytest.raises(NoisicianError, match="100 and 50 frames"):
        spectral.log_mel_error(np.zeros((100, 2)), np.zeros((50, 2)))
