"""Pre-echo and attack of sounds with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.errors import NoisicianError
from noisician.evaluate.attacks import SILENCE_DB, attack_ms, pre_echo_db
from noisician.mel import SAMPLE_RATE_HZ

ONSET = 8820


def ramp(rise_s: float, before: float = 0.0) -> np.ndarray:
    """A steady value of ``before``, then from ONSET a straight rise to 1 within ``rise_s``."""
    after_s = (np.arange(22050) - ONSET) / SAMPLE_RATE_HZ
    return np.where(after_s < 0, before, np.clip(after_s / rise_s, before, 1))


def test_a_constant_before_the_peak_has_its_level() -> None:
    assert pre_echo_db(ramp(0.01, before=0.01), 0.2) == pytest.approx(-40, abs=0.01)
    assert pre_echo_db(3 * ramp(0.01, before=0.1), 0.2) == pytest.approx(-20, abs=0.01)
    assert pre_echo_db(ramp(0.01), 0.2) == SILENCE_DB


@pytest.mark.parametrize("rise_s", [0.002, 0.01, 0.05])
def test_a_straight_rise_takes_eight_tenths_of_its_length(rise_s: float) -> None:
    assert attack_ms(ramp(rise_s), 0.2) == pytest.approx(800 * rise_s, abs=0.05)


def test_a_low_tone_that_is_there_at_once_takes_less_than_a_quarter_of_its_cycle() -> None:
    tone = np.where(np.arange(22050) >= ONSET, np.sin(2 * np.pi * 50 * (np.arange(22050) - ONSET) / SAMPLE_RATE_HZ), 0)
    assert 3 < attack_ms(tone, 0.2) < 5


@pytest.mark.parametrize("onset_s", [0.01, 0.6])
@pytest.mark.parametrize("measure", [attack_ms, pre_echo_db])
def test_onsets_without_room_and_silence_are_refused(measure, onset_s: float) -> None:
    with pytest.raises(NoisicianError, match="must lie within"):
        measure(ramp(0.01), onset_s)
    with pytest.raises(NoisicianError, match="nothing sounds"):
        measure(np.zeros(22050), 0.2)
