"""Measures of scores against what was put in."""

from __future__ import annotations

import pytest

from noisician.evaluate import musicianship as of
from noisician.score.grid import HOLD, Grid, chord_token, pitch_token


def line(*pitches: int | None, stream: str = "lead", steps: int = 4, bars: int | None = None) -> Grid:
    """A note every ``steps`` steps, None for a rest."""
    grid = Grid.empty(bars or -(-len(pitches) * steps // 16))
    for at, pitch in enumerate(pitches):
        if pitch is not None:
            grid.stream(stream)[at * steps] = pitch_token(pitch, 1)
            grid.stream(stream)[at * steps + 1 : (at + 1) * steps] = HOLD
    return grid


def test_steps_and_leaps() -> None:
    grid = line(60, 62, 62, 67, 73, 72, 60, 60)  # moves 2, 0, 5, 6, −1, −12, 0
    assert of.step_share(grid) == pytest.approx(2 / 7)
    assert of.leap_share(grid) == pytest.approx(2 / 7)
    assert of.step_share(Grid.empty(2)) is None


def test_a_rest_ends_a_phrase() -> None:
    assert of.leap_share(line(60, 62, None, None, None, None, 80, 81)) == 0


def test_figures_return_at_any_degree_and_rhythms_in_their_place() -> None:
    sequence = line(60, 62, 64, 62, 62, 64, 65, 64)
    # 60 62 64 62 and 62 64 65 64 are one figure; three others cross the bar line.
    assert of.returning_figures(sequence, "major") == pytest.approx(2 / 5)
    assert of.returning_figures(sequence, "phrygian") == 0
    assert of.heard_rhythms(sequence) == 1
    assert of.heard_rhythms(line(60, 62, 64, 62, None, 64, 65, 64)) == 0


def test_literal_repeats_in_a_row() -> None:
    bar = (60, 62, 64, 62)
    assert of.literal_repeats(line(*bar * 3, *reversed(bar))) == 3
    assert of.literal_repeats(Grid.empty(4)) == 1


def test_drum_bars() -> None:
    grid = Grid.empty(4)
    grid.stream("kick")[::16] = 2
    grid.stream("kick")[32] = 3  # louder is the same bar
    grid.stream("snare")[56] = 1
    assert of.different_drum_bars(grid) == pytest.approx(2 / 4)


def test_harmony() -> None:
    grid = Grid.empty(2)
    grid.stream("chord")[:16], grid.stream("chord")[16:] = chord_token(0, "maj"), chord_token(2, "maj")
    assert of.chords_used(grid) == (2, 0.5)
    assert of.borrowed_share(grid, "major") == pytest.approx(0.5)  # D major has an F sharp
    assert of.borrowed_share(grid, "lydian") == 0


def test_clashes() -> None:
    grid = line(65, 64, 65, None, bars=1)  # F, E, F, rest over C major: an F rubs against its third
    grid.stream("chord")[:] = chord_token(0, "maj")
    assert of.clash_share(grid) == pytest.approx(2 / 3)
    grid.stream("chord")[:] = chord_token(5, "maj7")  # F major 7 has both
    assert of.clash_share(grid) == 0


def test_how_it_ends() -> None:
    grid = line(62, 67)
    grid.stream("bass")[0] = pitch_token(41, 1)
    grid.stream("kick")[12] = 1
    assert of.ends_at_home(grid, "major") == {"lead": True, "bass": False, "drums": True}
    grid.stream("kick")[13] = 1
    assert not of.ends_at_home(grid, "major")["drums"]
