"""Log-mel errors and distances of sets: known answers, then ladders that must rank."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.errors import NoisicianError
from noisician.evaluate import distances, spectral
from noisician.mel import log_mel

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
    error, bias = spectral.band_errors(reference, estimate)
    assert error.tolist() == [1.0, 0.5]
    assert bias.tolist() == [1.0, -0.5]


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


def test_kernel_distance_is_unbiased_and_sees_a_shift() -> None:
    rng = np.random.default_rng(0)
    values = [distances.kernel_distance(rng.standard_normal((60, 4)), rng.standard_normal((60, 4))) for _ in range(40)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(40) + 1e-9
    near, far = (
        distances.kernel_distance(rng.standard_normal((200, 4)), rng.standard_normal((200, 4)) + shift)
        for shift in (0.3, 1.0)
    )
    assert 0 < near < far


def test_polynomial_kernel_distance_by_hand() -> None:
    a, b = np.array([[0.0], [1.0]]), np.array([[1.0], [1.0]])
    # k(0, ·) = 1, k(1, 1) = 8: within 1, among 8, between (1 + 1 + 8 + 8) / 4
    assert distances.kernel_distance(a, b, "polynomial", scale=1.0) == pytest.approx(1 + 8 - 2 * 4.5)


def test_gaussian_kernel_distance_by_hand() -> None:
    a, b = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    k = np.exp(-np.array([1.0, 4.0]) / 2)  # median squared distance within the reference is 1
    assert distances.kernel_distance(a, b, scale=1.0) == pytest.approx(k[0] + 1 - (k[1] + k[0]))


def test_frechet_distance_of_known_gaussians() -> None:
    a = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
    assert distances.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert distances.frechet_distance(a, a + np.array([3, 4])) == pytest.approx(25)
    # Covariances c·1 and 4c·1 with c = 4/3: tr(c + 4c − 2·2c) in two dimensions = 2c
    assert distances.frechet_distance(a, 2 * a) == pytest.approx(8 / 3)


def test_frechet_distance_at_infinity_removes_the_small_sample_bias() -> None:
    rng = np.random.default_rng(4)
    reference, estimate = rng.standard_normal((4000, 12)), rng.standard_normal((150, 12))
    plain = distances.frechet_distance(reference, estimate)
    extrapolated = distances.frechet_distance_at_infinity(reference, estimate, np.random.default_rng(0))
    assert abs(extrapolated) < 0.5 * plain


def test_window_embeddings_are_seeded_and_shaped() -> None:
    mels = log_mel(melody(1).astype(np.float32))
    first = distances.window_embeddings(mels)
    assert first.shape == ((len(mels) - distances.WINDOW_FRAMES) // distances.WINDOW_HOP_FRAMES + 1, 64)
    np.testing.assert_array_equal(first, distances.window_embeddings(mels))
    assert not np.allclose(first, distances.window_embeddings(mels, seed=1))
    assert distances.window_embeddings(mels[:100]).shape == (0, 64)


def test_distances_rank_the_ladder() -> None:
    mels = [log_mel(melody(seed).astype(np.float32)) for seed in range(16)]
    rng = np.random.default_rng(0)
    ladder = {
        "floor": mels[8:],
        "copy": [mel + 0.3 * rng.standard_normal(mel.shape) for mel in mels[8:]],
        "shuffled": [mel[rng.permutation(len(mel))] for mel in mels[8:]],
        "noise": [log_mel((0.05 * rng.standard_normal(6 * RATE)).astype(np.float32)) for _ in range(8)],
    }
    sets = {name: np.concatenate([distances.window_embeddings(m) for m in group]) for name, group in ladder.items()}
    reference = np.concatenate([distances.window_embeddings(mel) for mel in mels[:8]])
    for distance in (distances.kernel_distance, distances.frechet_distance):
        values = [distance(reference, sets[name]) for name in ladder]
        assert values == sorted(values)
        assert values[-1] > 3 * max(values[0], 0)


def test_bad_embeddings_are_named() -> None:
    good = np.random.default_rng(0).standard_normal((4, 3))
    with pytest.raises(NoisicianError, match="shapes"):
        distances.frechet_distance(good, good[:, :2])
    with pytest.raises(NoisicianError, match="at least 2"):
        distances.kernel_distance(good, good[:1])
    with pytest.raises(NoisicianError, match="all the same"):
        distances.kernel_distance(np.ones((4, 3)), good)
    with pytest.raises(NoisicianError, match="NaN"):
        distances.kernel_distance(good, good * np.nan)
