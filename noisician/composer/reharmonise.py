"""Lets single lines follow chords that somebody set, note by note and without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from noisician.composer.plan import Plan
from noisician.composer.regions import checked_bars, streams_of
from noisician.score.grid import (
    FIRST_ONSET,
    HOLD,
    MONOPHONIC,
    PITCH_HIGH,
    PITCH_LOW,
    Grid,
    chord_of,
    pitch_of,
    pitch_token,
)
from noisician.score.harmony import SCALES, chord_tones
from noisician.score.model import Meter

#: Beats of the bar, counted from 0, on which a note has to belong to its chord.
#: How far a note may move; every chord has a tone that near.
REACH_SEMITONES = 7
#: In semitones of movement: an interval that turns round, a bass note that is not the root where a chord begins, and a
#: note that does not fit the next chord while it sounds on.
_TURNED, _NO_ROOT, _HELD_AGAINST = 4.0, 3.0, 3.0
#: What each semitone costs by which an interval grows or shrinks.
_STRETCHED = 0.25


def follow_chords(grid: Grid, plan: Plan, players: Iterable[str], bars: Iterable[int]) -> Grid:
    """The grid with the notes of ``players`` (roles) that begin in ``bars`` moved onto the grid's own chords.

    Single lines keep rhythm and levels. A note on a strong beat, where a chord begins, or of a beat or longer takes a
    tone of its chord; any other one a tone of the chord or of the scale, less what lies a semitone beside a chord tone
    that is not in the scale. Of all such lines the one with the least movement and the fewest turned intervals is taken
    (Viterbi 1967). Chordal roles are written relative to the chord and drums have no pitch: both come back as they are.
    The same grid gives the same lines. Raises RequestError for bars beyond the piece and roles without cells.
    """
    wanted = np.repeat(checked_bars(plan, bars), grid.meter.steps_per_bar)
    tokens = grid.tokens.copy()
    for role in players:
        streams = streams_of(role)
        if role in MONOPHONIC:
            tokens[:, streams[0]] = _followed(Grid(tokens, grid.time_signature), role, plan.mode, wanted)
    return Grid(tokens, grid.time_signature)


def _followed(grid: Grid, role: str, mode: str, wanted: np.ndarray) -> np.ndarray:
    """The tokens ``[steps]`` of one line."""
    line = grid.stream(role).copy()
    onsets = np.flatnonzero(line >= FIRST_ONSET)
    ends = _ends(line, onsets)
    notes = [
        _choices(grid, role, mode, int(step), int(end)) if wanted[step] else _fixed(int(line[step]))
        for step, end in zip(onsets, ends, strict=True)
    ]
    for step, pitch in zip(onsets, cheapest(notes), strict=True):
        line[step] = pitch_token(pitch, pitch_of(int(line[step]))[1])
    return line


def _ends(line: np.ndarray, onsets: np.ndarray) -> list[int]:
    """The step after each note's last."""
    events = [*np.flatnonzero(line != HOLD).tolist(), len(line)]
    return [events[place + 1] for place in np.searchsorted(events, onsets).tolist()]


@dataclass(frozen=True)
class Choices:
    """What one note may become: ``pitches`` with their ``costs``; ``old`` is its pitch before."""

    old: int
    pitches: np.ndarray
    costs: np.ndarray


def _fixed(token: int) -> Choices:
    pitch = pitch_of(token)[0]
    return Choices(pitch, np.array([pitch]), np.zeros(1))


def _choices(grid: Grid, role: str, mode: str, step: int, end: int) -> Choices:
    harmony = grid.stream("chord")
    old = pitch_of(int(grid.stream(role)[step]))[0]
    chord = chord_of(int(harmony[step]))
    if chord is None:
        return _fixed(int(grid.stream(role)[step]))
    begins = step == 0 or harmony[step] != harmony[step - 1]
    meter = grid.meter
    strong = step % meter.steps_per_bar in strong_steps(meter)
    tones = chord_tones(*chord)
    fitting = tones if strong or begins or end - step >= meter.steps_per_beat else fitting_tones(chord, mode)
    pitches = np.arange(max(PITCH_LOW, old - REACH_SEMITONES), min(PITCH_HIGH, old + REACH_SEMITONES) + 1)
    pitches = pitches[np.isin(pitches % 12, fitting)]
    costs = np.abs(pitches - old).astype(float)
    if role == "bass" and begins:
        costs += np.where(pitches % 12 == tones[0], 0.0, _NO_ROOT)
    for token in dict.fromkeys(harmony[step + 1 : end].tolist()):
        later = chord_of(token)
        if later is not None and later != chord:
            costs += np.where(np.isin(pitches % 12, fitting_tones(later, mode)), 0.0, _HELD_AGAINST)
    return Choices(old, pitches, costs)


def strong_steps(meter: Meter) -> tuple[int, ...]:
    """The steps of a bar on which a line stands on tones of the chord: its halves, of three beats the first."""
    return (0,) if meter.beats_per_bar == 3 else (0, meter.second_half)


def fitting_tones(chord: tuple[int, str], mode: str) -> tuple[int, ...]:
    """Pitch classes (C as tonic) that sound right over a chord: its own, and those of the scale that do not lie a
    semitone beside one of them that is foreign to the scale."""
    tones, scale = chord_tones(*chord), SCALES[mode]
    foreign = [tone for tone in tones if tone not in scale]
    kept = [tone for tone in scale if all((tone - other) % 12 not in (1, 11) for other in foreign)]
    return tuple(dict.fromkeys((*tones, *kept)))


def cheapest(notes: Sequence[Choices]) -> list[int]:
    """The pitches of the line that costs least: each note's own cost, and that of each changed interval."""
    if not notes:
        return []
    total, back = notes[0].costs, []
    for before, note in pairwise(notes):
        interval = note.pitches[None, :] - before.pitches[:, None]
        was = note.old - before.old
        cost = _TURNED * (np.sign(interval) != np.sign(was)) + _STRETCHED * np.abs(interval - was)
        reached = total[:, None] + cost
        back.append(reached.argmin(axis=0))
        total = reached.min(axis=0) + note.costs
    place = int(total.argmin())
    chosen = [place]
    for best in reversed(back):
        place = int(best[place])
        chosen.append(place)
    return [int(note.pitches[place]) for note, place in zip(notes, reversed(chosen), strict=True)]
