"""The checkpoints noisician knows by name, as data: where they live, under which licence, what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from noisician.request import Feature

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

UNKNOWN_LICENCE = "not stated"
#: What every checkpoint has besides its family's own: how it samples and where it runs can be chosen.
COMMON_FEATURES: frozenset[Feature] = frozenset({"preset", "device"})


@dataclass(frozen=True)
class CheckpointInfo:
    """One checkpoint before it is loaded.

    ``hub_id`` None: there is no repository in diffusers' format, or it is a local folder. ``restricted``: the licence
    limits what may be done with the weights or the music. ``gated``: its page asks for consent before a download.
    ``size_gb`` is the download in 10⁹ bytes. ``features``, ``duration_range_s`` (one call) and ``sample_rate_hz`` are
    what the list says without loading; the loaded checkpoint knows better. ``note`` is how to get it, where that
    is unusual.
    """

    name: str
    family: str
    hub_id: str | None
    licence: str
    licence_url: str | None
    restricted: bool
    gated: bool
    size_gb: float | None
    features: frozenset[Feature] = frozenset()
    duration_range_s: tuple[float, float] | None = None
    sample_rate_hz: int | None = None
    note: str = ""


@cache
def catalogue() -> Mapping[str, CheckpointInfo]:
    """Name → checkpoint in the order of the file, read once."""
    text = files("noisician.models.checkpoints").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: _info(name, entry) for name, entry in tomllib.loads(text).items()})


def _info(name: str, entry: Mapping[str, object]) -> CheckpointInfo:
    values = dict(entry)
    for field, kind in (("features", frozenset), ("duration_range_s", tuple)):
        values[field] = kind(values[field])  # pyright: ignore[reportArgumentType, reportCallIssue]
    return CheckpointInfo(name=name, **({"hub_id": None, "licence_url": None, "size_gb": None} | values))  # pyright: ignore[reportArgumentType]


def by_hub_id(hub_id: str) -> CheckpointInfo | None:
    """The known checkpoint of a hub repository."""
    return next((info for info in catalogue().values() if info.hub_id == hub_id), None)


def with_feature(feature: Feature) -> tuple[str, ...]:
    """The names of the known checkpoints that have ``feature``; ways of running them every one has."""
    everywhere = feature in COMMON_FEATURES
    return tuple(name for name, info in catalogue().items() if everywhere or feature in info.features)
