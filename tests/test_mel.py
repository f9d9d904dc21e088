"""The STFT and the mel axis: exact inverses, known answers, the reference implementation where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.mel import (
    BINS,
    HOP,
    LOG_FLOOR,
    MEL_BANDS,
    N_FFT,
    SAMPLE_RATE_HZ,
    frame_count,
    hann_window,
    istft,
    log_mel,
    mel_filters,
    stft,
)


def white(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def sine(hz: float, samples: int) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(samples) / SAMPLE_RATE_HZ).astype(np.float32)


@settings(deadline=None, max_examples=20)
@given(frames=st.integers(1, 40), seed=st.integers(0, 99))
def test_istft_undoes_stft_to_the_last_sample(frames: int, seed: int) -> None:
    samples = white(frames * HOP, seed)
    np.testing.assert_allclose(istft(stft(samples)), samples, atol=2e-5)


@pytest.mark.parametrize("samples", [0, 1, HOP - 1])
def test_less_than_a_frame_gives_no_frames(samples: int) -> None:
    assert frame_count(samples) == 0
    assert stft(white(samples)).shape == (0, BINS)
    assert istft(stft(white(samples))).shape == (0,)
    assert log_mel(white(samples)).shape == (0, MEL_BANDS)


def test_frames_beyond_the_samples_hear_zeros() -> None:
    samples = white(3 * HOP)
    longer = np.concatenate([samples, np.zeros(5 * HOP, np.float32)])
    np.testing.assert_array_equal(stft(samples, 8), stft(longer))
    np.testing.assert_array_equal(stft(samples, 8)[7], 0)


def test_a_frame_is_centred_on_its_hop() -> None:
    impulse = np.zeros(20 * HOP, np.float32)
    impulse[10 * HOP] = 1
    spectra = stft(impulse)
    assert int(np.abs(spectra).sum(axis=1).argmax()) == 10
    np.testing.assert_allclose(np.abs(spectra[10]), 1, atol=1e-6)


def test_a_sine_on_a_bin_has_the_windows_spectrum() -> None:
    number = 100
    spectra = np.abs(stft(sine(number * SAMPLE_RATE_HZ / N_FFT, 20 * HOP)))[10]
    half = hann_window().sum() / 2
    np.testing.assert_allclose(spectra[number - 1 : number + 2] / half, [0.5, 1, 0.5], atol=1e-4)
    assert spectra[: number - 2].max() < 1e-3 * half


def test_log_mel_of_silence_is_the_floor() -> None:
    silent = log_mel(np.zeros(4 * HOP, np.float32))
    np.testing.assert_allclose(silent, np.log(LOG_FLOOR), rtol=1e-6)
    assert silent.shape == (4, MEL_BANDS)
    assert silent.dtype == np.float32
    assert silent.flags.c_contiguous


def test_mels_are_the_filtered_magnitudes() -> None:
    samples = white(6 * HOP)
    expected = np.log(np.abs(stft(samples)).astype(np.float64) @ mel_filters().T.astype(np.float64) + LOG_FLOOR)
    np.testing.assert_allclose(log_mel(samples), expected, atol=1e-4)


@pytest.mark.parametrize("hz", [110.0, 440.0, 1760.0, 7040.0])
def test_a_sine_is_loudest_in_the_band_that_holds_it(hz: float) -> None:
    centres_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, BINS)[mel_filters().argmax(axis=1)]
    loudest = int(log_mel(sine(hz, 20 * HOP))[10].argmax())
    assert abs(centres_hz[loudest] - hz) < max(30.0, 0.04 * hz)


@pytest.mark.parametrize(("n_fft", "bands"), [(2048, 128), (1024, 80), (512, 40)])
def test_the_filters_are_librosas(n_fft: int, bands: int) -> None:
    filters = pytest.importorskip("librosa.filters")
    expected = filters.mel(sr=SAMPLE_RATE_HZ, n_fft=n_fft, n_mels=bands)
    np.testing.assert_allclose(mel_filters(n_fft, bands), expected, atol=1e-7)


def test_the_stft_is_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    samples = white(12 * HOP)
    expected = librosa.stft(samples, n_fft=N_FFT, hop_length=HOP, center=True, pad_mode="constant").T[:12]
    np.testing.assert_allclose(stft(samples), expected, atol=1e-3)
