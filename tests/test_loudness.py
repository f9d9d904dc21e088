"""Loudness and true peak against values known from the standard and from an independent meter."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from noisician.loudness import (
    TILE,
    dc_offset,
    gated_loudness_lufs,
    integrated_loudness_lufs,
    k_weighting_sos,
    momentary_loudness_lufs,
    read,
    tile_true_peaks,
    true_peak_dbtp,
)

RATE_HZ = 44100


def tone(hz: float, seconds: float, amplitude: float = 1.0, phase: float = 0.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * t + phase)).astype(np.float32)


def test_k_weighting_reproduces_the_table_of_the_standard_at_48_khz() -> None:
    shelf, low_cut = k_weighting_sos(48000)
    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585], abs=1e-8
    )
    assert low_cut == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-8)


def test_full_scale_997_hz_in_one_channel_is_minus_3_01_lufs() -> None:
    assert integrated_loudness_lufs(tone(997, 5), RATE_HZ) == pytest.approx(-3.01, abs=0.02)


def test_two_equal_channels_are_3_db_louder_than_one() -> None:
    one = tone(997, 3, 0.1)
    both = np.stack([one, one], axis=1)
    difference = integrated_loudness_lufs(both, RATE_HZ) - integrated_loudness_lufs(one, RATE_HZ)
    assert difference == pytest.approx(3.0103, abs=1e-3)


def test_gate_ignores_silence_between_music() -> None:
    loud = tone(997, 10, 0.1)
    gappy = np.concatenate([loud, np.zeros(30 * RATE_HZ, np.float32), loud])
    assert integrated_loudness_lufs(gappy, RATE_HZ) == pytest.approx(integrated_loudness_lufs(loud, RATE_HZ), abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_an_independent_meter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    envelope = np.repeat(10 ** rng.uniform(-3, -0.5, 40), RATE_HZ // 5)
    audio = rng.standard_normal((len(envelope), 2)) * envelope[:, None] * 0.3
    assert integrated_loudness_lufs(audio, RATE_HZ) == pytest.approx(
        pyloudnorm.Meter(RATE_HZ).integrated_loudness(audio), abs=0.1
    )


def test_shorter_than_a_block_is_measured_whole() -> None:
    short = integrated_loudness_lufs(tone(997, 0.2, 0.1), RATE_HZ)
    assert short == pytest.approx(integrated_loudness_lufs(tone(997, 4, 0.1), RATE_HZ), abs=0.15)


@pytest.mark.parametrize("audio", [np.zeros((0, 2)), np.zeros(100), np.zeros((RATE_HZ, 2))])
def test_silence_is_minus_infinity(audio: np.ndarray) -> None:
    assert integrated_loudness_lufs(audio, RATE_HZ) == -np.inf
    assert true_peak_dbtp(audio) == -np.inf
    assert dc_offset(audio) == 0.0


def test_relative_gate_drops_blocks_10_lu_down() -> None:
    steps = np.concatenate([np.full(100, 1e-2), np.full(100, 1e-4)])
    assert gated_loudness_lufs(steps) == pytest.approx(-0.691 - 20, abs=0.1)


def test_momentary_follows_a_step_of_20_db() -> None:
    curve = momentary_loudness_lufs(np.concatenate([tone(997, 2, 0.1), tone(997, 2, 0.01)]), RATE_HZ)
    assert len(curve) == 37
    assert curve[5] - curve[-5] == pytest.approx(20.0, abs=0.05)


def test_true_peak_finds_the_crest_between_samples() -> None:
    between = tone(RATE_HZ / 4, 1.0, 0.5, np.pi / 4)
    assert np.abs(between).max() == pytest.approx(0.5 * np.sqrt(0.5), rel=1e-4)
    assert true_peak_dbtp(between[500:-500]) == pytest.approx(20 * np.log10(0.5), abs=0.3)
    peaks = tile_true_peaks(between)[50:-50]
    assert 20 * np.log10(peaks.max()) == pytest.approx(20 * np.log10(0.5), abs=0.02)


def test_true_peak_agrees_with_polyphase_resampling_in_the_audible_band() -> None:
    noise = np.random.default_rng(1).standard_normal(RATE_HZ)
    spectrum = np.fft.rfft(noise)
    spectrum[int(18500 / RATE_HZ * len(noise)) :] = 0
    noise = np.fft.irfft(spectrum)
    fine = resample_poly(noise, 4, 1, window=("kaiser", 12.0))
    assert true_peak_dbtp(noise) == pytest.approx(20 * np.log10(np.abs(fine).max()), abs=0.1)


PEAKS_OF_A_SECOND = """
import numpy as np
from noisician.loudness import tile_true_peaks
print(tile_true_peaks(np.random.default_rng(0).standard_normal(44100).astype(np.float32)).tobytes().hex())
"""


def test_true_peaks_do_not_depend_on_the_threads_of_the_matrix_library() -> None:
    """Bit for bit: they decide gains, and a recipe gives the same samples on any number of cores."""

    def peaks(threads: int) -> bytes:
        named = {f"{library}_NUM_THREADS": str(threads) for library in ("OPENBLAS", "OMP", "MKL")}
        command = [sys.executable, "-c", PEAKS_OF_A_SECOND]
        return subprocess.run(command, env={**os.environ, **named}, stdout=subprocess.PIPE, check=True).stdout

    assert len(peaks(1)) > 8 * 44100 // 21
    assert peaks(1) == peaks(2) == peaks(4)


def test_tiles_see_across_the_seam_of_a_loop() -> None:
    period = TILE * 40
    wave = np.sin(2 * np.pi * np.arange(period) * 210 / period + 0.7).astype(np.float32)
    looped = tile_true_peaks(wave, loop=True)
    assert looped[0] == pytest.approx(looped[20], abs=1e-3)
    assert looped[-1] == pytest.approx(1.0, abs=0.02)


def test_read_pads_with_silence_or_wraps() -> None:
    signal = np.arange(1, 5, dtype=np.float32)
    assert read(signal, -2, 6, loop=False).tolist() == [0, 0, 1, 2, 3, 4, 0, 0]
    assert read(signal, -2, 6, loop=True).tolist() == [3, 4, 1, 2, 3, 4, 1, 2]
    assert read(signal, 10, 13, loop=False).tolist() == [0, 0, 0]


def test_dc_is_the_worst_channel() -> None:
    audio = np.tile([[0.25, -0.5]], (1000, 1))
    assert dc_offset(audio) == pytest.approx(0.5)
