"""Tempo as a part of the form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import make_plan
from noisician.composer.pace import LOST, PAUSE, RITARD, even_s, played_s, tempo_changes
from noisician.prompt import Controls
from noisician.prompt.controls import Feature
from noisician.score.model import METERS
from noisician.score.tempo import TempoCurve

FOUR = METERS["4/4"]


def planned(*features: Feature, **options: object):
    return make_plan(Controls(genres=(("pop", 1.0),), tempo_bpm=120, features=features, **options), 3)  # type: ignore[arg-type]


def curve(plan) -> TempoCurve:
    return TempoCurve(plan.tempo_bpm, tempo_changes(plan))


def end_beats(plan) -> float:
    """Where the last chord is struck."""
    meter = METERS[plan.time_signature]
    return (plan.bars - 1) * meter.beats_per_bar + plan.last_chord[0] / meter.steps_per_beat


def test_a_ritard_slows_the_last_bars_and_the_chord_still_comes_in_time() -> None:
    plan = planned(Feature(kind="ritard", value=2))
    tempo, last = curve(plan), end_beats(plan)
    assert tempo.bpm(last - 9) == 120
    assert tempo.bpm(last - 1) == pytest.approx(120 * RITARD)
    assert plan.duration_s == 30
    assert 1 <= 30 - tempo.seconds(last) <= 2.5


def test_a_piece_that_slows_down_ends_at_its_slowest() -> None:
    plan = planned(Feature(kind="slowing"))
    tempo, last = curve(plan), end_beats(plan)
    assert tempo.bpm(last) == pytest.approx(120 * LOST)
    assert 0.5 <= 30 - tempo.seconds(last) <= 4
    assert planned(Feature(kind="quickening")).bars > planned().bars > plan.bars


def test_everybody_waits_on_the_beat_before_a_section() -> None:
    plan = planned(Feature(kind="fermata"))
    tempo = curve(plan)
    beat = plan.sections[-1].start_bar * 4 - 1
    assert [tempo.bpm(at) for at in (beat - 0.5, beat, beat + 1)] == [120, pytest.approx(120 * PAUSE), 120]


def test_bars_that_slow_down_last_longer() -> None:
    assert planned(Feature(kind="ritard"), bars=16).duration_s > planned(bars=16).duration_s + 0.5


KINDS = st.lists(st.sampled_from(["ritard", "slowing", "quickening", "fermata"]), unique=True, max_size=3)


@settings(deadline=None)
@given(kinds=KINDS, length_s=st.floats(20, 300), tempo_bpm=st.integers(50, 200))
def test_even_and_played_are_inverse(kinds: list[str], length_s: float, tempo_bpm: int) -> None:
    features = [Feature(kind=kind) for kind in kinds]  # type: ignore[arg-type]
    even = even_s(length_s, features, FOUR, tempo_bpm)
    assert even == length_s / 4 or played_s(even, features, FOUR, tempo_bpm) == pytest.approx(length_s)
