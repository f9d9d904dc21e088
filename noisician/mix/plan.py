"""Who stands where, how loud and in which room: decided once from data, before any sound exists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from noisician.errors import RequestError
from noisician.mix.drive import Drive
from noisician.mix.filters import Band
from noisician.mix.settings import MixSettings, SoundsLike, mix_settings
from noisician.mix.space import Room
from noisician.mix.vocals import VocalChain
from noisician.score.model import VOICE
from noisician.styles import instruments, table

WIDTH_LIMIT = 0.75  # of the side beside the mid; more would cost over 1 dB in mono
PAN_LIMIT = 0.85
#: The role, in a mix, of a stem that holds several parts: a pianist's two hands.
SEVERAL_PARTS = "hands"
_VOICE_STREAM = 1 << 16  # voices' noise, far from the players', whom they shall not renumber


@dataclass(frozen=True)
class StemPlan:
    """One stem's place. ``reverb_send`` and ``delay_send`` are linear, ``pan`` runs from −1 left to 1 right.

    ``stream`` names the stem's decorrelating noise. A stem with a ``chain`` is sung: while one that ``leads`` sings,
    the others lower the voice's range by their ``give_way_db``. ``drive`` comes before all else. ``pieces`` of a kit
    are (key, pan) of those that do not stand in the middle of it.
    """

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
    stream: int = 0
    give_way_db: float = 0.0
    chain: VocalChain | None = None
    leads: bool = False
    drive: Drive | None = None
    pieces: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class MixPlan:
    """A whole mix before the first sample: one plan a stem, in the roster's order, and what they share."""

    stems: tuple[StemPlan, ...]
    settings: MixSettings
    room: Room
    voice_room: Room


def plan_mix(
    roster: Sequence[tuple[str, str]],
    genres: Iterable[tuple[str, float]] = (),
    moods: Iterable[tuple[str, float]] = (),
    production: Iterable[str] = (),
    timbre_tags: Sequence[Sequence[str]] = (),
    like: SoundsLike | None = None,
) -> MixPlan:
    """The mix for a roster of (role, instrument) in a style; genres and moods are (id, weight).

    It comes near to how ``like`` sounds.

    Sung parts (the mix table's ``sung`` roles) have the instrument ``"voice"`` and stand before all others, because
    the players give way to them. The players' places are the same with and without them. ``timbre_tags`` are those of
    each stem of the roster; left out, nobody has any.

    Raises :class:`RequestError` for a role or instrument that no table knows, or a voice behind a player.
    """
    settings = mix_settings(genres, moods, production)
    if like is not None:
        settings = settings.like(like)
    data = table("mix")
    voices = sum(role in data["sung"] for role, _ in roster)
    for role, instrument in roster[voices:]:
        if role in data["sung"]:
            raise RequestError(f"{role}, {instrument} comes after a player in the roster; sung parts come first")
    tags = timbre_tags or [()] * len(roster)
    players = _players(roster[voices:], tags[voices:], settings, data)
    stems = (*_voices(roster[:voices], _voice_lufs(players, settings, data), settings, data), *players)
    room, voice_room = (Room.from_data(data["rooms"][name]) for name in (settings.room, settings.voice_room))
    return MixPlan(stems, settings, room, voice_room)


def _players(
    roster: Sequence[tuple[str, str]],
    tags: Sequence[Sequence[str]],
    settings: MixSettings,
    data: Mapping[str, Mapping[str, Any]],
) -> list[StemPlan]:
    placed = [
        _placement(role, instrument, data, own, settings.amps)
        for (role, instrument), own in zip(roster, tags, strict=True)
    ]
    pans = _stage([float(entry["pan"]) for entry in placed])
    return [
        replace(_stem_plan(role, instrument, entry, pan, settings), stream=stream)
        for stream, ((role, instrument), entry, pan) in enumerate(zip(roster, placed, pans, strict=True))
    ]


def _voices(
    roster: Sequence[tuple[str, str]], voice_lufs: float, settings: MixSettings, data: Mapping[str, Mapping[str, Any]]
) -> list[StemPlan]:
    """Plans of sung parts, whose levels count from ``voice_lufs``."""
    for role, instrument in roster:
        if instrument != VOICE:
            raise RequestError(f"{role} is sung, but its instrument is {instrument!r}; it must be {VOICE!r}")
    placed = [data["sung"][role] for role, _ in roster]
    pans = _stage([float(entry["pan"]) for entry in placed])
    return [
        _voice_plan(role, entry, pan, _VOICE_STREAM + number, voice_lufs, settings)
        for number, ((role, _), entry, pan) in enumerate(zip(roster, placed, pans, strict=True))
    ]


def _voice_plan(
    role: str, entry: Mapping[str, Any], pan: float, stream: int, voice_lufs: float, settings: MixSettings
) -> StemPlan:
    return replace(
        _stem_plan(role, VOICE, {**entry, "level_lufs": voice_lufs + entry["level_db"]}, pan, settings),
        stream=stream,
        chain=VocalChain.from_data(table("mix")["chains"][entry["chain"]]),
        leads=entry["leads"],
    )


def _voice_lufs(players: Sequence[StemPlan], settings: MixSettings, data: Mapping[str, Mapping[str, Any]]) -> float:
    """Where a lead voice stands: over all players together."""
    band = sum(10 ** (stem.level_lufs / 10) for stem in players)
    band_lufs = 10 * float(np.log10(band)) + data["voice"]["over_band_lu"] if band > 0 else -np.inf
    return max(data["voice"]["least_lufs"], band_lufs) + settings.levels_db.get(VOICE, 0.0)


def _placement(
    role: str,
    instrument: str,
    data: Mapping[str, Mapping[str, Any]],
    timbre_tags: Sequence[str] = (),
    amps: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Role, then family, then instrument: later entries win, bands add up, an instrument's own replace all.

    The bands of its amplifier (the style's in ``amps``, else its own) and of timbre tags come on top.
    """
    if role not in data["roles"]:
        known = " ".join([*data["roles"], *data["sung"]])
        raise RequestError(f"role {role!r} has no place in a mix; known: {known}")
    if instrument not in instruments():
        raise RequestError(f"instrument {instrument!r} is not one of `noisician styles`; check its spelling")
    entry = dict(data["roles"][role])
    family = data["families"].get(instruments()[instrument].family, {})
    entry["level_lufs"] += family.get("level_db", 0.0)
    entry["bands"] = [*entry["bands"], *family.get("bands", ())]
    entry |= data["instruments"].get(instrument, {})
    amp = amps.get(instrument, entry.get("amp"))
    treatments = [data["amps"][amp]] if amp else []
    for treatment in [*treatments, *(data["timbre_tags"][tag] for tag in timbre_tags)]:
        entry |= {"bands": [*entry["bands"], *treatment["bands"]]}
        entry |= {"drive": treatment["drive"]} if "drive" in treatment else {}
    return entry


def _stage(distances: Sequence[float]) -> list[float]:
    """Signed pans from distances to the centre: each goes to the lighter side, so doubles stand opposed.

    The second of two equal distances mirrors the first; a third stands half as far again outside.
    """
    pans: list[float] = []
    for number, distance in enumerate(distances):
        pans.append(_pan(distance, sum(pans), distances[:number].count(distance)))
    return pans


def _pan(distance: float, balance: float, same: int) -> float:
    """The pan of one more on a stage of this balance, where as many stand at the ``same`` distance already."""
    reach = min(distance * (1 + 0.5 * (same // 2)), 0.8)
    return -reach if balance > 0 else reach


def later_place(
    places: Sequence[StemPlan], role: str, instrument: str, settings: MixSettings, timbre_tags: Sequence[str] = ()
) -> StemPlan:
    """The place of one more player or voice on a stage where all others keep theirs.

    Raises :class:`RequestError` for a role or instrument that no table knows.
    """
    data = table("mix")
    sung = role in data["sung"]
    group = [place for place in places if (place.role in data["sung"]) == sung]
    entries = [data["sung"][place.role] if sung else _placement(place.role, place.instrument, data) for place in group]
    entry = data["sung"][role] if sung else _placement(role, instrument, data, timbre_tags, settings.amps)
    balance = sum(place.pan for place in group)
    pan = _pan(float(entry["pan"]), balance, [float(each["pan"]) for each in entries].count(float(entry["pan"])))
    stream = max((place.stream + 1 for place in group), default=_VOICE_STREAM if sung else 0)
    if not sung:
        return replace(_stem_plan(role, instrument, entry, pan, settings), stream=stream)
    players = [place for place in places if place.role not in data["sung"]]
    return _voice_plan(role, entry, pan, stream, _voice_lufs(players, settings, data), settings)


def _stem_plan(role: str, instrument: str, entry: Mapping[str, Any], pan: float, settings: MixSettings) -> StemPlan:
    return StemPlan(
        role=role,
        instrument=instrument,
        level_lufs=entry["level_lufs"] + settings.levels_db.get(role, 0.0),
        bands=tuple(Band(**band) for band in entry["bands"]),
        pan=float(np.clip(pan * _spread(settings), -PAN_LIMIT, PAN_LIMIT)),
        width=min(entry["width"] * settings.width, WIDTH_LIMIT),
        width_from_hz=entry["width_from_hz"],
        reverb_send=entry["reverb"] * settings.reverb,
        delay_send=entry["delay"] * settings.delay,
        sidechain_db=2.0 * entry["sidechain_db"] * settings.sidechain,
        chorus_ms=entry.get("chorus_ms", 0.0),
        give_way_db=entry.get("give_way_db", 0.0),
        drive=Drive(**entry["drive"]) if "drive" in entry else None,
        pieces=_pieces(entry.get("pieces", 0.0), settings),
    )


def kit_pieces(instrument: str, settings: MixSettings) -> tuple[tuple[int, float], ...]:
    """Where the pieces of a kit stand that plays the drums, as :class:`StemPlan` has them."""
    return _pieces(_placement("drums", instrument, table("mix"))["pieces"], settings)


def _pieces(share: float, settings: MixSettings) -> tuple[tuple[int, float], ...]:
    """The table's places, drawn together to a ``share`` of them and by the style's width."""
    if not share:
        return ()
    scale = share * _spread(settings)
    pans = {key: scale * entry["pan"] for entry in table("mix")["pieces"].values() for key in entry["keys"]}
    return tuple((key, round(float(np.clip(pan, -PAN_LIMIT, PAN_LIMIT)), 3)) for key, pan in sorted(pans.items()))


def _spread(settings: MixSettings) -> float:
    """How far apart a style places who is panned."""
    return min(0.4 + settings.width, 1.3)
