"""Tests of a checklist about pitch: modes, chords, their succession, what lines do over them.

Roots and degrees are counted from the tonic: "bVII" is the chord a tone below it, "b3" the minor third above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from noisician.composer.plan import Plan
from noisician.evaluate import musicianship
from noisician.evaluate.checklists.rhythm import steps_of
from noisician.score.grid import Grid, chord_of
from noisician.score.harmony import QUALITIES, QUALITY_NAMES, SCALES

DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")
ROOTS = ("I", "bII", "II", "bIII", "III", "IV", "bV", "V", "bVI", "VI", "bVII", "VII")
CHORD_KINDS: dict[str, tuple[str, ...]] = {
    "major": ("maj", "7", "maj7", "6", "add9", "9", "maj9"),
    "minor": ("min", "min7", "m6", "m9", "m7b5"),
    "triad": ("maj", "min", "dim", "aug"),
    "dominant": ("7", "9"),
    "seventh": ("7", "maj7", "min7", "m7b5", "dim7", "6", "m6", "9", "maj9", "m9"),
    "ninth": ("add9", "9", "maj9", "m9"),
    "power": ("5",),
    "suspended": ("sus2", "sus4"),
    "diminished": ("dim", "dim7", "m7b5"),
}
#: Semitones above a chord's root.
CHORD_TONES = {"root": (0,), "third": (3, 4), "fifth": (6, 7, 8), "sixth": (9,), "seventh": (10, 11)}
#: The roots of twelve bars of blues, with the usual choices.
_TWELVE_BARS = ((0,), (0, 5), (0,), (0,), (5,), (5, 6), (0,), (0, 9, 4), (7, 2), (5, 7), (0, 9, 4), (7, 0, 2))
_FEWEST_BARS_OF_TWELVE = 8


def changes(grid: Grid) -> list[tuple[int, str]]:
    """(root, quality) of every chord in turn; none twice in a row."""
    tokens = grid.stream("chord")
    heads = [int(token) for at, token in enumerate(tokens) if at == 0 or token != tokens[at - 1]]
    found = [chord for chord in map(chord_of, heads) if chord is not None]
    return [chord for at, chord in enumerate(found) if at == 0 or chord != found[at - 1]]


def _in_force(grid: Grid) -> list[tuple[int, str]]:
    return [chord for token in grid.stream("chord") if (chord := chord_of(int(token))) is not None]


def _roots(grid: Grid) -> list[int]:
    """Every root in turn; none twice in a row."""
    roots = [root for root, _ in changes(grid)]
    return [root for at, root in enumerate(roots) if at == 0 or root != roots[at - 1]]


# --- facts ------------------------------------------------------------------------------------------------------


def mode(plan: Plan, grid: Grid, *, modes: Sequence[str]) -> bool:
    """The mode is one of these."""
    return plan.mode in modes


def last_chord(plan: Plan, grid: Grid, *, roots: Sequence[str]) -> bool:
    """The last chord stands on one of these roots."""
    found = changes(grid)
    return bool(found) and ROOTS[found[-1][0]] in roots


def ends_at_home(plan: Plan, grid: Grid) -> bool:
    """Lead on a tone of the tonic chord, bass on the tonic, drums on a beat of the last bar: all who play."""
    ends = musicianship.ends_at_home(grid, plan.mode)
    return bool(ends) and all(ends.values())


# --- measures ---------------------------------------------------------------------------------------------------


def chords_used(plan: Plan, grid: Grid) -> int:
    """Different chords in the first 16 bars."""
    return musicianship.chords_used(musicianship.opening(grid))[0]


def chord_changes(plan: Plan, grid: Grid) -> float:
    """Changes of chord a bar."""
    return musicianship.chords_used(grid)[1]


def borrowed(plan: Plan, grid: Grid) -> float | None:
    """Share of the time with chords that leave the mode."""
    return musicianship.borrowed_share(grid, plan.mode)


def clashes(plan: Plan, grid: Grid) -> float | None:
    """Share of beats on which lines rub at each other or the chord."""
    return musicianship.clash_share(grid)


def chord_kinds(plan: Plan, grid: Grid, *, chords: Sequence[str]) -> float | None:
    """Share of the time with chords of these kinds."""
    wanted = {quality for kind in chords for quality in CHORD_KINDS.get(kind, (kind,))}
    heard = [quality in wanted for _, quality in _in_force(grid)]
    return float(np.mean(heard)) if heard else None


def chord_roots(plan: Plan, grid: Grid, *, roots: Sequence[str]) -> float | None:
    """Share of the time with chords on these roots."""
    chords = _in_force(grid)
    return float(np.mean([ROOTS[root] in roots for root, _ in chords])) if chords else None


def one_root(plan: Plan, grid: Grid) -> float | None:
    """Share of the time with chords on the commonest root: 1 is a drone."""
    roots = [root for root, _ in _in_force(grid)]
    return float(np.bincount(roots).max() / len(roots)) if roots else None


def falling_fifths(plan: Plan, grid: Grid) -> float | None:
    """Share of the moves from root to root that fall by a fifth (or rise by a fourth)."""
    moves = [(after - before) % 12 for before, after in pairwise(_roots(grid))]
    return float(np.mean([move == 5 for move in moves])) if moves else None


def progressions(plan: Plan, grid: Grid, *, successions: Sequence[Sequence[str]]) -> int:
    """How often one of these successions of roots occurs."""
    heard = [ROOTS[root] for root in _roots(grid)]
    return sum(
        heard[at : at + len(wanted)] == list(wanted)
        for wanted in successions
        for at in range(len(heard) - len(wanted) + 1)
    )


def twelve_bars(plan: Plan, grid: Grid) -> float | None:
    """Share of the bars that have the root of a twelve-bar blues, from where it fits best; shorter pieces are held
    against its beginning, from eight bars on.
    """
    downbeats = [chord_of(int(token)) for token in grid.stream("chord")[:: grid.meter.steps_per_bar]]
    length = min(len(_TWELVE_BARS), grid.bars)
    if length < _FEWEST_BARS_OF_TWELVE:
        return None

    def fit(start: int) -> float:
        bars = zip(downbeats[start : start + length], _TWELVE_BARS, strict=False)
        return float(np.mean([chord is not None and chord[0] in wanted for chord, wanted in bars]))

    return max(fit(start) for start in range(grid.bars - length + 1))


def chord_loop(plan: Plan, grid: Grid, *, lengths: Sequence[int]) -> float | None:
    """Share of bars whose chords are those of so many bars before, for the length of loop that fits best."""
    rows = grid.stream("chord").reshape(grid.bars, -1)
    alike = [(rows[length:] == rows[:-length]).all(axis=1).mean() for length in lengths if length < grid.bars]
    return float(max(alike)) if alike else None


def steps(plan: Plan, grid: Grid, *, line: str = "lead") -> float | None:
    """Share of a line's moves by one or two semitones."""
    return musicianship.step_share(grid, line)


def leaps(plan: Plan, grid: Grid, *, line: str = "lead") -> float | None:
    """Share of a line's moves by more than a fourth."""
    return musicianship.leap_share(grid, line)


def same_pitch(plan: Plan, grid: Grid, *, line: str = "lead") -> float | None:
    """Share of a line's moves that repeat the pitch."""
    moves = musicianship.moves(grid, line)
    return float(np.mean(moves[:, 0] == 0)) if len(moves) else None


def figures(plan: Plan, grid: Grid, *, line: str = "lead") -> float | None:
    """Share of a line's figures of four notes that come back."""
    return musicianship.returning_figures(grid, plan.mode, line)


def heard_rhythms(plan: Plan, grid: Grid, *, line: str = "lead") -> float | None:
    """Share of a line's bars whose rhythm was heard before."""
    return musicianship.heard_rhythms(grid, line)


def degrees(plan: Plan, grid: Grid, *, degrees: Sequence[str], line: str = "lead") -> float | None:
    """Share of a line's notes on these degrees."""
    _, pitches = musicianship.notes(grid, line)
    return float(np.mean([DEGREES[pitch % 12] in degrees for pitch in pitches])) if len(pitches) else None


def in_mode(plan: Plan, grid: Grid, *, line: str = "lead") -> float | None:
    """Share of a line's notes that are in the mode."""
    _, pitches = musicianship.notes(grid, line)
    return float(np.mean(np.isin(pitches % 12, SCALES[plan.mode]))) if len(pitches) else None


def chord_tones(
    plan: Plan, grid: Grid, *, line: str, tones: Sequence[str], beats: Sequence[float] = ()
) -> float | None:
    """Share of a line's notes, or of those on these places of the bar, that are these tones of the chord in force."""
    at, pitches = musicianship.notes(grid, line)
    places = steps_of(grid, beats) if beats else range(grid.meter.steps_per_bar)
    chords = [chord_of(int(grid.stream("chord")[step])) for step in at]
    wanted = {interval for tone in tones for interval in CHORD_TONES[tone]}
    judged = [
        (int(pitch) - chord[0]) % 12 in wanted and (int(pitch) - chord[0]) % 12 in _within_octave(chord[1])
        for step, pitch, chord in zip(at, pitches, chords, strict=True)
        if chord is not None and step % grid.meter.steps_per_bar in places
    ]
    return float(np.mean(judged)) if judged else None


def _within_octave(quality: str) -> set[int]:
    return {interval % 12 for interval in QUALITIES[quality]}


def ambitus(plan: Plan, grid: Grid, *, line: str = "lead") -> float | None:
    """Semitones from a line's lowest note to its highest."""
    _, pitches = musicianship.notes(grid, line)
    return float(np.ptp(pitches)) if len(pitches) else None


FACTS = (mode, last_chord, ends_at_home)
MEASURES = (
    chords_used, chord_changes, borrowed, clashes, chord_kinds, chord_roots, one_root, falling_fifths, progressions,
    twelve_bars, chord_loop, steps, leaps, same_pitch, figures, heard_rhythms, degrees, in_mode, chord_tones,
    ambitus,
)  # fmt: skip
KINDS = (*CHORD_KINDS, *QUALITY_NAMES)
