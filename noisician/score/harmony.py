"""Scales, chords and voicings: the harmony everybody in the house agrees on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, overload

from noisician.request import TONICS

if TYPE_CHECKING:
    import numpy as np

#: Concert pitch, as a MIDI pitch and its frequency.
A4_PITCH, A4_HZ = 69, 440.0

#: Semitones above the tonic of each mode's seven degrees.
SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}

#: Semitones above the root. The order is part of the composer's vocabulary: append only.
QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "add9": (0, 4, 7, 14),
    "9": (0, 4, 10, 14),
    "maj9": (0, 4, 11, 14),
    "m9": (0, 3, 10, 14),
    "5": (0, 7),
}
QUALITY_NAMES = tuple(QUALITIES)
#: Those that leave a fifth out which people may mean with them, with it.
NETWORK_ALIASES: dict[str, tuple[int, ...]] = {
    "9": (0, 2, 4, 7, 10),
    "maj9": (0, 2, 4, 7, 11),
    "m9": (0, 2, 3, 7, 10),
}

#: How a chord is laid out under the hands. The order is part of the composer's vocabulary: append only.
VOICINGS = ("close", "full", "spread", "shell", "power", "top")

#: Lowest pitch a voicing may use, per register. The order is part of the composer's vocabulary.
REGISTER_FLOORS = (43, 50, 56, 63)

#: How people write the qualities.
WRITTEN_QUALITIES = {
    "": "maj", "maj": "maj", "major": "maj", "M": "maj", "m": "min", "min": "min", "minor": "min", "-": "min",
    "dim": "dim", "°": "dim", "o": "dim", "aug": "aug", "+": "aug", "7": "7", "dom7": "7", "maj7": "maj7", "M7": "maj7",
    "Δ": "maj7", "Δ7": "maj7", "m7": "min7", "min7": "min7", "-7": "min7", "m7b5": "m7b5", "ø": "m7b5", "ø7": "m7b5",
    "dim7": "dim7", "°7": "dim7", "o7": "dim7", "sus2": "sus2", "sus4": "sus4", "sus": "sus4", "6": "6", "m6": "m6",
    "min6": "m6", "add9": "add9", "9": "9", "maj9": "maj9", "M9": "maj9", "m9": "m9", "min9": "m9", "5": "5",
}  # fmt: skip
#: How people write that no chord is in force.
NO_CHORD = ("N", "N.C.", "NC")
_CHORD_NAME = re.compile(r"([A-Ga-g][#b♯♭]?)(.*)")

_ENHARMONIC = {"DB": "C#", "D#": "EB", "GB": "F#", "G#": "AB", "A#": "BB", "CB": "B", "FB": "E", "E#": "F", "B#": "C"}
_PITCH_CLASSES = {name.upper(): index for index, name in enumerate(TONICS)}


def pitch_class(tonic: str) -> int:
    """``"Eb"`` or ``"D#"`` → 3. Raises KeyError for anything that is no note name."""
    name = tonic.strip().replace("♭", "b").replace("♯", "#").upper()
    return _PITCH_CLASSES[_ENHARMONIC.get(name, name)]


@overload
def frequency_hz(pitch: float) -> float: ...
@overload
def frequency_hz(pitch: np.ndarray) -> np.ndarray: ...
def frequency_hz(pitch: float | np.ndarray) -> float | np.ndarray:
    """The frequency of a MIDI pitch, which may be a fraction, or of an array of them, in equal temperament."""
    return A4_HZ * 2.0 ** ((pitch - A4_PITCH) / 12)


def note_name(pitch: int) -> str:
    """A MIDI pitch as musicians write it: 60 is C4."""
    return f"{TONICS[pitch % 12]}{pitch // 12 - 1}"


def parse_chord(name: str) -> tuple[int, str] | None:
    """``"Bbm7"`` → (10, "min7"), None for "no chord" (``N``). Raises ValueError for anything else."""
    written = name.strip().replace("♭5", "b5")
    if written.upper() in NO_CHORD:
        return None
    found = _CHORD_NAME.fullmatch(written)
    quality = WRITTEN_QUALITIES.get(found[2].strip()) if found else None
    if found is None or quality is None:
        known = ", ".join(dict.fromkeys(WRITTEN_QUALITIES.values()))
        raise ValueError(f"chord {name!r} is no root with a quality such as Am7, F#m, Bb9; qualities: {known}")
    return pitch_class(found[1]), quality


def chord_name(root: int, quality: str) -> str:
    """(10, "min7") → ``"Bbm7"``, as :func:`parse_chord` reads it."""
    written = next(name for name, known in WRITTEN_QUALITIES.items() if known == quality)
    return f"{TONICS[root % 12]}{written}"


def chord_tones(root: int, quality: str) -> tuple[int, ...]:
    """Pitch classes of a chord, root first."""
    return tuple((root + interval) % 12 for interval in QUALITIES[quality])


def _at_or_above(floor: int, pitch_class_: int) -> int:
    return floor + (pitch_class_ - floor) % 12


def voice(root: int, quality: str, voicing: str, floor: int) -> tuple[int, ...]:
    """Pitches of a chord at or above ``floor``, lowest first.

    Each chord tone takes the nearest place above the floor, so successive chords in one register keep common
    tones and move by small steps, as a player's hand would.
    """
    tones = chord_tones(root, quality)
    close = sorted({_at_or_above(floor, tone) for tone in tones})
    if voicing == "close":
        return tuple(close[-3:]) if len(close) > 3 else tuple(close)
    if voicing == "full":
        return tuple(close)
    if voicing == "spread":  # every second voice up an octave: open position
        return tuple(sorted(pitch + (12 if place % 2 else 0) for place, pitch in enumerate(close)))
    if voicing == "shell":  # third (or suspension) and seventh (or fifth): what jazz hands play over a bass
        return tuple(sorted({_at_or_above(floor, tones[1]), _at_or_above(floor, tones[-1])}))
    if voicing == "power":
        bottom = _at_or_above(floor, root)
        return (bottom, bottom + 7, bottom + 12)
    if voicing == "top":
        return tuple(close[-2:])
    raise ValueError(f"voicing {voicing!r} is none of {', '.join(VOICINGS)}")
