"""All numbers of one mix, decided once and kept: what an edit changes and what a recipe holds.

>>> mix = mix.adjusted("lead-flute", fader_db=-3.0).with_fades(0.0, 2.0)  # doctest: +SKIP
>>> assert Mix.from_dict(mix.to_dict()) == mix  # doctest: +SKIP

Nothing here is measured again: levels, thresholds and gains are absolute, and each player keeps its place and its
noise whoever comes or goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from noisician.errors import FileError, RequestError
from noisician.mix.drive import Drive
from noisician.mix.dynamics import Compression, Deesser
from noisician.mix.filters import Band
from noisician.mix.mastering import Finish
from noisician.mix.plan import PAN_LIMIT, StemPlan
from noisician.mix.settings import MixSettings
from noisician.mix.space import Room
from noisician.mix.vocals import VocalChain, VoiceLevels
from noisician.unknown_keys import grafted, missing

WHOLE_ENGINE = 1  #: the first arithmetic: its curves remember the whole piece, so all is decided anew each time
ENGINE = 2  #: the newest: local, so that its numbers can be kept and an edit is heard within a known reach
FADER_RANGE_DB = (-60.0, 24.0)
SEND_RANGE = (0.0, 2.0)


@dataclass(frozen=True)
class Strip:
    """One player's channel strip. ``key`` names the player in the piece; ``gain_db`` was decided from its loudness,
    ``fader_db`` is what somebody moved it by since. A voice has ``levels``, which its thresholds count from; a driven
    player's stage counts from ``drive_peak``.
    """

    key: str
    place: StemPlan
    gain_db: float
    fader_db: float = 0.0
    muted: bool = False
    levels: VoiceLevels | None = None
    drive_peak: float = 0.0


@dataclass(frozen=True)
class MasterNumbers:
    """What the master decided. ``reference_db`` brings the sum to the level that the colour is set for, ``glue_power``
    is the mean square (full scale 1) of the loud parts, from which the bus compressor's threshold counts,
    ``automation_energy`` the sections' energy that stays at 0 dB, ``makeup_db`` what leads to the loudness asked for.
    """

    reference_db: float
    glue_power: float
    automation_energy: float
    makeup_db: float


@dataclass(frozen=True)
class Mix:
    """A whole mix. ``strips`` are summed in this order; ``echo_repeats`` says how often an echo comes back.

    ``unknown`` is what a newer version wrote and this one does not know; it is written back as it was.
    """

    strips: tuple[Strip, ...]
    settings: MixSettings
    room: Room
    voice_room: Room
    seed: int
    finish: Finish
    echo_repeats: int
    master: MasterNumbers
    engine: int = ENGINE
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def strip(self, key: str) -> Strip:
        """The strip of a player. Raises :class:`RequestError` when there is none."""
        for strip in self.strips:
            if strip.key == key:
                return strip
        raise RequestError(f"no player {key!r} in the mix; it has {' '.join(strip.key for strip in self.strips)}")

    def adjusted(
        self,
        key: str,
        *,
        fader_db: float | None = None,
        pan: float | None = None,
        reverb_send: float | None = None,
        delay_send: float | None = None,
        muted: bool | None = None,
    ) -> Mix:
        """The mix with a player's own numbers changed; what is None stays.

        ``pan`` runs from −1 left to 1 right (and is kept within ``PAN_LIMIT``); sends are linear. Raises
        :class:`RequestError` for a player who is not there or a number out of range.
        """
        for name, value, limits in (
            ("fader_db", fader_db, FADER_RANGE_DB),
            ("pan", pan, (-1.0, 1.0)),
            ("reverb_send", reverb_send, SEND_RANGE),
            ("delay_send", delay_send, SEND_RANGE),
        ):
            if value is not None and not limits[0] <= value <= limits[1]:
                raise RequestError(f"{name} {value:g} of {key}; must lie between {limits[0]:g} and {limits[1]:g}")
        strip = self.strip(key)
        if pan is not None:
            pan = min(max(pan, -PAN_LIMIT), PAN_LIMIT)
        place = {"pan": pan, "reverb_send": reverb_send, "delay_send": delay_send}
        own = {"fader_db": fader_db, "muted": muted}
        changed = replace(
            strip,
            place=replace(strip.place, **{name: value for name, value in place.items() if value is not None}),
            **{name: value for name, value in own.items() if value is not None},  # pyright: ignore[reportArgumentType]
        )
        return replace(self, strips=tuple(changed if each is strip else each for each in self.strips))

    def with_player(self, strip: Strip) -> Mix:
        """The mix with one more player, summed last; all others keep their numbers."""
        if any(strip.key == each.key for each in self.strips):
            raise RequestError(f"player {strip.key!r} is in the mix already; name the new one otherwise")
        return replace(self, strips=(*self.strips, strip))

    def without(self, key: str) -> Mix:
        """The mix without a player; all others keep their numbers."""
        gone = self.strip(key)
        return replace(self, strips=tuple(each for each in self.strips if each is not gone))

    def with_fades(self, fade_in_s: float, fade_out_s: float) -> Mix:
        """The mix with other fades; a loop has none. Raises :class:`RequestError` for negative seconds."""
        if min(fade_in_s, fade_out_s) < 0:
            raise RequestError(f"fades of {fade_in_s:g} s and {fade_out_s:g} s; none may be negative")
        return replace(self, finish=replace(self.finish, fade_in_s=fade_in_s, fade_out_s=fade_out_s))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the strips by their keys, in order."""
        strips = {strip.key for strip in self.strips}
        theirs = {key: kept for key, kept in self.unknown.get("strips", {}).items() if key in strips}
        return grafted(_plain(self), {**self.unknown, "strips": theirs})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Mix:
        """The mix that :meth:`to_dict` wrote. Raises :class:`FileError` for a broken one or of a newer engine."""
        try:
            mix = cls(
                strips=tuple(_strip(key, entry) for key, entry in data["strips"].items()),
                settings=_settings(data["settings"]),
                room=Room.from_data(data["room"]),
                voice_room=Room.from_data(data["voice_room"]),
                seed=data["seed"],
                finish=_known(Finish, data["finish"]),
                echo_repeats=data["echo_repeats"],
                master=_known(MasterNumbers, data["master"]),
                engine=data["engine"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as broken:
            raise FileError(f"the recipe's mix is incomplete ({broken!r}); it was cut or edited") from broken
        if mix.engine != ENGINE:
            raise FileError(
                f"the recipe's mix is of engine {mix.engine}; this version has {ENGINE}, so update noisician"
            )
        return replace(mix, unknown=missing(data, _plain(mix)))


def _plain(mix: Mix) -> dict[str, Any]:
    fields = asdict(replace(mix, unknown={}))
    fields.pop("unknown")
    for balance in ("towards_db", "balance_db"):
        numbers = fields["settings"].pop(balance)
        if numbers:
            fields["settings"][balance] = list(numbers)
    fields["strips"] = {strip.pop("key"): strip for strip in fields["strips"]}
    for strip in fields["strips"].values():
        strip["place"]["bands"] = list(strip["place"]["bands"])
        strip["place"]["pieces"] = [list(piece) for piece in strip["place"]["pieces"]]
    for room in ("room", "voice_room"):
        fields[room] = {name: list(v) if isinstance(v, tuple) else v for name, v in fields[room].items()}
    return fields


def _known(kind: type, data: Mapping[str, Any]) -> Any:
    """A dataclass from the keys that it has."""
    return kind(**{name: data[name] for name in kind.__dataclass_fields__ if name in data})


def _settings(data: Mapping[str, Any]) -> MixSettings:
    numbers = {name: tuple(map(float, data[name])) for name in ("towards_db", "balance_db") if name in data}
    return _known(MixSettings, {**data, **numbers})


def _strip(key: str, data: Mapping[str, Any]) -> Strip:
    place = dict(data["place"])
    place["bands"] = tuple(_known(Band, band) for band in place["bands"])
    if place["chain"] is not None:
        chain = place["chain"]
        parts = {"deesser": _known(Deesser, chain["deesser"]), "compression": _known(Compression, chain["compression"])}
        place["chain"] = _known(VocalChain, {**chain, **parts})
    if place.get("drive") is not None:
        place["drive"] = _known(Drive, place["drive"])
    place["pieces"] = tuple((int(key), float(pan)) for key, pan in place.get("pieces", ()))
    levels = None if data["levels"] is None else _known(VoiceLevels, data["levels"])
    return _known(Strip, {**data, "key": key, "place": _known(StemPlan, place), "levels": levels})
