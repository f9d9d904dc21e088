"""The sketch: recorded notes laid out as the score asks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from decaying_sine import DECAY_S, RELEASE_S, decaying_sine
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.mel import FRAME_RATE_HZ, LOG_FLOOR, SAMPLE_RATE_HZ, band_of_hz, log_mel
from noisician.renderer.reference_notes import ONSET_S, record
from noisician.renderer.references import NOISE_FRAMES, References
from noisician.renderer.sketch import NOISE_FADE_FRAMES, Sketcher
from noisician.score.played import NoteEvent

FLOOR = np.log(LOG_FLOOR)
FRAMES = 300


def noise_hit(pitch: int, velocity: int, held_s: float, duration_s: float) -> np.ndarray:
    """A long hiss for every key, whatever is held."""
    count = round(duration_s * SAMPLE_RATE_HZ)
    start = round(ONSET_S * SAMPLE_RATE_HZ)
    hiss = np.random.default_rng(pitch).standard_normal(count) * velocity / 127 * 0.3
    return np.where(np.arange(count) < start, 0, hiss).astype(np.float32)


@pytest.fixture(scope="module")
def sines() -> References:
    wanted = [(pitch, velocity) for pitch in (57, 61, 65, 69, 73) for velocity in (40, 100)]
    return record(decaying_sine, "harmonic", "struck", wanted)


@pytest.fixture(scope="module")
def hats() -> References:
    return record(noise_hit, "drum", "struck", [(42, 90), (46, 90)])


def played(pitch: int, start_s: float, held_s: float, velocity: int) -> np.ndarray:
    """The log-mel of a note as :func:`decaying_sine` really plays it."""
    lead = round((start_s - ONSET_S) * SAMPLE_RATE_HZ)
    total = round(FRAMES / FRAME_RATE_HZ * SAMPLE_RATE_HZ)
    return log_mel(np.pad(decaying_sine(pitch, velocity, held_s, (total - lead) / SAMPLE_RATE_HZ), (lead, 0)))[:FRAMES]


@pytest.mark.parametrize(
    ("pitch", "velocity", "start_s"),
    [(65, 100, 0.5), (65, 40, 0.7123), (65, 60, 0.5), (67, 100, 0.6), (62, 77, 0.655)],
)
def test_a_note_is_sketched_as_it_is_played(sines: References, pitch: int, velocity: int, start_s: float) -> None:
    """A recorded note, one between recorded velocities, and ones between recorded pitches."""
    notes = [NoteEvent(pitch, start_s, start_s + 0.9, velocity)]
    error = np.abs(Sketcher(sines).sketch(notes, FRAMES) - played(pitch, start_s, 0.9, velocity))
    assert error.mean() < (0.006 if pitch == 65 else 0.03)
    assert error.max() < (0.9 if pitch == 65 else 1.3)


def test_before_the_note_and_long_after_it_there_is_silence(sines: References) -> None:
    sketch = Sketcher(sines).sketch([NoteEvent(65, 1.0, 1.2, 100)], FRAMES)
    start = round(FRAME_RATE_HZ)
    assert np.all(sketch[: start - 3] == pytest.approx(FLOOR))
    assert sketch[start + 5].max() > 0
    assert sketch[-1].max() < FLOOR + 0.1


def test_energies_add(sines: References) -> None:
    one = Sketcher(sines).sketch([NoteEvent(65, 0.5, 2, 100)], FRAMES)
    two = Sketcher(sines).sketch([NoteEvent(65, 0.5, 2, 100)] * 2, FRAMES)
    loud = one > 0
    assert (two - one)[loud] == pytest.approx(0.5 * np.log(2), abs=1e-3)


def test_a_sound_decays_on_beyond_what_was_recorded_of_it(sines: References) -> None:
    frames = round(6 * FRAME_RATE_HZ)
    sketch = Sketcher(sines).sketch([NoteEvent(65, 0.0, 6.0, 100)], frames)
    band = round(float(band_of_hz(np.array(440 * 2 ** (-4 / 12)))))
    fall = sketch[round(3.5 * FRAME_RATE_HZ), band] - sketch[round(4.6 * FRAME_RATE_HZ), band]
    assert fall == pytest.approx(1.1 / DECAY_S, abs=0.15)


def test_a_sustained_sound_is_held_as_long_as_its_note(sines: References) -> None:
    held = record(lambda p, v, h, d: decaying_organ(h, d), "harmonic", "sustained", [(65, 100)])
    sketch = Sketcher(held).sketch([NoteEvent(65, 0.0, 8.0, 100)], round(8 * FRAME_RATE_HZ))
    assert sketch[60].max() == pytest.approx(sketch[660].max(), abs=0.1)


def decaying_organ(held_s: float, duration_s: float) -> np.ndarray:
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ - ONSET_S
    sounding = (time_s >= 0) * np.exp(-np.maximum(0, time_s - held_s) / RELEASE_S)
    return (0.5 * sounding * np.sin(2 * np.pi * 349.2 * time_s)).astype(np.float32)


def test_a_single_recording_plays_every_pitch(sines: References) -> None:
    alone = sines.only(sines.layers[65][-1:])
    for pitch in (41, 53, 77, 89):
        sketch = Sketcher(alone).sketch([NoteEvent(pitch, 0.5, 1.5, 100)], FRAMES)
        hz = 440 * 2 ** ((pitch - 69) / 12)
        assert abs(int(np.argmax(sketch[60])) - float(band_of_hz(np.array(hz)))) < 1
        assert sketch[60].max() > 0


def test_a_closed_hat_silences_the_open_one(hats: References) -> None:
    sketcher = Sketcher(hats)
    open_hat = NoteEvent(46, 0.5, 0.6, 90)
    rings = sketcher.sketch([open_hat], FRAMES)
    choked = sketcher.sketch([open_hat, NoteEvent(42, 1.0, 1.1, 1)], FRAMES)
    before, after = round(0.9 * FRAME_RATE_HZ), round(1.2 * FRAME_RATE_HZ)
    assert np.array_equal(rings[before], choked[before])
    assert np.all(choked[after] < rings[after] - 1.5)


def test_one_voice_ends_a_note_where_the_next_begins(sines: References) -> None:
    legato = [NoteEvent(57, 0.5, 2.5, 100), NoteEvent(73, 1.5, 2.5, 100)]
    low = round(float(band_of_hz(np.array(220.0))))
    after = round(1.7 * FRAME_RATE_HZ)
    assert Sketcher(sines).sketch(legato, FRAMES)[after, low] > 0
    assert Sketcher(replace(sines, one_voice=True)).sketch(legato, FRAMES)[after, low] < FLOOR + 1


def test_drums_that_were_not_recorded_are_silent(hats: References) -> None:
    assert np.all(Sketcher(hats).sketch([NoteEvent(36, 0.5, 0.6, 90)], FRAMES) == pytest.approx(FLOOR))


NOTES = st.lists(
    st.builds(
        lambda pitch, start, held, velocity: NoteEvent(pitch, start, start + held, velocity),
        st.integers(30, 100),
        st.floats(0, 4),
        st.floats(0.01, 6),
        st.integers(1, 127),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(notes=NOTES, first=st.integers(0, 400), frames=st.integers(1, 200))
def test_any_window_equals_the_same_frames_of_the_whole(
    sines: References, notes: list[NoteEvent], first: int, frames: int
) -> None:
    sketcher = Sketcher(sines)
    whole = sketcher.sketch(notes, 650)
    assert np.array_equal(sketcher.sketch(notes, frames, first), whole[first : first + frames])
    assert np.all(np.isfinite(whole))


def ticks(pitch: int, velocity: int, held_s: float, duration_s: float) -> np.ndarray:
    """A click every 0.4 s from 0.2 s on, each softer than the one before, until the note ends."""
    out = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
    for number in range(int((held_s - 0.2) / 0.4) + 1):
        at = round((ONSET_S + 0.2 + 0.4 * number) * SAMPLE_RATE_HZ)
        out[at : at + 200] = 0.5 * 0.95**number
    return out


def loud_frames(sketch: np.ndarray) -> np.ndarray:
    """Where clicks are, to the frame."""
    level = sketch.max(axis=1)
    peaks = (level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:]) & (level[1:-1] > FLOOR + 3)
    return np.flatnonzero(peaks) + 1


def test_a_noise_keeps_its_events_and_begins_again_when_its_recording_ends() -> None:
    rain = record(ticks, "noise", "sustained", [(60, 80)])
    sketch = Sketcher(rain).sketch([NoteEvent(60, 0.0, 30.0, 80)], round(29 * FRAME_RATE_HZ))
    at_s = loud_frames(sketch) / FRAME_RATE_HZ
    period_s = (NOISE_FRAMES[-1] - NOISE_FADE_FRAMES) / FRAME_RATE_HZ
    assert at_s[0] == pytest.approx(0.2, abs=0.02)
    first = at_s[at_s < period_s - 0.5]
    assert len(first) == 26 and np.diff(first) == pytest.approx(0.4, abs=0.03)
    again = at_s[(at_s > period_s + 1.1) & (at_s < 2 * period_s)]
    expected = [0.2 + 0.4 * number + period_s for number in range(2, 2 + len(again))]
    assert len(again) > 20 and np.abs(again - np.array(expected)).min(initial=1) < 0.4
    silence = Sketcher(rain).sketch([NoteEvent(60, 0.0, 1.0, 80)], round(5 * FRAME_RATE_HZ))
    assert loud_frames(silence).max() / FRAME_RATE_HZ < 1.5


def test_a_stretched_noise_takes_as_long_as_its_note() -> None:
    riser = record(ticks, "noise", "struck", [(60, 80)], stretched=True)
    for held_s in (3.0, 6.0, 20.0):
        sketch = Sketcher(riser).sketch([NoteEvent(60, 0.0, held_s, 80)], round(24 * FRAME_RATE_HZ))
        at_s = loud_frames(sketch) / FRAME_RATE_HZ
        assert at_s[0] == pytest.approx(0.2 * held_s / 12.02, abs=0.05)
        assert at_s[-1] < held_s + 0.1


def test_a_noise_that_is_one_event_plays_out() -> None:
    impact = record(ticks, "noise", "struck", [(60, 80)])
    long, short = (
        Sketcher(impact).sketch([NoteEvent(60, 0.0, held_s, 80)], round(6 * FRAME_RATE_HZ)) for held_s in (5.0, 0.1)
    )
    np.testing.assert_array_equal(long, short)
    assert len(loud_frames(short)) > 10


@pytest.mark.parametrize(("sustain", "stretched"), [("sustained", False), ("struck", True), ("struck", False)])
def test_windows_of_noises_equal_the_whole(sustain: str, stretched: bool) -> None:
    noise = record(ticks, "noise", sustain, [(60, 80)], stretched=stretched)  # type: ignore[arg-type]
    sketcher, notes = Sketcher(noise), [NoteEvent(60, 0.3, 26.123, 90)]
    whole = sketcher.sketch(notes, 2400)
    for first, frames in ((0, 512), (700, 512), (900, 300), (1800, 600)):
        np.testing.assert_array_equal(sketcher.sketch(notes, frames, first), whole[first : first + frames])
