"""The figures of a mix, on signals whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.analysis.texture import texture_share
from noisician.evaluate.produced import PRODUCED, mix_figures
from noisician.evaluate.suites import mixes
from noisician.mel import LOG_FLOOR, MEL_BANDS, SAMPLE_RATE_HZ

T = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ


def tone(hz: float, level: float = 0.1, phase: float = 0.0) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * T + phase)


def test_bands_are_shares_of_the_whole() -> None:
    both = tone(90) + tone(3000, 0.1 * 10 ** (-20 / 20))
    figures = mix_figures(np.stack([both, both], axis=1))
    assert figures["60–120 Hz"] == pytest.approx(-10 * np.log10(1.01), abs=0.05)
    assert figures["2–5 kHz"] == pytest.approx(-20, abs=0.1)
    assert figures["above 8 kHz"] < -60
    assert figures["correlation"] == pytest.approx(1)
    assert figures["side/mid 2–5 kHz"] < -60


def test_width_and_correlation() -> None:
    mid, side = tone(1000), tone(1000, 0.05, np.pi / 2)
    figures = mix_figures(np.stack([mid + side, mid - side], axis=1))
    assert figures["side/mid 0.5–2 kHz"] == pytest.approx(-6.02, abs=0.05)
    assert figures["correlation"] == pytest.approx((1 - 0.25) / (1 + 0.25), abs=0.01)


def test_silence_has_figures_too() -> None:
    assert set(mix_figures(np.zeros((1000, 2)))) == set(PRODUCED)


def test_the_share_outside_is_counted() -> None:
    inside = {name: produced.median for name, produced in PRODUCED.items()}
    rows = [inside, inside | {"above 8 kHz": -10.0}]
    figures = {figure.name: figure for figure in mixes.figures(rows)}
    assert figures["mixes outside produced music, above 8 kHz"].value == 50
    assert not figures["mixes outside produced music, above 8 kHz"].met
    assert figures["mixes outside produced music, 2–5 kHz"].met
    assert figures["correlation of mixes, median"].value == pytest.approx(0.7037)
    assert mixes.figures([]) == []


def test_texture_is_the_roughness_of_what_is_loud() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(-1, 1, (50, MEL_BANDS))
    truth[:, 64:] = np.log(LOG_FLOOR)
    half = truth * 0.5
    half[:, 64:] = rng.uniform(-1, 1, (50, 64))
    assert texture_share(truth, truth) == pytest.approx(1)
    assert texture_share(truth, half) == pytest.approx(0.5)
