"""How a phrase is sung, as numbers: presets by genre and mood from ``styles.toml``, and the members of a choir."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np

from noisician.errors import RequestError
from noisician.styles import base_of

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

#: Lowest and highest value of each number of a style.
LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "effort": (0.0, 1.0),
        "breath": (0.0, 1.0),
        "breaths": (0.0, 1.0),
        "vibrato_depth": (0.0, 1.5),
        "vibrato_rate_hz": (3.0, 8.0),
        "vibrato_delay_s": (0.0, 1.5),
        "scoop": (0.0, 1.0),
        "fall": (0.0, 1.0),
        "overshoot": (0.0, 1.0),
        "portamento": (0.0, 1.0),
        "staccato": (0.0, 1.0),
        "diction": (0.5, 1.5),
        "attack": (0.0, 1.0),
        "dynamics_db": (0.0, 12.0),
        "timing_spread_s": (0.0, 0.03),
        "drift_cents": (0.0, 15.0),
        "detune_cents": (-50.0, 50.0),
        "delay_s": (-0.05, 0.1),
    }
)
_SWITCHES = ("spoken", "full_vowels")
#: A choir's members around their leader: the least, and the standard deviation of what comes on top.
MEMBER_DETUNE_CENTS = (4.0, 4.0)
MEMBER_DELAY_S = (0.006, 0.009)
MEMBER_TIMING_S = 0.006
_MEMBER_STREAM = 0x6D656D62


@dataclass(frozen=True)
class SingingStyle:
    """Amounts run from 0 (none) to 1 (much) unless they carry a unit. Raises RequestError outside :data:`LIMITS`."""

    effort: float = 0.5  # how hard the voice is driven: tilt, singer's formant, level
    breath: float = 0.3  # air in the tone
    breaths: float = 0.9  # chance to breathe in where there is time
    vibrato_depth: float = 0.3  # semitones, centre to peak, of a long note
    vibrato_rate_hz: float = 5.6
    vibrato_delay_s: float = 0.3
    scoop: float = 0.3  # notes approached from below
    fall: float = 0.1  # phrases that drop off at their end
    overshoot: float = 0.5  # also how far a step is prepared in the other direction
    portamento: float = 0.4  # length of glides in slurs
    staccato: float = 0.0  # 0 legato … 1 half of every note
    diction: float = 1.0  # factor on consonant durations
    attack: float = 0.5  # 0 soft … 1 hard vowel onsets
    dynamics_db: float = 4.0  # height of a phrase's arc
    timing_spread_s: float = 0.006  # standard deviation of vowel onsets
    drift_cents: float = 3.2  # standard deviation of the slow wandering of pitch
    detune_cents: float = 0.0
    delay_s: float = 0.0  # the whole phrase late
    comfort_pitch: float | None = None  # MIDI pitch sung at the style's effort; None takes the phrase's mean
    spoken: bool = False  # speech timing and melody on the notes' onsets
    full_vowels: bool = False  # long schwas become full vowels

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise RequestError(f"singing style: {name} {value} is outside {low:g} … {high:g}")


def bounded(**values: Any) -> SingingStyle:
    """A style whose numbers are first brought into :data:`LIMITS`."""
    for name in values.keys() & LIMITS.keys():
        low, high = LIMITS[name]
        values[name] = float(np.clip(values[name], low, high))
    return SingingStyle(**values)


@cache
def style_table() -> Mapping[str, Any]:
    """``styles.toml``: ``presets``, what genres start from, and how words bend them."""
    text = files("noisician.vocals").joinpath("styles.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


def preset(name: str) -> SingingStyle:
    """A preset by its name. Raises RequestError for an unknown one."""
    presets = style_table()["presets"]
    if name not in presets:
        raise RequestError(f"unknown singing style {name!r}; known: {' '.join(presets)}")
    return SingingStyle(**presets[name])


def singing_style(
    genres: Iterable[tuple[str, float]] = (),
    moods: Iterable[tuple[str, float]] = (),
    words: Iterable[str] = (),
) -> SingingStyle:
    """The style for genres and moods of ``noisician.styles`` with their weights, and for words of a prompt.

    Genres blend by weight; a word that names a preset (``whisper``, ``opera``, ``rap``) replaces the genres; moods
    and other words bend what is there. Unknown names change nothing.
    """
    data = style_table()
    spelled = [word.lower().replace("-", " ").strip() for word in words]
    named = [data["words"][word] for word in spelled if word in data["words"]]
    weighted = [(preset(name), 1.0) for name in named]
    if not weighted:
        weighted = [
            (preset(data["genres"].get(base_of(genre), "pop")), weight) for genre, weight in genres if weight > 0
        ]
    style = blend(weighted) if weighted else preset("pop")
    for mood, weight in moods:
        style = _bent(style, data["moods"].get(mood, {}), min(max(weight, 0.0), 1.0))
    for word in spelled:
        style = _bent(style, data["bends"].get(word, {}), 1.0)
    return style


def _bent(style: SingingStyle, amounts: Mapping[str, float], strength: float) -> SingingStyle:
    values = {field.name: getattr(style, field.name) for field in fields(style)}
    for name, amount in amounts.items():
        values[name] += amount * strength
    return bounded(**values)


def blend(weighted: Sequence[tuple[SingingStyle, float]]) -> SingingStyle:
    """The weighted mean; switches follow the majority of the weight. Raises ValueError without positive weight."""
    total = sum(weight for _, weight in weighted)
    if total <= 0:
        raise ValueError(f"the weights of {len(weighted)} styles sum to {total}; they need a positive sum")
    shares = [(style, weight / total) for style, weight in weighted]
    values: dict[str, Any] = {name: sum(getattr(style, name) * share for style, share in shares) for name in LIMITS}
    values |= {name: sum(share for style, share in shares if getattr(style, name)) > 0.5 for name in _SWITCHES}
    pitched = [(style.comfort_pitch, share) for style, share in shares if style.comfort_pitch is not None]
    if pitched:
        reach = sum(share for _, share in pitched)
        values["comfort_pitch"] = sum(pitch * share for pitch, share in pitched) / reach
    return bounded(**values)


@dataclass(frozen=True)
class Member:
    """One singer of a choir or of a double: its own style and its own seed."""

    style: SingingStyle
    seed: int


def members(style: SingingStyle, count: int, seed: int) -> tuple[Member, ...]:
    """``count`` singers around a style, each with its own pitch, delay, timing, vibrato and seed.

    Each member depends on the seed and its own number alone, so a larger choir holds the smaller one. Members sing
    less from themselves than a lead does: less vibrato, scoop and fall. Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f"count {count} of choir members is below 0")
    return tuple(_member(style, number, seed) for number in range(count))


def _member(style: SingingStyle, number: int, seed: int) -> Member:
    rng = np.random.default_rng([seed, _MEMBER_STREAM, number])
    detune, delay, rate, effort = rng.standard_normal(4)
    side = 1 if number % 2 else -1  # so that two doubles lie on either side of the lead
    own = {field.name: getattr(style, field.name) for field in fields(style)} | {
        "detune_cents": style.detune_cents + side * (MEMBER_DETUNE_CENTS[0] + MEMBER_DETUNE_CENTS[1] * abs(detune)),
        "delay_s": style.delay_s + MEMBER_DELAY_S[0] + MEMBER_DELAY_S[1] * abs(delay),
        "timing_spread_s": style.timing_spread_s + MEMBER_TIMING_S,
        "vibrato_depth": 0.7 * style.vibrato_depth,
        "vibrato_rate_hz": style.vibrato_rate_hz + 0.25 * rate,
        "scoop": 0.6 * style.scoop,
        "fall": 0.3 * style.fall,
        "effort": style.effort + 0.05 * effort,
    }
    return Member(bounded(**own), int(rng.integers(2**32)))


def with_comfort(style: SingingStyle, lowest: float, highest: float) -> SingingStyle:
    """The style for a voice whose comfortable range is given in MIDI pitches; a set comfort pitch stays."""
    if style.comfort_pitch is not None:
        return style
    return replace(style, comfort_pitch=lowest + 0.5 * (highest - lowest))
