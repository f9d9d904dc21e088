"""What the name of a sound file tells: a note, how loud it was played, the piece of a kit."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "s": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}
_NOTE = re.compile(r"([a-g])(#|♯|sharp|s|b|♭|flat)?(-?\d)", re.IGNORECASE)
_SPLIT = re.compile(r"[\s_.,;+()\[\]-]+")
#: MIDI velocities that stand for dynamics; loudness tells finer.
_DYNAMICS = {"ppp": 16, "pp": 32, "p": 48, "mp": 64, "mf": 80, "f": 96, "ff": 112, "fff": 124}
_VELOCITY = re.compile(r"v(?:el(?:ocity)?)?(\d{2,3})", re.IGNORECASE)
#: Numbers below that are rather takes and layers than keys; the keys of a piano end at 108.
_LOWEST_NUMBER, _HIGHEST_NUMBER = 12, 127
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

#: Pieces of ``score.percussion.PIECE_KEYS`` by the words that name them; the first whose words all stand there counts.
_PIECES: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("rim", (("rim",), ("rimshot",), ("sidestick",), ("side", "stick"), ("xstick",), ("cross", "stick"))),
    ("clap", (("clap",), ("claps",), ("handclap",))),
    (
        "hat_open",
        (("hat", "open"), ("hat", "half"), ("hh", "open"), ("hihat", "open"), ("ohh",), ("openhat",), ("oh",)),
    ),
    ("hat_foot", (("hat", "pedal"), ("hat", "foot"), ("hh", "pedal"), ("hh", "foot"), ("hihat", "foot"))),
    ("hat_closed", (("hat",), ("hh",), ("hihat",), ("chh",), ("hats",), ("closedhat",))),
    ("tom_low", (("tom", "low"), ("tom", "floor"), ("floortom",), ("tom", "lo"), ("tom", "l"))),
    ("tom_high", (("tom", "high"), ("tom", "hi"), ("tom", "rack"), ("tom", "h"))),
    ("tom_mid", (("tom",), ("toms",))),
    ("ride_bell", (("ride", "bell"),)),
    ("ride", (("ride",),)),
    ("crash", (("crash",), ("cymbal",), ("splash",), ("china",))),
    ("tambourine", (("tambourine",), ("tamb",))),
    ("cowbell", (("cowbell",), ("cow", "bell"))),
    ("bongo_low", (("bongo", "low"), ("bongo", "lo"))),
    ("bongo_high", (("bongo",), ("bongos",))),
    ("conga_low", (("conga", "low"), ("conga", "lo"))),
    ("conga_muted", (("conga", "muted"), ("conga", "slap"))),
    ("conga_high", (("conga",), ("congas",))),
    ("agogo_low", (("agogo", "low"),)),
    ("agogo_high", (("agogo",),)),
    ("cabasa", (("cabasa",),)),
    ("shaker", (("shaker",), ("maracas",), ("maraca",))),
    ("guiro", (("guiro",),)),
    ("claves", (("claves",), ("clave",))),
    ("wood_block", (("woodblock",), ("wood", "block"))),
    ("triangle_muted", (("triangle", "muted"),)),
    ("triangle_open", (("triangle",),)),
    ("snare", (("snare",), ("sd",), ("snr",), ("sn",))),
    ("kick", (("kick",), ("bd",), ("kik",), ("bassdrum",), ("bass", "drum"), ("kd",))),
)


@dataclass(frozen=True)
class Told:
    """What a file name says: MIDI ``pitch``, a ``number`` that may be one, ``velocity``, ``piece``; else None."""

    pitch: int | None = None
    number: int | None = None
    velocity: int | None = None
    piece: str | None = None


def told_by(stem: str) -> Told:
    """``"piano_C4_f"`` → C4 played forte, ``"60"`` → perhaps key 60, ``"Kick 01"`` → a kick. C4 is MIDI 60."""
    tokens = [token for token in _SPLIT.split(stem) if token]
    notes = [pitch for token in tokens if (pitch := _pitch(token)) is not None]
    numbers = [int(token) for token in tokens if token.isdecimal() and len(token) <= 3]
    keys = [number for number in numbers if _LOWEST_NUMBER <= number <= _HIGHEST_NUMBER]
    loud = [_DYNAMICS[token.lower()] for token in tokens if token.lower() in _DYNAMICS]
    loud += [int(found[1]) for token in tokens if (found := _VELOCITY.fullmatch(token)) and 1 <= int(found[1]) <= 127]
    return Told(
        pitch=notes[-1] if notes else None,
        number=keys[0] if keys else None,
        velocity=loud[-1] if loud else None,
        piece=_piece(stem),
    )


def _pitch(token: str) -> int | None:
    found = _NOTE.fullmatch(token)
    if found is None:
        return None
    semitone = _SEMITONES[found[1].lower()] + _ACCIDENTALS[(found[2] or "").lower()]
    pitch = 12 * (int(found[3]) + 1) + semitone
    return pitch if 0 <= pitch <= 127 else None


def _piece(stem: str) -> str | None:
    words = {word.lower() for word in _CAMEL.findall(stem)}
    words |= {word.lower() for token in _SPLIT.split(stem) for word in re.findall(r"[A-Za-z]+", token)}
    for piece, ways in _PIECES:
        if any(all(word in words for word in way) for way in ways):
            return piece
    return None
