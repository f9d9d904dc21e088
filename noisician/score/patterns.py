"""Grooves and patterns of the style tables as rows of tokens: what a kit or a player repeats, bar by bar."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from noisician.score.model import LEARNT_METERS, METERS, Meter
from noisician.styles import table

_DRUM_LETTERS = {
    "kick": ".gxX",
    "snare": ".gxXrcCe",
    "hat": ".gxXpo",
    "cymbal": ".grbcC",
    "tom": ".1234",
    "perc": ".tswmlbkT",
}
#: Levels of the letters of comping and arpeggios.
STROKE_LEVELS = {"g": 0, "x": 1, "X": 2}
BASS_LOW, BASS_HIGH = 28, 50


#: Whose patterns are played in a metre that has none of its own, the nearest first.
_BORROWED: Mapping[str, tuple[str, ...]] = {
    "4/4": (), "3/4": ("4/4",), "6/8": (), "2/4": ("4/4",), "5/4": ("4/4",), "7/8": ("4/4",), "9/8": ("6/8",),
    "12/8": ("6/8", "4/4"),
}  # fmt: skip


def _meters_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    own = entry.get("meter", "4/4")
    return tuple(METERS) if own == "any" else (own,)


def fits(entry: Mapping[str, Any], meter: Meter) -> bool:
    """Whether a pattern can be played in this metre, be it cut, repeated or in triplets."""
    return bool({meter.name, *_BORROWED[meter.name]} & {*_meters_of(entry)})


def usable(kind: str, weights: Mapping[str, float], meter: Meter) -> dict[str, float]:
    """The genre's patterns of one kind that suit the metre, its own metre's first; never empty."""
    entries = table("grooves") if kind == "grooves" else table("patterns")[kind]
    for name in (meter.name, *_BORROWED[meter.name]):
        found = {pattern: w for pattern, w in weights.items() if name in _meters_of(entries[pattern])}
        written = any(entries[pattern].get("meter", "4/4") == name for pattern in found)
        # Patterns of any metre alone say little of a genre; those that training songs are made of stay as they were.
        if written or (found and meter.name in LEARNT_METERS):
            return found
    own = _FALLBACKS.get((kind, meter.name))
    return {own: 1.0} if own is not None else {_FALLBACKS[kind, meter.base]: 1.0}


#: What is played where a genre has nothing for a metre; where nothing stands here, what its base has.
_FALLBACKS = {
    ("grooves", "4/4"): "pop_a",
    ("grooves", "3/4"): "generic_34",
    ("grooves", "6/8"): "generic_68",
    ("bass", "4/4"): "root_half",
    ("bass", "3/4"): "waltz_root",
    ("bass", "6/8"): "pulse_68",
    ("comp", "4/4"): "half",
    ("comp", "3/4"): "strum_34",
    ("comp", "6/8"): "strum_68",
    ("arp", "4/4"): "broken8",
    ("arp", "3/4"): "broken8",
    ("arp", "6/8"): "six8",
    **{("pad", name): "hold" for name in METERS},
}


@cache
def bars_of(pattern: str, written: str, meter: Meter) -> tuple[str, ...]:
    """The bars of a pattern string in a metre, which was ``written`` in one (or in "any", as if in 4/4).

    A bar of 4/4 is cut for 3/4 and 7/8, halved for 2/4, has its second beat twice in 5/4, and is played in triplets in
    12/8; one of 6/8 has its second beat twice in 9/8, and two of them make one of 12/8.
    """
    text, own = pattern.replace(" ", ""), METERS["4/4" if written == "any" else written]
    bars = [text[start : start + own.steps_per_bar] for start in range(0, len(text), own.steps_per_bar)]
    if own == meter:
        return tuple(bars)
    if meter.name == "12/8" and own.name == "4/4":
        return tuple(_in_triplets(bar) for bar in bars)
    if meter.name == "12/8":
        pairs = range(0, len(bars), 2)
        return tuple(bars[at] + bars[(at + 1) % len(bars)] for at in pairs)
    if own.name == meter.base:
        return tuple("".join(bar[step] for step in places) for bar in bars for places in meter.base_places)
    return tuple(bar[: meter.steps_per_bar].ljust(meter.steps_per_bar, "-") for bar in bars)


def _in_triplets(bar: str) -> str:
    """Four sixteenths a beat as six: the off-beat comes on the last of three, as a shuffle has it."""
    beats = [bar[start : start + 4] for start in range(0, len(bar), 4)]
    return "".join(a + _between(a, b) + b + _between(b, c) + c + d for a, b, c, d in beats)


def _between(before: str, behind: str) -> str:
    return "-" if "-" in (before, behind) else "."


@cache
def groove_rows(name: str, meter: Meter) -> Mapping[str, np.ndarray]:
    """Token rows ``[bars, steps a bar]`` of a groove by stream, "_maybe" rows included."""
    rows, entry = {}, table("grooves")[name]
    for key, pattern in entry.items():
        if key in ("meter", "fill"):
            continue
        letters = _DRUM_LETTERS[key.removesuffix("_maybe")]
        bars = bars_of(pattern, entry.get("meter", "4/4"), meter)
        rows[key] = np.array([[letters.index(letter) for letter in bar] for bar in bars], np.int16)
    return MappingProxyType(rows)


def bass_pitch(pitch_class: int) -> int:
    """The lowest place of a pitch class on the bass."""
    return BASS_LOW + (pitch_class - BASS_LOW) % 12
