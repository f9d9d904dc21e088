"""References by instrument: those that ship, beside the weights, and those of the user's own instruments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from noisician.errors import FileError, WeightsError
from noisician.folders import instruments_folder
from noisician.renderer.references import References, parse_references, read_bytes
from noisician.styles import Instrument
from noisician.styles.own import DEFAULT as INSTRUMENTS
from noisician.styles.own import MOST_CARRIED, OWN, REFERENCES_FILE, OwnInstrument
from noisician.weights import FOLDER, manifest

#: The entry of the weights' manifest: folder, one SHA-256 of them all, and that of each instrument's file.
ENTRY = "references"
SUFFIX = ".references"
#: Instruments kept in memory; 0.4 MB each.
AT_HAND = 48


def checksum_of_all(files: Mapping[str, str]) -> str:
    """One SHA-256 for many: of the names and checksums of the files, in order of name."""
    lines: Iterable[str] = (f"{name} {sha256}\n" for name, sha256 in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


#: Files that opened recipes carry, read, by SHA-256.
_carried: dict[str, tuple[References, bytes]] = {}


def references_of(instrument: Instrument) -> References:
    """Raises WeightsError or FileError when an instrument's file is missing or damaged."""
    if instrument.source["kind"] != OWN:
        return shipped_references(instrument.id)
    sha256 = str(instrument.source["sha256"])
    if sha256 in _carried:
        return _carried[sha256][0]
    return _own_references(instrument.id, sha256, instruments_folder())


@lru_cache(AT_HAND)
def _own_references(instrument_id: str, sha256: str, folder: Path) -> References:
    path = folder / instrument_id / REFERENCES_FILE
    return parse_references(_checked(read_bytes(path), sha256, str(path)), str(path))


def own_file(instrument: Instrument) -> bytes:
    """The file of one of the user's instruments, wherever it came from. Raises FileError."""
    sha256 = str(instrument.source["sha256"])
    if sha256 in _carried:
        return _carried[sha256][1]
    path = instruments_folder() / instrument.id / REFERENCES_FILE
    return _checked(read_bytes(path), sha256, str(path))


def carry(entry: OwnInstrument, data: bytes, name: str) -> None:
    """Knows an instrument that a recipe carries, while the process lives. Raises FileError for damage."""
    read = _carried.pop(entry.sha256, None)
    _carried[entry.sha256] = read or (parse_references(_checked(data, entry.sha256, name), name), data)
    while len(_carried) > MOST_CARRIED:
        del _carried[next(iter(_carried))]
    INSTRUMENTS.carry(entry)


def _checked(data: bytes, sha256: str, name: str) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise FileError(f"{name}: is damaged (sha256 {found[:12]}…, expected {sha256[:12]}…); add the instrument anew")
    return data


@lru_cache(AT_HAND)
def shipped_references(instrument_id: str) -> References:
    """Raises WeightsError when an instrument's file is missing or damaged."""
    entry = manifest().get(ENTRY, {})
    expected = entry.get("files", {}).get(instrument_id)
    if expected is None:
        raise WeightsError(f"no recordings of {instrument_id!r} are installed; reinstall noisician")
    path = FOLDER / entry["folder"] / f"{instrument_id}{SUFFIX}"
    try:
        data = path.read_bytes()
    except OSError:
        raise WeightsError(f"{path} is missing; reinstall noisician") from None
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise WeightsError(f"{path} is damaged (sha256 {found[:12]}…, expected {expected[:12]}…); reinstall noisician")
    return parse_references(data, str(path))
