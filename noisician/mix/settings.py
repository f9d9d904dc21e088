"""From genre, mood and production words to the numbers of one mix, all read from the style tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from noisician.styles import base_of, table

OPEN_HZ = 20000.0
GENRE_WORD_STRENGTH = 0.4  # a genre's amounts already say most of what its production words do
MOOD_WORD_STRENGTH = 0.6
#: The share of the sides and the range of loudness that tracks have on the mean, and how much range is all of the glue.
USUAL_WIDTH, USUAL_RANGE_LU, GLUE_LU = 0.1, 6.0, 12.0
LIMITS: dict[str, tuple[float, float]] = {
    "reverb": (0.0, 1.4),
    "delay": (0.0, 1.5),
    "sidechain": (0.0, 1.0),
    "width": (0.0, 1.4),
    "warmth": (0.0, 1.0),
    "saturation": (0.0, 1.0),
    "lofi": (0.0, 1.0),
    "tilt_db": (-5.0, 4.0),
    "glue": (0.0, 1.0),
    "delay_beats": (0.25, 2.0),
    "automation_db": (0.0, 12.0),
}


@dataclass(frozen=True)
class MixSettings:
    """The character of a mix. Amounts run from 0 (none) to about 1 (much); ``amps`` are amplifiers by instrument, where
    they are other than its own. ``towards_db`` is the balance of octaves that the master comes near, () for its own;
    ``balance_db`` are the equaliser's gains that lead there, decided with the master."""

    reverb: float
    delay: float
    sidechain: float
    width: float
    warmth: float
    saturation: float
    lofi: float
    tilt_db: float
    glue: float
    delay_beats: float
    automation_db: float
    room: str = "room"
    voice_room: str = "plate"
    lowpass_hz: float = OPEN_HZ
    levels_db: Mapping[str, float] = field(default_factory=dict)
    amps: Mapping[str, str] = field(default_factory=dict)
    towards_db: tuple[float, ...] = ()
    balance_db: tuple[float, ...] = ()

    def like(self, reference: SoundsLike) -> MixSettings:
        """The same, nearer to how a reference sounds."""
        low, high = LIMITS["width"]
        width = self.width * (max(reference.width, 0.0) / USUAL_WIDTH) ** 0.3
        low_glue, high_glue = LIMITS["glue"]
        glue = self.glue + (USUAL_RANGE_LU - reference.range_lu) / GLUE_LU
        return replace(
            self,
            width=min(max(width, low), high),
            glue=min(max(glue, low_glue), high_glue),
            towards_db=reference.balance_db,
        )


@dataclass(frozen=True)
class SoundsLike:
    """How a recording sounds that a mix is to come near: the level of each octave (``analysis.sound.OCTAVES_HZ``)
    against the whole, the share of the sides in its energy, how far loud moments lie over quiet ones, its loudness."""

    balance_db: tuple[float, ...]
    width: float
    range_lu: float
    loudness_lufs: float


def _blend(entries: Sequence[tuple[Mapping[str, Any], float]], base: Mapping[str, float]) -> dict[str, float]:
    """Mean of each amount by share; an entry silent about one counts with the base value."""
    if not entries:
        return dict(base)
    return {
        name: sum(float(entry.get(name, default)) * share for entry, share in entries) for name, default in base.items()
    }


def _bend(amounts: dict[str, float], entry: Mapping[str, Any], strength: float) -> dict[str, float]:
    """What a production word of some strength (0 … 1) makes of the amounts."""
    bent = dict(amounts)
    for name, factor in entry.get("scale", {}).items():
        bent[name] *= factor**strength
    for name, amount in entry.get("add", {}).items():
        bent[name] += amount * strength
    return bent


def _shares(weighted: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Weights as shares of their sum."""
    positive = {name: weight for name, weight in weighted if weight > 0}
    total = sum(positive.values())
    return {name: weight / total for name, weight in positive.items()}


def _strengths(genres: Mapping[str, float], moods: Mapping[str, float], production: Iterable[str]) -> dict[str, float]:
    """How strongly each production word applies: fully if asked for, less if only a style brings it along."""
    strengths: dict[str, float] = {}
    for shares, styles, strength in (
        (genres, table("genres"), GENRE_WORD_STRENGTH),
        (moods, table("moods"), MOOD_WORD_STRENGTH),
    ):
        for name, share in shares.items():
            for tag in styles.get(name, {}).get("production", ()):
                strengths[tag] = max(strengths.get(tag, 0.0), strength * share)
    strengths |= dict.fromkeys(production, 1.0)
    known = table("mix")["production"]
    return {tag: strengths[tag] for tag in known if tag in strengths}


def mix_settings(
    genres: Iterable[tuple[str, float]] = (),
    moods: Iterable[tuple[str, float]] = (),
    production: Iterable[str] = (),
) -> MixSettings:
    """Blends weighted genres, then lets production words, asked for or implied by styles, bend the result.

    A genre's own ``mix`` entry wins over the mix table's view of it, and that over the defaults. Names that no
    table knows change nothing: :mod:`noisician.prompt` has already named them to the user.
    """
    ours = table("mix")
    genre_shares, mood_shares = _shares(genres), _shares(moods)
    entries = [
        ({**ours["genres"].get(base_of(name), {}), **table("genres").get(name, {}).get("mix", {})}, share)
        for name, share in genre_shares.items()
    ]
    amounts = _blend(entries, ours["defaults"]["mix"])
    levels: dict[str, float] = {}
    words = [
        (ours["production"][tag], strength)
        for tag, strength in _strengths(genre_shares, mood_shares, production).items()
    ]
    for entry, strength in words:
        amounts = _bend(amounts, entry, strength)
    lowpass_hz = OPEN_HZ
    for entry, strength in [*entries, *words]:
        closing = entry.get("lowpass_hz", OPEN_HZ) / OPEN_HZ
        lowpass_hz = min(lowpass_hz, OPEN_HZ * closing**strength)
        for role, level_db in entry.get("levels_db", {}).items():
            levels[role] = levels.get(role, 0.0) + strength * level_db
    heaviest = max(entries, key=lambda pair: pair[1], default=({}, 0.0))[0]
    limited = {name: min(max(amounts[name], low), high) for name, (low, high) in LIMITS.items()}
    rooms = {name: heaviest[name] for name in ("room", "voice_room") if name in heaviest}
    amps = dict(heaviest.get("amps", {}))
    return MixSettings(**limited, **rooms, lowpass_hz=lowpass_hz, levels_db=levels, amps=amps)
