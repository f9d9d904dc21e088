"""Grooves and patterns of the style tables as rows of tokens: what a kit or a player repeats, bar by bar."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from noisician.score.model import METERS, Meter
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


def fits(entry: Mapping[str, Any], meter: Meter) -> bool:
    """Whether a pattern can be played in this metre (4/4 patterns lose their last beat in 3/4)."""
    own = entry.get("meter", "4/4")
    return own in ("any", meter.name) or (own == "4/4" and meter.name == "3/4")


def usable(kind: str, weights: Mapping[str, float], meter: Meter) -> dict[str, float]:
    """The genre's patterns of one kind that suit the metre, its own metre's first; never empty."""
    entries = table("grooves") if kind == "grooves" else table("patterns")[kind]
    exact = {name: w for name, w in weights.items() if entries[name].get("meter", "4/4") in ("any", meter.name)}
    if exact:
        return exact
    loose = {name: w for name, w in weights.items() if fits(entries[name], meter)}
    return loose or {_FALLBACKS[kind, meter.name]: 1.0}


#: What is played where a genre has nothing for a metre.
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
def bars_of(pattern: str, steps_per_bar: int) -> tuple[str, ...]:
    """The bars of a pattern string, each cut to the metre's length."""
    text = pattern.replace(" ", "")
    written = 16 if len(text) % 16 == 0 else 12
    return tuple(text[start : start + written][:steps_per_bar] for start in range(0, len(text), written))


@cache
def groove_rows(name: str, steps_per_bar: int) -> Mapping[str, np.ndarray]:
    """Token rows ``[bars, steps_per_bar]`` of a groove by stream, "_maybe" rows included."""
    rows = {}
    for key, pattern in table("grooves")[name].items():
        if key in ("meter", "fill"):
            continue
        letters = _DRUM_LETTERS[key.removesuffix("_maybe")]
        bars = bars_of(pattern, steps_per_bar)
        rows[key] = np.array([[letters.index(letter) for letter in bar] for bar in bars], np.int16)
    return MappingProxyType(rows)


def bass_pitch(pitch_class: int) -> int:
    """The lowest place of a pitch class on the bass."""
    return BASS_LOW + (pitch_class - BASS_LOW) % 12
