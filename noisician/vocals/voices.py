"""Named voices: mixtures of the synthetic speakers with another vocal tract length, a range and habits."""

from __future__ import annotations

import difflib
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np

from noisician.errors import RequestError
from noisician.vocals.frames import SPEAKERS
from noisician.vocals.style import SingingStyle, bounded, with_comfort

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]


@dataclass(frozen=True)
class Voice:
    """``mixture`` holds a weight for each of SPEAKERS and sums to 1; ``warp`` is the logarithm of the formant factor.

    ``range`` is the lowest and highest comfortable MIDI pitch, ``habits`` what the singer adds to any style.
    """

    id: str
    kind: str
    description: str
    mixture: tuple[float, ...]
    warp: float
    range: tuple[int, int]
    habits: Mapping[str, float]

    @property
    def mixture_array(self) -> np.ndarray:
        """Float32 ``[len(SPEAKERS)]``."""
        return np.array(self.mixture, np.float32)

    @property
    def style(self) -> SingingStyle:
        """How this voice sings when nothing else is asked for."""
        return self.sings(SingingStyle())

    def sings(self, style: SingingStyle) -> SingingStyle:
        """A style as this voice sings it: with its habits, at ease in the middle of its range.

        What the style has switched off (0) stays off.
        """
        values = {field.name: getattr(style, field.name) for field in fields(style)}
        for name, amount in self.habits.items():
            values[name] += amount if values[name] else 0.0
        return with_comfort(bounded(**values), *self.range)


@cache
def voices() -> Mapping[str, Voice]:
    """Every named voice in file order."""
    text = files("noisician.vocals").joinpath("voices.toml").read_text(encoding="utf-8")
    return MappingProxyType({id_: _voice(id_, entry) for id_, entry in tomllib.loads(text).items()})


def _voice(id_: str, entry: Mapping[str, Any]) -> Voice:
    weights = np.array([float(entry["mixture"].get(speaker, 0.0)) for speaker in SPEAKERS])
    return Voice(
        id=id_,
        kind=entry["kind"],
        description=entry["description"],
        mixture=tuple(map(float, weights / weights.sum())),
        warp=math.log(entry["formants"]),
        range=(entry["range"][0], entry["range"][1]),
        habits=MappingProxyType(entry.get("style", {})),
    )


def parse_voice(text: str) -> Voice:
    """``"ava"``, or voices with weights: ``"ava:0.6,tom:0.4"``; a weight left out is 1.

    Raises RequestError for an unknown voice (with the close ones), a voice named twice, or a weight that is not a
    number above 0.
    """
    weighted: dict[str, float] = {}
    for part in text.split(","):
        name, colon, weight = part.partition(":")
        name = name.strip().lower()
        if name not in voices():
            raise RequestError(_unknown(name))
        if name in weighted:
            raise RequestError(f"voice {name} is named twice in {text!r}; give each voice one weight")
        weighted[name] = _weight(name, weight) if colon else 1.0
    return blend_voices([(voices()[name], weight) for name, weight in weighted.items()])


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, voices(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {' '.join(voices())}"
    return f"unknown voice {name[:40]!r}; {hint}"


def _weight(name: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not (0 < weight < math.inf):
        raise RequestError(f"weight {text.strip()[:40]!r} of voice {name} is not a number above 0")
    return weight


def blend_voices(weighted: Sequence[tuple[Voice, float]]) -> Voice:
    """One voice between several: mixture, tract length, range and habits are their weighted means.

    A single voice comes back as it is. Raises ValueError for no voice.
    """
    if not weighted:
        raise ValueError("a blend needs at least one voice")
    if len(weighted) == 1:
        return weighted[0][0]
    total = sum(weight for _, weight in weighted)
    shares = [(voice, weight / total) for voice, weight in weighted]
    habits: dict[str, float] = {}
    for voice, share in shares:
        for name, amount in voice.habits.items():
            habits[name] = habits.get(name, 0.0) + share * amount
    leader = max(shares, key=lambda entry: entry[1])[0]
    mixture = sum(np.array(voice.mixture) * share for voice, share in shares)
    return replace(
        leader,
        id=",".join(f"{voice.id}:{share:.3g}" for voice, share in shares),
        description=" with ".join(voice.id for voice, _ in shares),
        mixture=tuple(map(float, np.asarray(mixture))),
        warp=sum(voice.warp * share for voice, share in shares),
        range=(
            round(sum(voice.range[0] * share for voice, share in shares)),
            round(sum(voice.range[1] * share for voice, share in shares)),
        ),
        habits=MappingProxyType(habits),
    )


def choose_voice(named: str | None, kind: str | None, seed: int) -> Voice:
    """The voice that is named, else one of a kind (a woman's or a man's where nobody says), drawn by the seed.

    Raises RequestError as :func:`parse_voice`.
    """
    if named is not None:
        return parse_voice(named)
    able = [voice for voice in voices().values() if voice.kind == kind]
    able = able or [voice for voice in voices().values() if voice.kind in ("female", "male")]
    return able[zlib.crc32(f"{seed}/voice".encode()) % len(able)]
