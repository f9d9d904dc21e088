"""Who stands where, how loud and in which room: decided once from data, before any sound exists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noisician.errors import RequestError
from noisician.mix.filters import Band
from noisician.mix.settings import MixSettings, mix_settings
from noisician.mix.space import Room
from noisician.styles import instruments, table

WIDTH_LIMIT = 0.75  # of the side beside the mid; more would cost over 1 dB in mono


@dataclass(frozen=True)
class StemPlan:
    """One stem's place. ``reverb_send`` and ``delay_send`` are linear, ``pan`` runs from −1 left to 1 right."""

    role: str
    instrument: str
    level_lufs: float
    bands: tuple[Band, ...]
    pan: float
    width: float
    width_from_hz: float
    reverb_send: float
    delay_send: float
    sidechain_db: float
    chorus_ms: float = 0.0


@dataclass(frozen=True)
class MixPlan:
    """A whole mix before the first sample: one plan a stem, in the roster's order, and what they share."""

    stems: tuple[StemPlan, ...]
    settings: MixSettings
    room: Room


def plan_mix(
    roster: Sequence[tuple[str, str]],
    genres: Iterable[tuple[str, float]] = (),
    moods: Iterable[tuple[str, float]] = (),
    production: Iterable[str] = (),
) -> MixPlan:
    """The mix for a roster of (role, instrument) in a style; genres and moods are (id, weight).

    Raises :class:`RequestError` for a role or instrument that no table knows.
    """
    settings = mix_settings(genres, moods, production)
    data = table("mix")
    placed = [_placement(role, instrument, data) for role, instrument in roster]
    pans = _stage([float(entry["pan"]) for entry in placed])
    stems = tuple(
        _stem_plan(role, instrument, entry, pan, settings)
        for (role, instrument), entry, pan in zip(roster, placed, pans, strict=True)
    )
    return MixPlan(stems, settings, Room.from_data(data["rooms"][settings.room]))


def _placement(role: str, instrument: str, data: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Role, then family, then instrument: later entries win, bands add up, an instrument's own replace all."""
    if role not in data["roles"]:
        raise RequestError(f"role {role!r} has no place in a mix; known: {' '.join(data['roles'])}")
    if instrument not in instruments():
        raise RequestError(f"instrument {instrument!r} is not one of `noisician styles`; check its spelling")
    entry = dict(data["roles"][role])
    family = data["families"].get(instruments()[instrument].family, {})
    entry["level_lufs"] += family.get("level_db", 0.0)
    entry["bands"] = [*entry["bands"], *family.get("bands", ())]
    return entry | data["instruments"].get(instrument, {})


def _stage(distances: Sequence[float]) -> list[float]:
    """Signed pans from distances to the centre: each goes to the lighter side, so doubles stand opposed.

    The second of two equal distances mirrors the first; a third stands half as far again outside.
    """
    balance = 0.0
    seen: dict[float, int] = {}
    pans = []
    for distance in distances:
        count = seen.get(distance, 0)
        seen[distance] = count + 1
        reach = min(distance * (1 + 0.5 * (count // 2)), 0.8)
        pan = -reach if balance > 0 else reach
        balance += pan
        pans.append(pan)
    return pans


def _stem_plan(role: str, instrument: str, entry: Mapping[str, Any], pan: float, settings: MixSettings) -> StemPlan:
    return StemPlan(
        role=role,
        instrument=instrument,
        level_lufs=entry["level_lufs"] + settings.levels_db.get(role, 0.0),
        bands=tuple(Band(**band) for band in entry["bands"]),
        pan=pan * min(0.4 + settings.width, 1.3),
        width=min(entry["width"] * settings.width, WIDTH_LIMIT),
        width_from_hz=entry["width_from_hz"],
        reverb_send=entry["reverb"] * settings.reverb,
        delay_send=entry["delay"] * settings.delay,
        sidechain_db=2.0 * entry["sidechain_db"] * settings.sidechain,
        chorus_ms=entry.get("chorus_ms", 0.0),
    )
