"""How keys and the notes in them are written: a key with flats has flats."""

from __future__ import annotations

from collections.abc import Sequence

from noisician.request.fields import TONICS

_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
#: Semitones of a mode's tonic above that of the major key with the same notes.
_ABOVE_MAJOR = {"major": 0, "dorian": 2, "phrygian": 4, "lydian": 5, "mixolydian": 7, "minor": 9}
#: Major keys that are written with flats.
_FLAT_MAJORS = frozenset({5, 10, 3, 8, 1})
#: F sharp and G flat have six accidentals each; these modes of it are written from flats.
_SIX, _SIX_FLATS = 6, ("minor", "phrygian")


def pitch_classes_beside(key: str, mode: str | None) -> Sequence[str]:
    """:func:`pitch_classes_in` where the tonic is shown as given: C# in major has sharps then. Raises KeyError."""
    names = pitch_classes_in(key, mode)
    return {"#": _SHARPS, "b": _FLATS}.get(key[1:2], names)


def pitch_classes_in(key: str, mode: str | None) -> Sequence[str]:
    """The names of the twelve pitch classes from C on, as a key has them. Raises KeyError for what is no tonic."""
    major = (_pitch_class(key) - _ABOVE_MAJOR.get(mode or "major", 0)) % 12
    if major == 0:
        return TONICS
    return _FLATS if major in _FLAT_MAJORS or (major == _SIX and mode in _SIX_FLATS) else _SHARPS


def written_key(key: str, mode: str | None) -> str:
    """A tonic as its key is written: C# in minor, Db in major; what is none as it is."""
    return pitch_classes_in(key, mode)[_pitch_class(key)] if key and key[0] in _LETTERS else key


def _pitch_class(key: str) -> int:
    return (_LETTERS[key[:1]] + key.count("#") - key[1:].count("b")) % 12
