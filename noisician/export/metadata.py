"""What a file says about its music: the fields, their names in each tag system, and readable file names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from noisician.export.lyrics import TimedLine
from noisician.request.keys import written_key

#: Name of the tag that holds the packed recipe (Vorbis comment, ID3 TXXX description, PNG text).
RECIPE_TAG = "NOISICIAN_RECIPE"
SLUG_LIMIT_CHARS = 48
_MINOR_THIRD_MODES = ("minor", "dorian", "phrygian")
_MODE_SUFFIXES = {"major": "", "minor": "m", "dorian": "dor", "phrygian": "phr", "lydian": "lyd"}
_MODE_SUFFIXES["mixolydian"] = "mix"
_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Marker:
    """A named moment, usually the start of a section."""

    name: str
    start_s: float


@dataclass(frozen=True)
class Metadata:
    """What is written into tags. ``tempo_bpm`` and ``beats`` count felt beats (dotted quarters in 6/8).

    ``language`` is the ISO 639-1 code of the ``lyrics``.
    """

    title: str = ""
    artist: str = "noisician"
    prompt: str = ""
    tempo_bpm: float | None = None
    key: str | None = None
    mode: str | None = None
    time_signature: str | None = None
    seed: int | None = None
    sections: tuple[Marker, ...] = ()
    beats: int | None = None
    loop: bool = False
    software: str = "noisician"
    lyrics: tuple[TimedLine, ...] = ()
    language: str = "en"


def clean_text(text: str) -> str:
    """Text that every tag system can hold: no NUL (it ends strings there), nothing UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def bpm_text(tempo_bpm: float) -> str:
    """At most two decimals, none where they are zero: ``120``, ``92.5``."""
    return f"{tempo_bpm:.2f}".rstrip("0").rstrip(".")


def pitch_class(key: str | None) -> int | None:
    """0 … 11 of a tonic such as ``F#`` or ``Eb``; None if there is no key."""
    if not key or key[0] not in _PITCH_CLASSES:
        return None
    return (_PITCH_CLASSES[key[0]] + key.count("#") - key[1:].count("b")) % 12


def tag_key(key: str | None, mode: str | None) -> str | None:
    """Key as ID3's TKEY has it, which knows major and minor only: modes fall to the one their third has."""
    if not key:
        return None
    return f"{written_key(key, 'minor')}m" if mode in _MINOR_THIRD_MODES else written_key(key, "major")


def name_key(key: str | None, mode: str | None) -> str | None:
    """Key as file names have it: ``C``, ``Am``, ``Ddor``."""
    return f"{written_key(key, mode)}{_MODE_SUFFIXES.get(mode or 'major', '')}" if key else None


def text_fields(metadata: Metadata) -> dict[str, str]:
    """The fields that have no frame of their own in ID3, under the names they have as Vorbis comments."""
    fields = {
        "PROMPT": metadata.prompt,
        "SEED": "" if metadata.seed is None else str(metadata.seed),
        "MODE": metadata.mode or "",
        "TIME_SIGNATURE": metadata.time_signature or "",
    }
    return {name: clean_text(value) for name, value in fields.items() if value}


def slug(text: str, limit_chars: int = SLUG_LIMIT_CHARS) -> str:
    """Lower-case ASCII letters and digits joined by hyphens, cut at a word if possible; may be empty."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    words = re.findall(r"[a-z0-9]+", text)
    kept = ""
    for word in words:
        longer = f"{kept}-{word}" if kept else word[:limit_chars]
        if len(longer) > limit_chars:
            break
        kept = longer
    return kept


def tempo_and_key(metadata: Metadata) -> list[str]:
    """Tempo and key as samplers read them from names, ``120bpm`` and ``Am``; what is unknown is left out."""
    tempo = f"{bpm_text(metadata.tempo_bpm)}bpm" if metadata.tempo_bpm is not None else None
    return [part for part in (tempo, name_key(metadata.key, metadata.mode)) if part]


def default_file_name(metadata: Metadata, id6: str, extension: str) -> str:
    """``{title or prompt}_{bpm}bpm_{key}_{seed}_{id6}.{extension}``, ASCII, at most about 110 characters.

    Samplers read tempo and key from such names. Unknown parts are left out.
    """
    parts = [slug(metadata.title) or slug(metadata.prompt) or "untitled", *tempo_and_key(metadata)]
    if metadata.seed is not None:
        parts.append(str(metadata.seed))
    return "_".join([*parts, id6]) + "." + extension.lstrip(".")
