"""The user's own instruments on disk: added whole or not at all, listed, read, removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from noisician.errors import FileError, RequestError
from noisician.folders import instruments_folder
from noisician.instruments.learn import learn
from noisician.instruments.sources import Handed, read_sources
from noisician.renderer.references import References, Sustain, read_references, write_references
from noisician.score.model import VOICE
from noisician.styles import ROLES, own, shipped_instruments
from noisician.styles.own import (
    ENTRY_FILE,
    ID_PATTERN,
    MOST_INSTRUMENTS,
    MOST_RIGHTS_CHARS,
    REFERENCES_FILE,
    OwnInstrument,
    Role,
)
from noisician.weights import checksum

#: What is told of an instrument instead of how it decays: it is a kit.
DRUMS = "drums"
KINDS = ("struck", "plucked", "sustained", DRUMS)
#: Written for an instrument are its recorded pitches and so many semitones beyond, at least two octaves in all.
_BEYOND_SEMITONES, _LEAST_RANGE_SEMITONES = 5, 24
_LOWEST_PITCH, _HIGHEST_PITCH = 21, 108
_KIT_RANGE = (35, 81)
#: An instrument whose recordings lie around this key or below plays the bass first.
_BASS_PITCH = 45


@dataclass(frozen=True)
class Added:
    """An instrument that is there now, and what should be told about it."""

    entry: OwnInstrument
    references: References
    remarks: tuple[str, ...]


def add(name: str, sources: Sequence[str], rights: str = "", kind: str | None = None, overwrite: bool = False) -> Added:
    """Makes an instrument of recordings (see :func:`read_sources`) and keeps it under ``name``.

    ``kind`` is one of KINDS; None lets the recordings tell. Raises RequestError for a name or kind that cannot be,
    FileError for what cannot be read or written; nothing is left behind then.
    """
    folder = instruments_folder()
    check_name(name, folder, overwrite)
    if kind is not None and kind not in KINDS:
        raise RequestError(f"kind {kind!r} is none of {', '.join(KINDS)}")
    if len(rights) > MOST_RIGHTS_CHARS:
        raise RequestError(
            f"rights of {len(rights)} characters are over the limit of {MOST_RIGHTS_CHARS}: shorten them"
        )
    handed = read_sources(sources, None if kind is None else kind == DRUMS)
    sustain: Sustain | None = kind if kind in ("struck", "plucked", "sustained") else None  # type: ignore[assignment]
    learnt = learn(handed.takes, sustain)
    if not len(learnt.references):
        raise FileError(f"{handed.names[0]}: nothing in it is loud enough to be heard")
    references = learnt.references
    staged = folder / f".adding-{name}-{os.getpid()}"
    try:
        staged.mkdir(parents=True)
        write_references(staged / REFERENCES_FILE, references)
        entry = _entry(name, references, checksum(staged / REFERENCES_FILE), rights, handed)
        (staged / ENTRY_FILE).write_text(entry.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _put(staged, folder / name)
    except OSError as error:
        raise FileError(f"{folder}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    own.DEFAULT.forget()
    return Added(entry, references, handed.remarks)


def check_name(name: str, folder: Path, overwrite: bool = False) -> None:
    """Raises RequestError for a name that is no id or is taken, FileError for one of the user's own."""
    if not ID_PATTERN.fullmatch(name):
        raise RequestError(f"name {name[:60]!r} is no id; it has 1 to 40 of a-z, 0-9 and _, and begins with a letter")
    shipped = shipped_instruments()
    families = {instrument.family for instrument in shipped.values()}
    if name in shipped or name in families or name in (*ROLES, VOICE, "own"):
        raise RequestError(f"name {name!r} is taken by what ships with noisician; choose another one")
    if (folder / name).exists() and not overwrite:
        raise FileError(f"instrument {name!r} exists already; choose another name, or replace it (--force)")
    if folder.is_dir() and sum(1 for _ in folder.iterdir()) >= MOST_INSTRUMENTS:
        raise RequestError(f"{MOST_INSTRUMENTS} instruments are installed, which is the limit; remove one first")


def named(name: str) -> tuple[OwnInstrument, References]:
    """One of the user's instruments. Raises RequestError where there is none, FileError where it is damaged."""
    place = instruments_folder() / name
    if not ID_PATTERN.fullmatch(name) or not place.is_dir():
        there = ", ".join(listed()[0]) or "none"
        raise RequestError(f"{name!r} is no instrument of your own; there are: {there}")
    return own.read_entry(place), read_references(place / REFERENCES_FILE)


def listed() -> tuple[dict[str, OwnInstrument], tuple[str, ...]]:
    """The user's instruments by id, and a line for each that is damaged."""
    folder = instruments_folder()
    if not folder.is_dir():
        return {}, ()
    damaged = []
    for place in sorted(folder.iterdir()):
        if ID_PATTERN.fullmatch(place.name):
            try:
                own.read_entry(place)
            except FileError as error:
                damaged.append(str(error))
    return own.installed(folder), tuple(damaged)


def remove(name: str) -> Path:
    """Deletes one of the user's instruments, damaged or not; returns where it lay. Raises RequestError, FileError."""
    place = instruments_folder() / name
    if not ID_PATTERN.fullmatch(name) or not place.is_dir():
        there = ", ".join(listed()[0]) or "none"
        raise RequestError(f"{name!r} is no instrument of your own; there are: {there}")
    gone = place.with_name(f".removed-{name}-{os.getpid()}")
    try:
        place.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise FileError(f"{place}: cannot be removed ({(error.strerror or str(error)).lower()})") from None
    own.DEFAULT.forget()
    return place


def _put(staged: Path, place: Path) -> None:
    """The new folder in the place of an old one, if any."""
    old = place.with_name(f".replaced-{place.name}-{os.getpid()}")
    if place.exists():
        place.rename(old)
    try:
        staged.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _entry(name: str, references: References, sha256: str, rights: str, handed: Handed) -> OwnInstrument:
    kit = references.kind == "drum"
    decays = references.sustain != "sustained"
    polyphonic = decays if handed.polyphonic is None else handed.polyphonic
    return OwnInstrument(
        id=name,
        family="drums" if kit else "own",
        excitation="drum" if kit else "harmonic",
        sustain=references.sustain,
        polyphonic=polyphonic or kit,
        range=_KIT_RANGE if kit else range_of(references.pitch),
        roles=("drums",) if kit else _roles(float(np.median(references.pitch)), polyphonic, decays),
        sha256=sha256,
        rights=" ".join(rights.split()),
        files=tuple(dict.fromkeys(handed.names)),
    )


def range_of(pitches: np.ndarray) -> tuple[int, int]:
    """The lowest and highest pitch written for an instrument with these recorded pitches."""
    low, high = round(float(pitches.min())) - _BEYOND_SEMITONES, round(float(pitches.max())) + _BEYOND_SEMITONES
    wider = max(0, _LEAST_RANGE_SEMITONES - (high - low))
    low, high = low - wider // 2, high + (wider + 1) // 2
    return max(_LOWEST_PITCH, low), min(_HIGHEST_PITCH, high)


def _roles(median_pitch: float, polyphonic: bool, decays: bool) -> tuple[Role, ...]:
    """Jobs in an arrangement, best first."""
    if median_pitch <= _BASS_PITCH:
        return ("bass", "lead")
    if not polyphonic:
        return ("lead", "counter")
    return ("lead", "chords", "arp", "counter") if decays else ("lead", "pad", "chords", "counter")
