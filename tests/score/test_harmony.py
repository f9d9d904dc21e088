from __future__ import annotations

import numpy as np
import pytest

from noisician.score.harmony import QUALITIES, chord_name, frequency_hz, parse_chord


def test_concert_pitch_is_an_a_and_an_octave_doubles_it() -> None:
    assert frequency_hz(69) == 440 and frequency_hz(57) == 220
    assert frequency_hz(60) == pytest.approx(261.6256, abs=1e-4)
    assert frequency_hz(np.array([69.0, 81.0])).tolist() == [440.0, 880.0]


def test_a_chord_is_written_as_it_is_read() -> None:
    for root in range(12):
        for quality in QUALITIES:
            assert parse_chord(chord_name(root, quality)) == (root, quality)
