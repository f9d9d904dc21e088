"""The instruments that ship: one file of references each, beside the weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

from noisician.errors import WeightsError
from noisician.renderer.references import References, parse_references
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
