from __future__ import annotations

import pytest

from noisician.request import MODES, TONICS
from noisician.request.keys import pitch_classes_in, written_key


@pytest.mark.parametrize(
    ("key", "mode", "written"),
    [
        ("C", "major", "C"), ("C#", "major", "Db"), ("C#", "minor", "C#"), ("Eb", "major", "Eb"), ("Eb", "minor", "Eb"),
        ("F#", "major", "F#"), ("F#", "minor", "F#"), ("Ab", "major", "Ab"), ("Ab", "minor", "G#"),
        ("Ab", "dorian", "G#"),
        ("Bb", "minor", "Bb"), ("Bb", "phrygian", "Bb"), ("C#", "mixolydian", "C#"), ("D", None, "D"),
        ("", "major", ""),
        ("Gb", "major", "F#"), ("H", "major", "H"),
    ],
)  # fmt: skip
def test_tonics_as_their_keys_are_written(key: str, mode: str | None, written: str) -> None:
    assert written_key(key, mode) == written


def test_notes_have_the_accidentals_of_their_key() -> None:
    assert "G#" in pitch_classes_in("E", "major") and "Ab" not in pitch_classes_in("E", "major")
    assert "Bb" in pitch_classes_in("D", "minor") and "A#" not in pitch_classes_in("D", "minor")


@pytest.mark.parametrize("mode", MODES)
def test_no_key_has_more_than_six_accidentals(mode: str) -> None:
    above = {"major": 0, "dorian": 2, "phrygian": 4, "lydian": 5, "mixolydian": 7, "minor": 9}[mode]
    for tonic, key in enumerate(TONICS):
        names = pitch_classes_in(key, mode)
        scale = [names[(tonic - above + step) % 12] for step in (0, 2, 4, 5, 7, 9, 11)]
        assert sum(len(name) > 1 for name in scale) <= 6
