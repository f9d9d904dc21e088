"""Tests of a checklist about time: tempo, metre, where drums and other players strike, how often, how long they hold.

Measures give a number that the checklist bounds, or None where there is nothing to measure; facts are true or false.
Places in a bar are felt beats from 1: 2.5 is the eighth after the second beat in 4/4, 5 the first beat of the next bar.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noisician.composer.plan import Plan
from noisician.evaluate import musicianship
from noisician.score.grid import CHORDAL, DRUM_HITS, DRUMS, FIRST_ONSET, HOLD, MONOPHONIC, REST, Grid

#: General MIDI notes of the sounds that checklists tell apart within a stream of drums.
_NOTES = {
    "rim": (37,), "clap": (39,), "closed hat": (42,), "pedal hat": (44,), "open hat": (46,), "ride": (51, 53, 59),
    "crash": (49, 57), "tambourine": (54,), "shaker": (70, 82), "cowbell": (56,), "conga": (62, 63, 64),
    "bongo": (60, 61), "woodblock": (75, 76, 77), "triangle": (80, 81),
}  # fmt: skip
_SNARES, _GHOST_VELOCITY = (38, 40), 60


def _tokens_of(sound: str) -> dict[str, tuple[int, ...]]:
    """Per stream of drums, the tokens of a sound."""

    def is_it(note: int, velocity: int) -> bool:
        if sound == "ghost note":
            return note in _SNARES and velocity < _GHOST_VELOCITY
        return note in _NOTES[sound]

    found = {
        stream: tuple(token for token, (note, velocity) in enumerate(hits, start=1) if is_it(note, velocity))
        for stream, hits in DRUM_HITS.items()
    }
    return {stream: tokens for stream, tokens in found.items() if tokens}


SOUNDS = {name: _tokens_of(name) for name in (*_NOTES, "ghost note")}
LINES = (*MONOPHONIC, *CHORDAL)
#: Whatever can strike: players' streams, those of the drums, single sounds of the drums, all drums, everybody.
STRIKERS = (*LINES, *DRUMS, *SOUNDS, "drums", "all")


def struck_by(grid: Grid, what: Sequence[str]) -> np.ndarray:
    """``[steps]`` int: how many of ``what`` begin something at each step."""
    total = np.zeros(len(grid.tokens), int)
    for name in dict.fromkeys(part for one in what for part in _parts(one)):
        if name in SOUNDS:
            for stream, tokens in SOUNDS[name].items():
                total += np.isin(grid.stream(stream), tokens)
        else:
            first = FIRST_ONSET if name in LINES else REST + 1
            total += np.asarray(grid.stream(name)) >= first
    return total


def _parts(name: str) -> tuple[str, ...]:
    return {"drums": DRUMS, "all": (*LINES, *DRUMS)}.get(name, (name,))


def by_bar(grid: Grid, row: np.ndarray) -> np.ndarray:
    """``[bars, steps a bar]`` of ``[steps]``."""
    return row.reshape(grid.bars, grid.meter.steps_per_bar)


def steps_of(grid: Grid, beats: Sequence[float]) -> list[int]:
    """The steps of places in a bar; without those that the bar, or the grid, has not."""
    exact = [(beat - 1) * grid.meter.steps_per_beat for beat in beats]
    return [int(step) for step in exact if step == int(step) and step < grid.meter.steps_per_bar]


def _played(grid: Grid, what: Sequence[str]) -> np.ndarray:
    """``[bars]`` bool: those in which the players of ``what`` play at all; any drum plays for all of them."""
    players = {"drums" if name in SOUNDS or name in DRUMS else name for name in what}
    return by_bar(grid, struck_by(grid, tuple(players))).max(axis=1) > 0


# --- facts ------------------------------------------------------------------------------------------------------


def tempo(plan: Plan, grid: Grid, *, ranges: Sequence[Sequence[float]]) -> bool:
    """The tempo lies in one of the ranges (felt beats a minute), ends included."""
    return any(low <= plan.tempo_bpm <= high for low, high in ranges)


def metre(plan: Plan, grid: Grid, *, signatures: Sequence[str]) -> bool:
    """The time signature is one of these."""
    return plan.time_signature in signatures


# --- measures ---------------------------------------------------------------------------------------------------


def swing(plan: Plan, grid: Grid, *, unit: str = "any") -> float:
    """0 straight … 1 triplet; 0 where another unit than the one asked for is swung."""
    return plan.swing if unit in ("any", plan.swing_unit) else 0.0


def struck(plan: Plan, grid: Grid, *, what: Sequence[str], beats: Sequence[float]) -> float | None:
    """Share of the bars in which they play that have a stroke at every one of these places."""
    steps, bars = steps_of(grid, beats), _played(grid, what)
    if not steps or not bars.any():
        return None
    return float(np.mean((by_bar(grid, struck_by(grid, what))[bars][:, steps] > 0).all(axis=1)))


def left_free(plan: Plan, grid: Grid, *, what: Sequence[str], beats: Sequence[float]) -> float | None:
    """Share of the bars in which they play that have no stroke at any of these places."""
    steps, bars = steps_of(grid, beats), _played(grid, what)
    if not steps or not bars.any():
        return None
    return float(np.mean((by_bar(grid, struck_by(grid, what))[bars][:, steps] == 0).all(axis=1)))


def placed(plan: Plan, grid: Grid, *, what: Sequence[str], beats: Sequence[float]) -> float | None:
    """Share of their strokes that fall on these places of the bar."""
    strokes = by_bar(grid, struck_by(grid, what))
    return float(strokes[:, steps_of(grid, beats)].sum() / strokes.sum()) if strokes.any() else None


def off_beat(plan: Plan, grid: Grid, *, what: Sequence[str]) -> float | None:
    """Share of their strokes that fall between the beats."""
    strokes = struck_by(grid, what)
    return float(1 - strokes[:: grid.meter.steps_per_beat].sum() / strokes.sum()) if strokes.any() else None


def strokes_a_bar(plan: Plan, grid: Grid, *, what: Sequence[str]) -> float:
    """Strokes in a bar, of the bars in which they play; 0 where they never do."""
    bars = _played(grid, what)
    return float(struck_by(grid, what).sum() / bars.sum()) if bars.any() else 0.0


def strokes_a_second(plan: Plan, grid: Grid, *, what: Sequence[str]) -> float:
    """Strokes in a second, of the bars in which they play; 0 where they never do."""
    return strokes_a_bar(plan, grid, what=what) * plan.tempo_bpm / (60 * grid.meter.beats_per_bar)


def bars_played(plan: Plan, grid: Grid, *, what: Sequence[str]) -> float:
    """Share of all bars in which one of these strikes."""
    return float(by_bar(grid, struck_by(grid, what)).any(axis=1).mean())


def cell(plan: Plan, grid: Grid, *, what: Sequence[str], cells: Sequence[Sequence[float]]) -> float | None:
    """How much their strokes are one of these patterns: F1 of places struck and places of the pattern, over the bars in
    which they play, for the pattern that fits best, from whichever of its bars it begins.
    """
    strokes = by_bar(grid, struck_by(grid, what)) > 0
    bars = _played(grid, what)
    fits = [_fit(grid, strokes, bars, beats, start) for beats in cells for start in range(_bars_of(grid, beats))]
    known = [fit for fit in fits if fit is not None]
    return max(known, default=None)


def _bars_of(grid: Grid, beats: Sequence[float]) -> int:
    return int((max(beats) - 1) // grid.meter.beats_per_bar) + 1


def _fit(grid: Grid, strokes: np.ndarray, bars: np.ndarray, beats: Sequence[float], start: int) -> float | None:
    """F1 of the strokes ``[bars, steps]`` and the pattern whose bar ``start`` is the first of the grid."""
    length, steps = _bars_of(grid, beats), [(beat - 1) * grid.meter.steps_per_beat for beat in beats]
    if any(step != int(step) for step in steps) or not bars.any():
        return None
    pattern = np.zeros(length * grid.meter.steps_per_bar, bool)
    pattern[[int(step) for step in steps]] = True
    wanted = pattern.reshape(length, -1)[(np.arange(grid.bars) + start) % length]
    hit = int((strokes & wanted)[bars].sum())
    return 2 * hit / int(strokes[bars].sum() + wanted[bars].sum())


def together(plan: Plan, grid: Grid, *, what: Sequence[str], beside: Sequence[str]) -> float | None:
    """Share of the strokes of ``what`` at which ``beside`` strikes too."""
    own, others = struck_by(grid, what) > 0, struck_by(grid, beside) > 0
    return float(others[own].mean()) if own.any() else None


def among(plan: Plan, grid: Grid, *, what: Sequence[str], beside: Sequence[str]) -> float | None:
    """How many strokes of ``what`` there are to one of ``beside``."""
    total = struck_by(grid, beside).sum()
    return float(struck_by(grid, what).sum() / total) if total else None


def drum_variety(plan: Plan, grid: Grid) -> float | None:
    """Different bars of drums over bars of drums."""
    return musicianship.different_drum_bars(grid)


def sounding(plan: Plan, grid: Grid, *, line: str) -> float:
    """Share of the time in which a line sounds."""
    return float(np.mean(np.asarray(grid.stream(line)) != REST))


def lengths_beats(plan: Plan, grid: Grid, *, line: str) -> float | None:
    """The median length of a line's notes in beats."""
    tokens = np.asarray(grid.stream(line))
    ends = np.append(np.flatnonzero(tokens != HOLD), len(tokens))
    begun = np.flatnonzero(tokens >= FIRST_ONSET)
    if not len(begun):
        return None
    lengths = ends[np.searchsorted(ends, begun, side="right")] - begun
    return float(np.median(lengths) / grid.meter.steps_per_beat)


FACTS = (tempo, metre)
MEASURES = (
    swing, struck, left_free, placed, off_beat, strokes_a_bar, strokes_a_second, bars_played, cell, together, among,
    drum_variety, sounding, lengths_beats,
)  # fmt: skip
