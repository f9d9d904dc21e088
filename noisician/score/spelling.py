"""How pitches are written in a key: letters and accidentals from the line of fifths, a chord's tones as its root has
them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from noisician.request.keys import written_key
from noisician.score.harmony import pitch_class
from noisician.score.model import Chord
from noisician.score.qualities import plain_of, tones_of

#: Letters from F upward in fifths, and where each lies above C.
_LINE = "FCGDAEB"
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
#: Fifths from the tonic down to the major key of the same signature.
_MODE_FIFTHS = {"major": 0, "minor": 3, "dorian": 2, "phrygian": 4, "lydian": -1, "mixolydian": 1}
#: Fifths above the root of each interval in a chord: a seventh is minor, a tritone is what the chord makes it.
_INTERVAL_FIFTHS = {0: 0, 1: -5, 2: 2, 3: -3, 4: 4, 5: -1, 6: 6, 7: 1, 8: -4, 9: 3, 10: -2, 11: 5}
#: The lowest of the twelve places, in fifths from the signature's major tonic: notes lean to sharps, roots to flats.
_NOTES_FROM, _ROOTS_FROM = -3, -5


class Spelled(NamedTuple):
    """A letter, its accidental in semitones (2 … -2) and the octave that is written."""

    letter: str
    alter: int
    octave: int

    @property
    def name(self) -> str:
        return self.letter + ("#" * self.alter if self.alter > 0 else "b" * -self.alter)


def fifths_of(key: str, mode: str) -> int:
    """Sharps (less than 0: flats) of a key's signature."""
    return _place(written_key(key, mode)) - _MODE_FIFTHS[mode]


def _place(name: str) -> int:
    """A note's name on the line of fifths, C at 0."""
    return _LINE.index(name[0]) - 1 + 7 * (name.count("#") - name[1:].count("b"))


def _at(place: int, pitch: int) -> Spelled:
    alter, letter = divmod(place + 1, 7)
    name = _LINE[letter]
    return Spelled(name, alter, (pitch - alter - _LETTERS[name]) // 12 - 1)


def _within(pitch: int, lowest: int) -> int:
    """The one of twelve neighbours on the line, from ``lowest`` up, that a pitch is."""
    return lowest + (7 * pitch - lowest) % 12


def spelled_root(pitch: int, fifths: int) -> Spelled:
    """A chord's root, or the bass below it, under a signature."""
    return _at(_within(pitch, fifths + _ROOTS_FROM), pitch)


def spelled(pitch: int, fifths: int, chord: tuple[int, str] | None = None) -> Spelled:
    """A MIDI pitch under a signature, over a chord (root, kind): its tones are spelled from its root."""
    own = _at(_within(pitch, fifths + _NOTES_FROM), pitch)
    if chord is None:
        return own
    root, kind = chord
    tones = {tone % 12 for tone in tones_of(kind)}
    interval = (pitch - root) % 12
    if interval not in tones:
        return own
    from_root = _INTERVAL_FIFTHS[interval]
    if interval == 6 and 7 not in tones:
        from_root = -6  # a flat fifth
    if interval == 8 and 7 not in tones:
        from_root = 8  # a sharp one
    if interval == 3 and 4 in tones:
        from_root = 9  # a sharp ninth
    if interval == 9 and {3, 6} <= tones and not {10, 11} & tones:
        from_root = -9  # a diminished seventh
    root_place = _within(root, fifths + _ROOTS_FROM)
    by_chord = _at(root_place + from_root, pitch)
    return by_chord if abs(by_chord.alter) <= 1 else own


def key_name(key: str, mode: str) -> str:
    """A tonic as its signature has it. Raises KeyError for what is none."""
    pitch_class(key)
    return written_key(key, mode)


def written_chord(chord: Chord, names: Sequence[str]) -> str:
    """A chord as people write it, ``Fm7/C``; ``names`` are those of the twelve pitch classes beside it."""
    below = "" if chord.bass is None else f"/{names[chord.bass % 12]}"
    return f"{names[chord.root % 12]}{plain_of(chord.quality)}{below}"
