"""Scales, chords and voicings: the harmony everybody in the house agrees on."""

from __future__ import annotations

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

#: How a chord is laid out under the hands. The order is part of the composer's vocabulary: append only.
VOICINGS = ("close", "full", "spread", "shell", "power", "top")

#: Lowest pitch a voicing may use, per register. The order is part of the composer's vocabulary.
REGISTER_FLOORS = (43, 50, 56, 63)

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
