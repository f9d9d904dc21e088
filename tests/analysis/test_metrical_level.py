"""The level of the metre: evidence of known patterns, the fit on made-up evidence, the fitted model on a backbeat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.analysis import metrical_level
from noisician.analysis.metrical_level import LevelModel, Onsets, candidates_bpm

RATE = 44100
HOPS_A_SECOND = metrical_level.RATE_HZ / metrical_level.HOP


def backbeat(bpm: float, seconds: float) -> np.ndarray:
    """Bass drum on one and three, snare on two and four, closed hats in eighths."""
    rng = np.random.default_rng(0)
    time = np.arange(int(0.15 * RATE)) / RATE
    kick = np.sin(2 * np.pi * 60 * time) * np.exp(-25 * time)
    snare = np.diff(rng.standard_normal(len(time) + 1)) * 0.3 * np.exp(-30 * time)
    hat = np.diff(rng.standard_normal(len(time) + 2), 2) * 0.05 * np.exp(-90 * time)
    out = np.zeros(int(seconds * RATE) + len(time))
    for eighth in range(int(seconds * bpm / 30)):
        start = int(eighth * 30 / bpm * RATE)
        sounds = [hat, *([kick] if eighth % 4 == 0 else []), *([snare] if eighth % 4 == 2 else [])]
        for sound in sounds:
            out[start : start + len(sound)] += sound[: len(out) - start]
    return out[: int(seconds * RATE)]


@given(st.floats(30, 300))
def test_candidates_hold_the_tracked_tempo_where_it_is_in_range(tracked: float) -> None:
    tempi = candidates_bpm(tracked)
    low, high = metrical_level.CANDIDATE_RANGE_BPM
    assert len(tempi)
    assert (tracked in tempi) or not low <= tracked <= high
    assert all(low <= tempo <= high for tempo in tempi) or list(tempi) == [tracked]


def test_evidence_repeats_where_the_pattern_does() -> None:
    heard = metrical_level.onsets(backbeat(100.0, 12.0))
    assert heard.autocorrelation.shape[0] == len(metrical_level.BANDS_HZ)
    assert np.isfinite(heard.features(100.0)).all()
    beat = round(0.6 * HOPS_A_SECOND)
    low = heard.autocorrelation[0]
    assert low[2 * beat - 2 : 2 * beat + 3].max() > 0.8, "the bass drum recurs every second beat"
    assert low[beat - 2 : beat + 3].max() < 0.3, "and not every beat"


def test_the_fit_finds_what_tells_levels_apart() -> None:
    """Made-up pieces whose low band recurs at two beats of the right tempo, and which are tracked at random levels."""
    rng = np.random.default_rng(1)

    def example(number: int) -> metrical_level.Example:
        tempo = rng.uniform(70, 170)
        lags = np.full((len(metrical_level.BANDS_HZ), 700), 0.1)
        for lag_s in (120 / tempo, 240 / tempo):
            place = round(lag_s * HOPS_A_SECOND)
            lags[0, place - 2 : place + 3] = 1.0
        tracked = tempo * (0.5, 1.0, 2.0)[number % 3]
        return metrical_level.Example(Onsets(lags, np.zeros(8)), tracked, tempo, "made up")

    model = metrical_level.fit([example(number) for number in range(60)])
    fresh = [example(number) for number in range(30)]
    right = [abs(model.choose(one.heard, one.tracked_bpm) / one.tempo_bpm - 1) < 1e-6 for one in fresh]
    tracked_right = [one.tracked_bpm == one.tempo_bpm for one in fresh]
    assert np.mean(right) > 0.9 > 0.5 > np.mean(tracked_right)


def test_a_model_survives_its_file() -> None:
    model = metrical_level.level_model()
    again = LevelModel.from_json(model.to_json())
    assert all(np.array_equal(getattr(again, name), getattr(model, name)) for name in vars(model))


@pytest.mark.parametrize("tracked_as", [0.5, 1.0, 2.0])
def test_a_backbeat_is_heard_at_its_own_level_however_it_was_tracked(tracked_as: float) -> None:
    heard = metrical_level.onsets(backbeat(96.0, 20.0))
    assert metrical_level.level_model().choose(heard, 96.0 * tracked_as) == pytest.approx(96.0)
