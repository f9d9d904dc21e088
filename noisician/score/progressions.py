"""A genre's chord progressions: Roman numerals to bars of chords, and which of them a part of a piece stands on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from noisician.score.grid import VOCABULARY, chord_of, chord_token
from noisician.score.harmony import QUALITIES, SCALES, chord_tones
from noisician.score.model import Meter

#: (root above the tonic, quality) of each chord of a bar, which they share equally; a bar after the other.
Bar = tuple[tuple[int, str], ...]
Bars = tuple[Bar, ...]

_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_NUMERAL = re.compile(r"^([b#]?)(VII|VI|IV|V|III|II|I)(.*)$", re.IGNORECASE)
_SUFFIXES = {"o": "dim", "o7": "dim7", "ø": "m7b5", "+": "aug"}
_MINOR_SUFFIXES = {"": "min", "7": "min7", "9": "m9", "6": "m6"}

#: Scale degrees (0 = tonic) for modes a genre does not list.
_COMMON: dict[str, tuple[tuple[int, ...], ...]] = {
    "major": ((0, 4, 5, 3), (0, 3, 4, 0), (5, 3, 0, 4), (0, 5, 1, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 6), (0, 3, 5, 4)),
    "dorian": ((0, 3, 0, 3), (0, 6, 3, 0), (0, 2, 3, 0)),
    "phrygian": ((0, 1, 0, 1), (0, 1, 2, 1), (0, 0, 6, 1)),
    "lydian": ((0, 1, 0, 1), (0, 1, 5, 0), (0, 4, 1, 0)),
    "mixolydian": ((0, 6, 3, 0), (0, 4, 3, 0), (0, 3, 6, 0)),
}
_DIMINISHED = ("dim", "dim7", "m7b5")
_COLOUR_SIZES = {"power": 2, "triad": 3, "seventh": 4, "ninth": 5}


@dataclass(frozen=True)
class Span:
    """One chord in force over steps ``[start, end)`` of a section."""

    start: int
    end: int
    root: int
    quality: str

    @property
    def tones(self) -> tuple[int, ...]:
        return chord_tones(self.root, self.quality)


@dataclass(frozen=True)
class Harmony:
    """The chords of one section. ``index[step]`` is the span in force."""

    mode: str
    spans: tuple[Span, ...]
    index: np.ndarray

    @classmethod
    def of_tokens(cls, tokens: np.ndarray, mode: str) -> Harmony | None:
        """The chords of a grid's stream ``[steps]``; None where one is missing or not decided."""
        known = (tokens > 0) & (tokens < VOCABULARY["chord"])
        if not len(tokens) or not known.all():
            return None
        starts = [0, *(np.flatnonzero(np.diff(tokens)) + 1).tolist()]
        edges = zip(starts, [*starts[1:], len(tokens)], strict=True)
        spans = tuple(Span(start, end, *_chord(int(tokens[start]))) for start, end in edges)
        index = np.repeat(np.arange(len(spans)), [span.end - span.start for span in spans])
        return cls(mode, spans, index)

    def at(self, step: int) -> Span:
        return self.spans[self.index[step]]

    def next_root(self, step: int, steps_per_bar: int) -> int:
        """Root at the next chord change or bar line after ``step``; a section leads back to its own start."""
        boundary = (step // steps_per_bar + 1) * steps_per_bar
        return self.at(min(self.at(step).end, boundary) % len(self.index)).root

    def changes(self, step: int) -> bool:
        """Whether a different chord begins at ``step``."""
        if step == 0 or self.index[step] == self.index[step - 1]:
            return step == 0
        before, now = self.at(step - 1), self.at(step)
        return (before.root, before.quality) != (now.root, now.quality)

    def tokens(self) -> np.ndarray:
        per_span = np.array([chord_token(span.root, span.quality) for span in self.spans], np.int16)
        return per_span[self.index]


def _chord(token: int) -> tuple[int, str]:
    chord = chord_of(token)
    if chord is None:
        raise ValueError(f"chord token {token} is no chord")
    return chord


@cache
def parse_numeral(text: str) -> tuple[int, str]:
    """``"bVIImaj7"`` → (10, "maj7"); lower case is minor. Raises ValueError for anything else."""
    match = _NUMERAL.match(text)
    if not match:
        raise ValueError(f"chord {text!r} is no Roman numeral")
    accidental, numeral, suffix = match.groups()
    root = (_DEGREES[numeral.upper()] + {"b": -1, "#": 1, "": 0}[accidental]) % 12
    if suffix in _SUFFIXES:
        return root, _SUFFIXES[suffix]
    quality = _MINOR_SUFFIXES.get(suffix, suffix) if numeral.islower() else suffix or "maj"
    if quality not in QUALITIES:
        raise ValueError(f"chord {text!r}: quality {quality!r} is none of {', '.join(QUALITIES)}")
    return root, quality


@cache
def parse_progression(text: str) -> Bars:
    """Chords bar by bar: a word a bar, commas split a bar."""
    return tuple(tuple(parse_numeral(chord) for chord in bar.split(",")) for bar in text.split())


@cache
def diatonic_chord(mode: str, degree: int, colour: str) -> tuple[int, str]:
    """The chord on a degree of a mode, as rich as ``colour`` allows."""
    scale = SCALES[mode]
    root = scale[degree]
    if colour == "power":
        return root, "5"
    for size in range(_COLOUR_SIZES[colour], 2, -1):
        stack = []
        for third in range(size):
            octave, place = divmod(degree + 2 * third, 7)
            stack.append(scale[place] + 12 * octave - root)
        wanted = (0, stack[1], stack[3], 14) if size == 5 and stack[4] == 14 else tuple(stack)
        for name, intervals in QUALITIES.items():
            if intervals == wanted:
                return root, name
    return root, "min"


def _common(mode: str, colour: str, rng: np.random.Generator) -> Bars:
    degrees = _COMMON[mode][rng.integers(len(_COMMON[mode]))]
    return tuple((diatonic_chord(mode, degree, colour),) for degree in degrees)


def progression(
    music: Mapping[str, Any],
    mode: str,
    part: str,
    dice: Callable[..., np.random.Generator],
    from_home: bool = False,
) -> Bars:
    """The bars of chords that part ``"A"``, ``"B"`` … of a piece is built on.

    ``music`` is that of a genre; ``dice(*names)`` throws for whatever has these names, so that parts which share their
    chords draw the same. ``from_home`` prefers what begins on the tonic, where the genre has that.
    """
    song = dice("harmony")
    shares = song.random() < music["loop"]
    stretch = 2 if song.random() < music.get("stretch", 0.0) else 1
    rng = dice("harmony", "A" if shares and part != "C" else part)
    pool = music.get("bridges", {}).get(mode) if part == "C" else None
    pool = pool or music["progressions"].get(mode)
    stating = pool
    if pool and from_home:
        stating = [text for text in pool if parse_progression(text)[0][0][0] == 0] or pool
    first = stating if shares or part == "A" else pool
    bars = parse_progression(first[rng.integers(len(first))]) if first else _common(mode, music["colour"], rng)
    if not shares and part == "B" and pool and stating and len(pool) > 1:
        verse = dice("harmony", "A")
        taken = pool.index(stating[verse.integers(len(stating))])
        bars = parse_progression(pool[(taken + 1 + rng.integers(len(pool) - 1)) % len(pool)])
    return tuple(bar for bar in bars for _ in range(stretch)) if len(bars) <= 4 else bars


def fit(bars: Sequence[Bar], count: int, from_end: bool) -> list[Bar]:
    """Repeat or cut a progression to ``count`` bars; a short ending keeps the progression's end."""
    if from_end and len(bars) > count:
        return list(bars[-count:])
    return [bars[place % len(bars)] for place in range(count)]


def home_chord(bars: Sequence[Bar], mode: str, colour: str) -> tuple[int, str]:
    """The tonic chord as a progression has it, else as the mode and the genre's colour make it."""
    home = [chord for bar in bars for chord in bar if chord[0] == 0]
    return home[0] if home else diatonic_chord(mode, 0, colour)


def build(bars: Sequence[Bar], mode: str, meter: Meter) -> Harmony:
    """Lay bars of chords out in time; split bars change on beats."""
    spans: list[Span] = []
    for place, bar in enumerate(bars):
        edges = _edges(len(bar), meter)
        start = place * meter.steps_per_bar
        for (root, quality), low, high in zip(bar, edges, edges[1:], strict=False):
            if high > low:
                spans.append(Span(start + low, start + high, root, quality))
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last and (last.root, last.quality) == (span.root, span.quality):
            merged[-1] = Span(last.start, span.end, last.root, last.quality)
        else:
            merged.append(span)
    index = np.zeros(merged[-1].end, np.int32)
    for number, span in enumerate(merged):
        index[span.start : span.end] = number
    return Harmony(mode, tuple(merged), index)


def _edges(chords: int, meter: Meter) -> list[int]:
    """The steps of a bar on which each of its chords begins, and its end: beats, of two chords the second half."""
    if chords == 2:
        return [0, meter.second_half, meter.steps_per_bar]
    return [meter.pulse_steps[round(place * len(meter.pulses) / chords)] for place in range(chords + 1)]


@cache
def chord_scale(mode: str, root: int, quality: str, kind: str) -> tuple[int, ...]:
    """Pitch classes a melody may use over a chord: the scale, bent to contain the chord.

    ``kind`` is "mode", "penta" (five notes without half steps) or "blues". A chord tone outside the scale
    displaces its neighbours: in a full scale a major third, or the root of a diminished chord, is the raised
    degree below it (the leading note of a dominant in minor) and any other tone the lowered degree above it;
    a five- or six-note scale gives up both half-step neighbours.
    """
    tones = set(chord_tones(root, quality))
    minor = 3 in SCALES[mode]
    if kind == "penta":
        scale = {0, 3, 5, 7, 10} if minor else {0, 2, 4, 7, 9}
    elif kind == "blues":
        scale = {0, 3, 5, 6, 7, 10} if minor or mode == "mixolydian" else {0, 2, 3, 4, 7, 9}
    else:
        scale = set(SCALES[mode])
    for tone in sorted(tones - scale):
        interval = (tone - root) % 12
        raised = interval == 4 or (interval == 0 and quality in _DIMINISHED)
        displaced = {-1 if raised else 1} if kind == "mode" else {-1, 1}
        scale -= {(tone + step) % 12 for step in displaced} - tones
        scale.add(tone)
    return tuple(sorted(scale))
