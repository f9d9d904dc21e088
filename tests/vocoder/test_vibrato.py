"""How pitches move: against the integral, in the excitation, and as heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from noisician.analysis.pitch import FRAME_RATE_HZ, track
from noisician.evaluate.life import vibrato_extent_cents
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.played import NoteEvent
from noisician.styles import instruments
from noisician.vocoder.excitation import excitation
from noisician.vocoder.vibrato import DELAYS_S, EXTENT_SHARES, MOST_LATE, RAMP_S, RATES_HZ, SCOOP_S, Swing, swing_of

VIOLIN = replace(instruments()["violin"], vibrato_cents=10.0)
STRAIGHT = replace(VIOLIN, vibrato_cents=0.0)
PLAYER = (7, 3)


@settings(deadline=None, max_examples=20)
@given(
    extent=st.floats(0, 30), rate=st.floats(4.5, 6.5), delay=st.integers(8820, 22_050), late=st.integers(0, MOST_LATE)
)
def test_the_stray_is_the_integral_of_the_cents(extent: float, rate: float, delay: int, late: int) -> None:
    time_s = np.linspace(0, 2, 200_001)
    u = np.maximum(time_s - delay / SAMPLE_RATE_HZ, 0)
    cents = extent * np.minimum(u / RAMP_S, 1) * np.sin(2 * np.pi * rate * u)
    scoop_cents = 3 * late / SAMPLE_RATE_HZ / SCOOP_S / np.log(2) * 1200
    cents -= scoop_cents * np.maximum(1 - time_s / SCOOP_S, 0) ** 2
    relative = cents * np.log(2) / 1200
    summed = np.concatenate([[0], np.cumsum((relative[1:] + relative[:-1]) / 2)]) * 1e-5
    np.testing.assert_allclose(Swing(extent, rate, delay, late).stray_s(time_s), summed, atol=1e-9)


@given(seed=st.integers(0, 2**32 - 1), stream=st.integers(0, 2**31), start=st.integers(-50_000, 10**8))
def test_swings_are_drawn_within_their_limits(seed: int, stream: int, start: int) -> None:
    swing = swing_of(10.0, (seed, stream), 60, start)
    assert RATES_HZ[0] <= swing.rate_hz <= RATES_HZ[1]
    assert DELAYS_S[0] <= swing.delay / SAMPLE_RATE_HZ <= DELAYS_S[1]
    assert 10 * EXTENT_SHARES[0] <= swing.extent_cents <= 10 * EXTENT_SHARES[1]
    assert 0 <= swing.late <= MOST_LATE


def test_every_note_and_player_has_a_swing_of_its_own() -> None:
    one = swing_of(10.0, PLAYER, 60, 1000)
    assert one == swing_of(10.0, PLAYER, 60, 1000)
    others = [swing_of(10.0, PLAYER, 61, 1000), swing_of(10.0, PLAYER, 60, 1001), swing_of(10.0, (7, 4), 60, 1000)]
    assert len({swing.rate_hz for swing in [one, *others]}) == 4


@pytest.mark.parametrize("pitch", [57, 69, 81])
def test_a_long_note_is_scooped_then_straight_then_swings_about_its_pitch(pitch: int) -> None:
    swing = swing_of(10.0, PLAYER, pitch, 0)
    sound = excitation([NoteEvent(pitch, 0.0, 3.0, 90)], VIOLIN, 3 * SAMPLE_RATE_HZ, 0, PLAYER)
    sound = gaussian_filter1d(sound, 6)  # the tracker's parabola fits round peaks, not pulses
    hz = 440 * 2 ** ((pitch - 69) / 12)
    cents = 1200 * np.log2(track(sound, np.arange(4, 290), pitch, pitch) / hz)
    straight = cents[round(SCOOP_S * FRAME_RATE_HZ) : int(swing.delay / SAMPLE_RATE_HZ * FRAME_RATE_HZ) - 6]
    assert np.ptp(straight) < 0.3
    assert straight.mean() == pytest.approx(0, abs=0.5)
    assert cents[-200:].mean() == pytest.approx(0, abs=1)
    held = sound[round(0.9 * SAMPLE_RATE_HZ) : round(2.9 * SAMPLE_RATE_HZ)]
    assert vibrato_extent_cents(held, pitch) == pytest.approx(swing.extent_cents, rel=0.1)


def test_a_scoop_begins_below_its_pitch_and_ends_late_by_whole_samples() -> None:
    late = 12
    sound = excitation([NoteEvent(57, 0.0, 0.19, 90)], VIOLIN, SAMPLE_RATE_HZ, 0, _player_with(57, late))
    straight = excitation([NoteEvent(57, 0.0, 0.19, 90)], STRAIGHT, SAMPLE_RATE_HZ, 0, PLAYER)
    scooped, end = round(SCOOP_S * SAMPLE_RATE_HZ), round(0.19 * SAMPLE_RATE_HZ)
    np.testing.assert_array_equal(sound[scooped:end], straight[scooped - late : end - late])
    heard = 1200 * np.log2(track(sound, np.array([2, 4, 12]), 57, 57) / 220)
    assert heard[0] < heard[1] < -2
    assert heard[2] == pytest.approx(0, abs=1)


def _player_with(pitch: int, late: int) -> tuple[int, int]:
    """A player whose note at 0 has a scoop of so many samples."""
    return next((seed, 0) for seed in range(10_000) if swing_of(10.0, (seed, 0), pitch, 0).late == late)


@settings(deadline=None, max_examples=30)
@given(
    starts=st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=3),
    length_s=st.sampled_from([0.05, 0.3, 1.4]),
    first=st.integers(-9000, 90_000),
    length=st.integers(1, 30_000),
)
def test_any_stretch_with_vibrato_equals_that_stretch_of_the_whole(
    starts: list[float], length_s: float, first: int, length: int
) -> None:
    notes = [NoteEvent(60 + 7 * number, start, start + length_s, 90) for number, start in enumerate(starts)]
    whole = excitation(notes, VIOLIN, 130_000, -9000, PLAYER)
    stretch = excitation(notes, VIOLIN, length, first, PLAYER)
    np.testing.assert_array_equal(stretch, whole[first + 9000 : first + 9000 + length])


def test_another_end_changes_nothing_before_it() -> None:
    """Cached pieces do not know where a note that sounds beyond them ends."""
    short, long = (excitation([NoteEvent(64, 0.1, end, 90)], VIOLIN, 22_050, 0, PLAYER) for end in (0.5, 3.0))
    np.testing.assert_array_equal(short, long)


def test_what_swings_has_the_level_of_what_does_not() -> None:
    note = [NoteEvent(64, 0.0, 2.0, 90)]
    moving, straight = (excitation(note, one, 88_200, 0, PLAYER) for one in (VIOLIN, STRAIGHT))
    assert moving.std() == pytest.approx(straight.std(), rel=0.01)
    assert np.isfinite(moving).all()


def test_without_a_player_or_vibrato_pitches_are_straight() -> None:
    note = [NoteEvent(64, 0.0, 2.0, 90)]
    straight = excitation(note, STRAIGHT, 88_200, 0, PLAYER)
    np.testing.assert_array_equal(excitation(note, VIOLIN, 88_200), straight)
    assert (excitation(note, VIOLIN, 88_200, 0, PLAYER) != straight).any()


def test_only_what_is_bowed_or_blown_alone_has_vibrato_and_never_more_than_a_sixth_of_a_semitone() -> None:
    swinging = [one for one in instruments().values() if one.vibrato_cents]
    assert len(swinging) >= 8
    for one in swinging:
        assert one.sustain == "sustained" and not one.polyphonic and one.excitation == "harmonic"
        assert one.vibrato_cents * EXTENT_SHARES[1] <= 100 / 6
