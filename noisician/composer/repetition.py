"""What comes again inside a section: the phrases of a tune, the patterns of those who keep time.

A section is written in two passes. First the bars that bring something new: the motifs and cadences of the lead, one or
two bars of groove. The others take those over, moved to the harmony they stand on, with some cells left open: what the
second pass writes there makes them answers and fills instead of copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.composer.board import CHORD, LEAD, Board
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.holds import NOTE_STREAMS
from noisician.composer.lines import rubs
from noisician.score.grid import (
    CHORDAL,
    DRUM_HITS,
    DRUMS,
    FIRST_ONSET,
    HOLD,
    LEVELS,
    MONOPHONIC,
    PITCH_HIGH,
    PITCH_LOW,
    REST,
    STREAMS,
    chord_of,
)
from noisician.score.harmony import QUALITIES, SCALES
from noisician.score.model import Section

#: Where each bar of a first phrase comes from, counted from its first bar, None for new; and how likely.
FIRST_PHRASES: tuple[tuple[tuple[int | None, ...], float], ...] = (
    ((None, 0, None, None), 0.2),  # a a' b c: statement, answer, way on, cadence
    ((None, None, 0, 1), 0.4),  # a b a' b': question and answer, twice
    ((None, 0, 0, None), 0.4),  # a a' a'' c: a sequence
)
#: The phrases after it: as they began, with another ending.
LATER_PHRASES: tuple[tuple[tuple[int | None, ...], float], ...] = (
    ((0, 1, 2, None), 0.45),
    ((0, 1, None, None), 0.35),
    ((0, None, 2, None), 0.2),
)
#: The same of tunes that live by being heard again at once.
RIFF_PHRASES: tuple[tuple[tuple[int | None, ...], float], ...] = (
    ((None, 0, 0, None), 0.5),
    ((None, 0, None, 0), 0.2),
    ((None, None, 0, 1), 0.3),
)
LATER_RIFF_PHRASES: tuple[tuple[tuple[int | None, ...], float], ...] = (((0, 1, 2, None), 0.6), ((0, 1, 2, 3), 0.4))
#: How likely the last beat of a taken over bar of the lead is written anew.
NEW_ENDING_SHARE = 0.15
#: How likely a groove is two bars long rather than one.
TWO_BAR_SHARE = 0.5
#: How likely there is a fill in the middle of eight bars, beside that at their end, and how long fills are, in beats.
MIDDLE_FILL_SHARE, FILL_BEATS = 0.3, (1, 2, 4)
#: How far a motif moves to fit the harmony, in degrees of the scale; each costs this much against a beat that fits.
MOVES, COST_OF_MOVING = (0, 1, -1, 2, -2, 3, -3), 0.6
LOWEST_BASS, HIGHEST_BASS = 26, 55
_CRASHES = tuple(token for token, (key, _) in enumerate(DRUM_HITS["cymbal"], 1) if key in (49, 57))
_GROOVE = ("bass", "chords", "pad", "arp", *DRUMS)


@dataclass(frozen=True)
class Repeats:
    """For each stream, the bar that each bar of a section takes over, None where it is new; ``fresh`` bool ``[steps,
    streams]`` of the section: cells that are written anew all the same.
    """

    source: Mapping[int, Sequence[int | None]]
    fresh: np.ndarray

    def later(self, steps_per_bar: int) -> np.ndarray:
        """bool ``[steps, streams]``: what the first pass leaves to what is taken over, and to the second."""
        later = self.fresh.copy()
        for stream, bars in self.source.items():
            taken = np.array([bar is not None for bar in bars])
            later[:, stream] |= np.repeat(taken, steps_per_bar)
        return later


@dataclass(frozen=True)
class Habits:
    """How a genre repeats: bars of its groove (0 where the network writes it), tunes made of ``riffs``, and the chance
    that a section ends with a fill.
    """

    groove_bars: int = 0
    riffs: bool = False
    fill_share: float = 1.0


def plan_repeats(section: Section, board: Board, rng: np.random.Generator, habits: Habits = Habits()) -> Repeats:
    """Which bars of a section come again in it, and where they change."""
    bars, steps = section.bars, board.steps_per_bar
    fresh = np.zeros((bars * steps, len(STREAMS)), bool)
    source: dict[int, Sequence[int | None]] = {}
    if board.tune is None or not board.tune.sung[board.rows(section.start_bar)[0] :][: bars * steps].any():
        source[LEAD] = _phrases(bars, rng, habits.riffs)
        for bar, taken in enumerate(source[LEAD]):
            if taken is not None and rng.random() < (0.0 if habits.riffs else NEW_ENDING_SHARE):
                fresh[(bar + 1) * steps - board.steps_per_beat : (bar + 1) * steps, LEAD] = True
    pattern = 2 if bars >= 4 and rng.random() < TWO_BAR_SHARE else 1
    pattern = habits.groove_bars or pattern
    groove = tuple(None if bar < pattern else bar % pattern for bar in range(bars))
    for name in _GROOVE:
        source[STREAMS.index(name)] = groove
    for stream, taken in source.items():  # who rests at first has nothing to come back to there
        rests = [not board.active[board.rows(section.start_bar + bar), stream].any() for bar in range(bars)]
        if any(rests):
            source[stream] = _from_the_first_played(taken, rests)
    return Repeats(source, fresh | fills_of(section, board, rng, habits.fill_share))


def _from_the_first_played(taken: Sequence[int | None], rests: Sequence[bool]) -> tuple[int | None, ...]:
    """What each bar takes over where somebody ``rests`` in some: counted from the first bar that is played."""
    first = next((bar for bar, resting in enumerate(rests) if not resting), 0)
    moved = [None if bar < first else taken[bar - first] for bar in range(len(taken))]
    places = [None if bar is None else bar + first for bar in moved]
    return tuple(None if bar is None or rests[bar] else bar for bar in places)


def fills_of(section: Section, board: Board, rng: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """bool ``[steps, streams]`` of a section: the cells of its fills, which it has with chance ``share``."""
    fills = np.zeros((section.bars * board.steps_per_bar, len(STREAMS)), bool)
    for bar in _fills(section.bars, rng) if share >= 1 or rng.random() < share else ():
        beats = int(rng.choice(FILL_BEATS, p=(0.35, 0.45, 0.2)))
        end = (bar + 1) * board.steps_per_bar
        for name in (*DRUMS, "bass") if beats < 4 else DRUMS:
            fills[end - min(beats * board.steps_per_beat, board.steps_per_bar) : end, STREAMS.index(name)] = True
    return fills


def take_over(board: Board, section: Section, repeats: Repeats, bars: Sequence[int], mode: str) -> None:
    """Fills open cells of these bars (counted from the section's first) with what they repeat."""
    steps, filled = board.steps_per_bar, np.zeros(board.tokens.shape, bool)
    for stream, sources in repeats.source.items():
        name = STREAMS[stream]
        for bar in bars:
            source = sources[bar]
            if source is None:
                continue
            target, origin = board.rows(section.start_bar + bar), board.rows(section.start_bar + source)
            if (board.tokens[origin, stream] == MASK_TOKENS[stream]).any():
                continue
            harmony = board.tokens[:, CHORD]
            if name in ("bass", *CHORDAL) and (_changes(harmony[target]) & ~_changes(harmony[origin])).any():
                continue  # what holds one chord does not fit a bar of two
            moved = _moved(board.tokens[origin, stream], name, harmony[origin], harmony[target], mode, board)
            here = (board.tokens[target, stream] == MASK_TOKENS[stream]) & board.active[target, stream]
            here &= ~repeats.fresh[bar * steps : (bar + 1) * steps, stream]
            board.tokens[target, stream] = np.where(here, moved, board.tokens[target, stream])
            filled[target, stream] = here
    for stream in NOTE_STREAMS:
        _drop_loose_holds(board.tokens[:, stream], filled[:, stream])


def follow_chords(board: Board, section: Section, first_bar: int, bars: int, mode: str) -> None:
    """Fills the open cells of lines in bars of a section that returns on other chords than the first time: what was
    played there moves with them.
    """
    original = board.original_of(section)
    if original is None:
        return
    for bar in range(first_bar, first_bar + bars):
        target = board.rows(bar)
        origin = board.rows(original.start_bar + (bar - section.start_bar) % original.bars)
        old, new = board.tokens[origin, CHORD], board.tokens[target, CHORD]
        if (old == new).all() or (new == MASK_TOKENS[CHORD]).any() or (_changes(new) & ~_changes(old)).any():
            continue
        for name in MONOPHONIC:
            stream = STREAMS.index(name)
            line = board.tokens[origin, stream]
            open_ = (board.tokens[target, stream] == MASK_TOKENS[stream]) & board.active[origin, stream]
            if (name == "lead" and board.tune is not None) or (line == MASK_TOKENS[stream]).any():
                continue
            open_ &= board.active[target, stream]
            moved = _moved(line, name, old, new, mode, board)
            board.tokens[target, stream] = np.where(open_, moved, board.tokens[target, stream])
            cells = np.zeros(len(board.tokens), bool)
            cells[target] = open_
            _drop_loose_holds(board.tokens[:, stream], cells)


def _changes(harmony: np.ndarray) -> np.ndarray:
    """bool ``[steps − 1]``: where the chord of a bar changes."""
    return harmony[1:] != harmony[:-1]


def _phrases(bars: int, rng: np.random.Generator, riffs: bool = False) -> tuple[int | None, ...]:
    """The lead's sources: phrases of four bars, a rest of fewer as far as it goes."""
    found: list[int | None] = []
    while len(found) < bars:
        first, later = (RIFF_PHRASES, LATER_RIFF_PHRASES) if riffs else (FIRST_PHRASES, LATER_PHRASES)
        shapes = later if found else first
        shape = shapes[int(rng.choice(len(shapes), p=[share for _, share in shapes]))][0]
        found += shape
    return tuple(found[:bars])


def _fills(bars: int, rng: np.random.Generator) -> list[int]:
    """Bars that end with a fill."""
    fills = [bars - 1] if bars > 1 else []
    return fills + [bar for bar in range(3, bars - 3, 4) if rng.random() < MIDDLE_FILL_SHARE]


def _moved(tokens: np.ndarray, name: str, old: np.ndarray, new: np.ndarray, mode: str, board: Board) -> np.ndarray:
    """A bar of one stream as it is played over another harmony; ``old`` and ``new`` are the chords' tokens."""
    if name == "cymbal":
        return np.where(np.isin(tokens, _CRASHES), REST, tokens)  # a crash marks a beginning
    if name in CHORDAL or name in DRUMS:
        return tokens
    moved = tokens.copy()
    onsets = np.flatnonzero(tokens >= FIRST_ONSET)
    pitches = (tokens[onsets] - FIRST_ONSET) // LEVELS + PITCH_LOW
    if name == "lead":
        pitches = _sequence(pitches, onsets, new, SCALES[mode], board.steps_per_beat)
    else:
        low, high = (LOWEST_BASS, HIGHEST_BASS) if name == "bass" else (PITCH_LOW, PITCH_HIGH)
        pitches = np.array([
            _follow(int(pitch), int(old[at]), int(new[at]), SCALES[mode], low, high)
            for pitch, at in zip(pitches, onsets, strict=True)
        ], int)  # fmt: skip
    pitches = np.clip(pitches, PITCH_LOW, PITCH_HIGH)
    moved[onsets] = FIRST_ONSET + LEVELS * (pitches - PITCH_LOW) + (tokens[onsets] - FIRST_ONSET) % LEVELS
    return moved


def _sequence(
    pitches: np.ndarray, onsets: np.ndarray, harmony: np.ndarray, scale: Sequence[int], steps_per_beat: int
) -> np.ndarray:
    """A motif moved along the scale to where its strong notes fit the harmony best; what still rubs gives way."""
    strong = onsets % steps_per_beat == 0

    def fit(move: int) -> float:
        moved = [_along(int(pitch), move, scale) for pitch in pitches]
        rubs = [_fits(pitch, int(harmony[at])) for pitch, at in zip(moved, onsets, strict=True)]
        return float(np.sum(np.array(rubs)[strong])) - COST_OF_MOVING * abs(move)

    best = max(MOVES, key=fit)
    moved = np.array([_along(int(pitch), best, scale) for pitch in pitches], int)
    for place in np.flatnonzero(onsets % (2 * steps_per_beat) == 0):
        if _fits(int(moved[place]), int(harmony[onsets[place]])) < 0:
            moved[place] = _nearest_tone(int(moved[place]), int(harmony[onsets[place]]))
    return moved


def _along(pitch: int, degrees: int, scale: Sequence[int]) -> int:
    """A pitch some degrees of the scale away; what lies between two degrees stays between the two it comes to."""
    octave, within = divmod(pitch, 12)
    degree = max(place for place, tone in enumerate(scale) if tone <= within)
    octaves, to = divmod(degree + degrees, len(scale))
    return 12 * (octave + octaves) + scale[to] + (within - scale[degree])


def _fits(pitch: int, chord_token: int) -> float:
    """1 for a tone of the chord, −1 for a semitone beside one, else 0."""
    return float(pitch % 12 in _tones(chord_token)) - float(rubs(pitch % 12, chord_token))


def _tones(chord_token: int) -> set[int]:
    chord = chord_of(chord_token)
    return set() if chord is None else {(chord[0] + tone) % 12 for tone in QUALITIES[chord[1]]}


def _nearest_tone(pitch: int, chord_token: int) -> int:
    tones = _tones(chord_token)
    return min(range(pitch - 6, pitch + 7), key=lambda other: (other % 12 not in tones, abs(other - pitch), other))


def _follow(pitch: int, old: int, new: int, scale: Sequence[int], low: int, high: int) -> int:
    """A pitch that stands to the new chord as it stood to the old: root to root, a chord's tone to one, others to the
    scale."""
    before, after = chord_of(old), chord_of(new)
    if before is None or after is None or before == after:
        return pitch
    moved = pitch + (after[0] - before[0] + 6) % 12 - 6
    if pitch % 12 in _tones(old):
        moved = _nearest_tone(moved, new)
    elif moved % 12 not in scale:
        moved -= 1 if (moved - 1) % 12 in scale else -1
    if moved < low:
        return moved + 12
    return moved - 12 if moved > high else moved


def _drop_loose_holds(line: np.ndarray, cells: np.ndarray) -> None:
    """In place, among ``cells``: what would hold on after a rest rests too."""
    for at in np.flatnonzero(cells & (line == HOLD)):
        if at and line[at - 1] == REST:
            line[at] = REST
