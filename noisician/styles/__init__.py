"""Genres, moods and instruments as data. Adding one is a TOML entry; no code changes.

Prompt, corpus, composer and mix all read the same tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

ROLES = ("lead", "counter", "chords", "pad", "arp", "bass", "drums", "texture", "fx")
PITCHED_ROLES = ("lead", "counter", "chords", "pad", "arp", "bass")
TIMBRE_TAGS = ("bright", "dark", "driven", "lofi")
#: ``Instrument.index`` of instruments that do not ship.
UNLISTED = 999


@cache
def table(name: str) -> Mapping[str, Mapping[str, Any]]:
    """The entries of ``styles/<name>.toml`` in file order, read once. After the genres come those that are based on
    them (``related_genres.toml``), each whole.
    """
    entries = _read(name)
    if name == "genres":
        entries |= {id_: derived(entries[own["based_on"]], own) for id_, own in _read("related_genres").items()}
    return MappingProxyType(entries)


def _read(name: str) -> dict[str, Mapping[str, Any]]:
    return tomllib.loads(files("noisician.styles").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def derived(base: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """A genre of its own words that is its base's in all it does not say itself; ``music`` goes key by key."""
    return {**base, **own, "music": {**base["music"], **own.get("music", {})}}


def base_of(genre: str) -> str:
    """The genre whose place in the trained weights, and whose view in other tables, a genre has: mostly its own."""
    return table("genres").get(genre, {}).get("based_on", genre)


@cache
def learnt_genres() -> tuple[str, ...]:
    """The genres that have a place of their own in the trained weights, in its order."""
    return tuple(id_ for id_, entry in table("genres").items() if "based_on" not in entry)


@dataclass(frozen=True)
class Instrument:
    """One sound: a pitched instrument, a drum kit or a texture. ``index`` is its place among those that ship.

    ``vibrato_cents`` is how far its players swing to either side of the pitch; 0 for those who cannot.
    """

    id: str
    index: int
    name: str
    family: str
    excitation: Literal["harmonic", "drum", "noise"]
    source: Mapping[str, Any]
    sustain: Literal["struck", "plucked", "sustained"]
    polyphonic: bool
    range: tuple[int, int]
    roles: tuple[str, ...]
    synonyms: tuple[str, ...]
    description: str
    vibrato_cents: float = 0.0


def instruments() -> Mapping[str, Instrument]:
    """Every instrument, kit and texture that can be asked for, by id: those that ship, then the user's own."""
    from noisician.styles.own import DEFAULT

    return DEFAULT.all()


@cache
def shipped_instruments() -> Mapping[str, Instrument]:
    """Every instrument, kit and texture that ships, by id, in the order of their file. Training knows no others."""
    return MappingProxyType(
        {
            id_: Instrument(
                id=id_,
                index=index,
                name=entry["name"],
                family=entry["family"],
                excitation=entry["excitation"],
                source=MappingProxyType(entry["source"]),
                sustain=entry["sustain"],
                polyphonic=entry["polyphonic"],
                range=(entry["range"][0], entry["range"][1]),
                roles=tuple(entry["roles"]),
                synonyms=tuple(entry["synonyms"]),
                description=entry["description"],
                vibrato_cents=entry.get("vibrato_cents", 0.0),
            )
            for index, (id_, entry) in enumerate(table("instruments").items())
        }
    )
