"""Rooms that ring as long as they say, width that vanishes in mono."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.mix.filters import SAMPLE_RATE_HZ, reader_of
from noisician.mix.space import Room, chorus_reader, decorrelator, echo_taps, reverb_impulse
from noisician.styles import table

ROOMS = {name: Room.from_data(entry) for name, entry in table("mix")["rooms"].items()}


def octave(signal: np.ndarray, hz: float) -> np.ndarray:
    spectrum = np.fft.rfft(signal)
    frequencies = np.fft.rfftfreq(len(signal), 1 / SAMPLE_RATE_HZ)
    spectrum[(frequencies < hz / 1.41) | (frequencies > hz * 1.41)] = 0
    return np.fft.irfft(spectrum, len(signal))


def decay_s(impulse: np.ndarray) -> float:
    """Time to −60 dB by Schroeder's backward integral, fitted from −5 to −25 dB."""
    energy_db = 10 * np.log10(np.cumsum(np.square(impulse)[::-1])[::-1] + 1e-30)
    energy_db -= energy_db[0]
    span = np.flatnonzero((energy_db < -5) & (energy_db > -25))
    slope = np.polyfit(span / SAMPLE_RATE_HZ, energy_db[span], 1)[0]
    return -60 / slope


@pytest.mark.parametrize("name", ["plate", "hall", "cathedral"])
def test_rooms_ring_as_long_as_they_say_in_the_middle_and_shorter_above(name: str) -> None:
    left = reverb_impulse(ROOMS[name], 1)[0]
    expected = ROOMS[name].decay_s
    assert decay_s(octave(left, 1000)) == pytest.approx(expected[1], rel=0.15)
    assert decay_s(octave(left, 12000)) < 0.8 * decay_s(octave(left, 1000))


@pytest.mark.parametrize("name", list(ROOMS))
def test_reverb_has_unit_energy_predelay_and_independent_sides(name: str) -> None:
    impulse = reverb_impulse(ROOMS[name], 1)
    assert np.sum(np.square(impulse), axis=1) == pytest.approx([1.0, 1.0])
    assert not impulse[:, : round(ROOMS[name].predelay_ms * 44.1) - 1].any()
    assert abs(float(impulse[0] @ impulse[1])) < 0.5
    assert np.array_equal(impulse, reverb_impulse(ROOMS[name], 1))
    assert not np.array_equal(impulse, reverb_impulse(ROOMS[name], 2))


def test_decorrelator_is_flat_on_average_silent_below_and_differs_by_seed() -> None:
    response = np.abs(np.fft.rfft(decorrelator(1, 400.0), 16384)) ** 2
    frequencies = np.fft.rfftfreq(16384, 1 / SAMPLE_RATE_HZ)
    edges = 500 * 2 ** np.arange(6)
    bands = [response[(frequencies > low) & (frequencies < 2 * low)].mean() for low in edges]
    assert 10 * np.log10(np.array(bands)) == pytest.approx(np.zeros(6), abs=1.5)
    assert response[frequencies < 60].max() < 0.01
    one, other = decorrelator(1, 400.0), decorrelator(2, 400.0)
    assert abs(one @ other) < 0.5 * (one @ one)


def test_echo_taps_alternate_and_fall_by_the_feedback() -> None:
    taps = echo_taps(0.5, 0.5, floor_db=-25)
    assert taps == [(22050, 0, 1.0), (44100, 1, 0.5), (66150, 0, 0.25), (88200, 1, 0.125), (110250, 0, 0.0625)]


def test_chorus_sways_around_its_delay_and_closes_in_a_loop() -> None:
    frames = 4 * SAMPLE_RATE_HZ
    line = np.linspace(0, 1, frames, dtype=np.float32)
    read = chorus_reader(reader_of(line, loop=False), frames, 2.0, 0.5, loop=False)
    delays_ms = (np.arange(2000, frames) - read(2000, frames) * (frames - 1)) / SAMPLE_RATE_HZ * 1000
    assert delays_ms.min() == pytest.approx(9.0, abs=0.1)
    assert delays_ms.max() == pytest.approx(13.0, abs=0.1)
    wave = np.sin(2 * np.pi * 440 * np.arange(frames) / frames).astype(np.float32)
    looped = chorus_reader(reader_of(wave, loop=True), frames, 2.0, 0.43, loop=True)
    assert looped(-50, 50) == pytest.approx(np.concatenate([looped(frames - 50, frames), looped(0, 50)]), abs=1e-4)
