"""Filters at frequencies where their gain is known, convolution against the direct sum."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.errors import RequestError
from noisician.mix.filters import (
    HOP,
    SAMPLE_RATE_HZ,
    Band,
    Blocks,
    biquad,
    impulse_response,
    interpolate,
    power_response,
    reader_of,
    sections,
)

SMALL = Blocks(fft=1024, valid=HOP * 8, batch=3)


def gain_db(band: Band, hz: float) -> float:
    return 10 * np.log10(power_response(sections([band]), np.array([hz]))[0])


@pytest.mark.parametrize(
    ("band", "hz", "expected_db"),
    [
        (Band("peak", 1000, 6, 1.0), 1000, 6.0),
        (Band("peak", 1000, -4, 1.0), 1000, -4.0),
        (Band("peak", 1000, 6, 1.0), 20, 0.0),
        (Band("low_shelf", 200, 3), 5, 3.0),
        (Band("low_shelf", 200, 3), 200, 1.5),
        (Band("low_shelf", 200, 3), 15000, 0.0),
        (Band("high_shelf", 5000, -6), 21900, -6.0),
        (Band("high_shelf", 5000, -6), 5000, -3.0),
        (Band("high_shelf", 5000, -6), 40, 0.0),
        (Band("high_pass", 100), 100, -3.01),
        (Band("high_pass", 100), 10, -40.0),
        (Band("low_pass", 2000), 2000, -3.01),
        (Band("low_pass", 2000), 20, 0.0),
    ],
)
def test_gain_at_known_frequencies(band: Band, hz: float, expected_db: float) -> None:
    assert gain_db(band, hz) == pytest.approx(expected_db, abs=0.05)


@pytest.mark.parametrize("band", [Band("peak", 0.0), Band("peak", 22050.0), Band("comb", 100.0)])
def test_impossible_bands_are_refused_in_one_line(band: Band) -> None:
    with pytest.raises(RequestError) as caught:
        biquad(band)
    assert "\n" not in str(caught.value)


def test_impulse_response_has_the_power_response_of_its_sections() -> None:
    sos = sections([Band("high_pass", 200), Band("peak", 3000, 5, 2.0)])
    spectrum = np.abs(np.fft.rfft(impulse_response(sos, 8192), 8192)) ** 2
    frequencies = np.fft.rfftfreq(8192, 1 / SAMPLE_RATE_HZ)
    assert spectrum == pytest.approx(power_response(sos, frequencies), abs=1e-6)


def convolved(signal: np.ndarray, impulse: np.ndarray, blocks: Blocks, *, loop: bool) -> np.ndarray:
    response, reader = blocks.response(impulse), reader_of(signal, loop=loop)
    return np.concatenate(
        [
            blocks.signal(blocks.spectra(reader, start, stop) * response, stop - start)
            for start, stop in blocks.spans(len(signal))
        ]
    )


@pytest.mark.parametrize("frames", [1, 500, HOP * 24, 5000])
@pytest.mark.parametrize("guard", [0, 30])
def test_blocks_equal_direct_convolution(frames: int, guard: int) -> None:
    rng = np.random.default_rng(frames)
    blocks = Blocks(fft=1024, valid=HOP * 8, guard=guard, batch=3)
    signal, impulse = rng.standard_normal(frames).astype(np.float32), rng.standard_normal(blocks.taps)
    direct = np.convolve(signal, impulse)[:frames]
    assert convolved(signal, impulse, blocks, loop=False) == pytest.approx(direct, abs=2e-4)


@pytest.mark.parametrize("frames", [300, 3000])
def test_blocks_are_circular_for_a_loop(frames: int) -> None:
    rng = np.random.default_rng(2)
    signal, impulse = rng.standard_normal(frames).astype(np.float32), rng.standard_normal(SMALL.taps)
    endless = np.tile(signal, 10)
    direct = np.convolve(endless, impulse)[9 * frames : 10 * frames]
    assert convolved(signal, impulse, SMALL, loop=True) == pytest.approx(direct, abs=2e-4)


def test_too_long_a_response_is_refused() -> None:
    with pytest.raises(ValueError, match="impulse response of"):
        SMALL.response(np.zeros(SMALL.taps + 1))


def test_interpolation_is_exact_at_samples_and_close_between() -> None:
    wave = np.sin(2 * np.pi * 1000 * np.arange(2000) / SAMPLE_RATE_HZ).astype(np.float32)
    at = np.arange(100, 1800)
    assert interpolate(reader_of(wave, loop=False), at).tolist() == wave[at].tolist()
    between = np.sin(2 * np.pi * 1000 * (at + 0.37) / SAMPLE_RATE_HZ)
    assert interpolate(reader_of(wave, loop=False), at + 0.37) == pytest.approx(between, abs=1e-3)


def test_interpolation_wraps_in_a_loop() -> None:
    wave = np.sin(2 * np.pi * 7 * np.arange(1000) / 1000).astype(np.float32)
    expected = np.sin(2 * np.pi * 7 * (np.arange(1000) - 20.5) / 1000)
    assert interpolate(reader_of(wave, loop=True), np.arange(1000) - 20.5) == pytest.approx(expected, abs=1e-3)
