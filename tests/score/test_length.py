"""How a length is filled: where the last chord stands, and how many bars there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.request import TIME_SIGNATURES
from noisician.score.length import bars_for, last_beat, last_chord
from noisician.score.model import METERS


@pytest.mark.parametrize(
    ("duration_s", "tempo_bpm", "signature", "beat"),
    [
        (30, 120, "4/4", 56),  # two seconds for the last downbeat
        (31, 120, "4/4", 60),  # one
        (30.9, 120, "4/4", 58),  # a third beat: the downbeat before it is three seconds away
        (6, 100, "4/4", 8),
        (5, 100, "4/4", 6),
        (30, 60, "4/4", 28),
        (30, 150, "3/4", 72),
        (2, 100, "4/4", 2),
        (1, 60, "4/4", 0),
    ],
)
def test_the_last_chord_stands_on_a_strong_beat_near_the_end(
    duration_s: float, tempo_bpm: float, signature: str, beat: int
) -> None:
    assert last_beat(duration_s, METERS[signature], tempo_bpm) == beat


@given(
    duration_s=st.floats(1, 600),
    tempo_bpm=st.integers(40, 240),
    signature=st.sampled_from(TIME_SIGNATURES),
)
def test_any_length_is_filled(duration_s: float, tempo_bpm: int, signature: str) -> None:
    meter, beat_s = METERS[signature], 60 / tempo_bpm
    beat, bars = last_beat(duration_s, meter, tempo_bpm), bars_for(duration_s, meter, tempo_bpm)
    left_s = duration_s - beat * beat_s
    assert beat == 0 or min(1, duration_s / 12) - 1e-4 <= left_s <= 2 * beat_s + 1.5
    assert (bars - 1) * meter.beats_per_bar <= beat < bars * meter.beats_per_bar
    first, end = last_chord(duration_s, bars, meter, tempo_bpm)
    assert first == (beat - (bars - 1) * meter.beats_per_bar) * meter.steps_per_beat
    assert first < end <= meter.steps_per_bar


def test_after_whole_bars_with_time_to_ring_the_last_bar_is_held() -> None:
    meter = METERS["4/4"]
    assert last_chord(17.5, 8, meter, 120) == (0, meter.steps_per_bar)
