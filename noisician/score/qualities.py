"""Kinds of chords beyond those that the composer knows: read as people and as Harte write them, named, and voiced.

A kind is a set of pitch classes above the root, and its name is Harte's (Harte et al., "Symbolic representation of
musical chords", ISMIR 2005), except that the kinds of ``harmony.QUALITIES`` keep the names they have there. A name
says all of a set, so both lead to each other.

What sounds of a kind
---------------------
Where a natural eleventh stands over a major third, a thirteenth leaves the eleventh out and an eleventh the third, as
players do. A voicing with less room than tones takes the third (or what is suspended), the seventh (or sixth), altered
fifths, then tensions from the highest down, then the fifth and the root, which the bass has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from noisician.score.harmony import NETWORK_ALIASES, QUALITIES, WRITTEN_QUALITIES, voice

#: Harte's shorthands, as semitones above the root in one octave; of sets that fit two equally the first is taken.
HARTE: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7), "min": (0, 3, 7), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11), "min7": (0, 3, 7, 10),
    "dim": (0, 3, 6), "aug": (0, 4, 8), "hdim7": (0, 3, 6, 10), "dim7": (0, 3, 6, 9), "minmaj7": (0, 3, 7, 11),
    "maj6": (0, 4, 7, 9), "min6": (0, 3, 7, 9), "sus4": (0, 5, 7), "sus2": (0, 2, 7), "9": (0, 2, 4, 7, 10),
    "maj9": (0, 2, 4, 7, 11), "min9": (0, 2, 3, 7, 10), "11": (0, 2, 4, 5, 7, 10), "maj11": (0, 2, 4, 5, 7, 11),
    "min11": (0, 2, 3, 5, 7, 10), "13": (0, 2, 4, 5, 7, 9, 10), "maj13": (0, 2, 4, 5, 7, 9, 11),
    "min13": (0, 2, 3, 5, 7, 9, 10), "5": (0, 7), "1": (0,),
}  # fmt: skip
#: Harte's names of kinds that are called otherwise in this house.
HARTE_NAMES = {
    "m7b5": "hdim7", "6": "maj6", "m6": "min6", "add9": "maj(9)", "m9": "min9", "5": "5",
}  # fmt: skip
#: How people write Harte's shorthands.
_PLAIN = {
    "maj": "", "min": "m", "min7": "m7", "hdim7": "m7b5", "minmaj7": "m(maj7)", "maj6": "6", "min6": "m6", "min9": "m9",
    "min11": "m11", "min13": "m13",
}  # fmt: skip
#: Names that people have for what Harte composes.
_SPOKEN = {
    "sus4(b7)": "7sus4", "sus4(b7,9)": "9sus4", "sus4(b7,9,13)": "13sus4", "sus4(7)": "maj7sus4", "maj6(9)": "6/9",
    "min6(9)": "m6/9", "aug(b7,b9,#9)": "7alt", "1(b7,11)": "quartal",
}  # fmt: skip
_DEGREES = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 10, 8: 0, 9: 2, 10: 4, 11: 5, 12: 7, 13: 9}
_ACCIDENTALS = {"b": -1, "#": 1, "bb": -2, "##": 2, "": 0, "-": -1, "+": 1}
_ALTERED = (0, 1, 3, 4, 8, 10)
_QUARTAL = (0, 5, 10)

_LIST = re.compile(r"([^()]*)(?:\(([^()]*)\))?")
_DEGREE = re.compile(r"(\*?)(bb|##|b|#|)(1[0-3]|[1-9])")
_BASE = re.compile(
    r"(?P<half>hdim7?|ø7?)|(?P<dim>dim|°|º|o)|(?P<aug>aug|\+)"
    r"|(?P<minor>minor|min|mi|m(?!aj|a[791])|-)?(?P<major>major|maj|ma|M|Δ|△)?(?:dom)?"
)
_STEP = re.compile(
    r"(?P<sus>sus)(?P<hung>24|42|2|4|)|(?P<left>no|omit)(?P<gone>[35])|(?P<alt>alt)|(?P<quartal>quartal)"
    r"|(?P<seventh>(?:maj|ma|M|Δ|△)7?)|(?:add|)(?P<sign>[b#+-]?)(?P<number>1[13]|[24-79])"
)


def mask_of(tones: Iterable[int]) -> int:
    """A set of pitch classes as a number, bit by bit."""
    return sum({1 << tone % 12 for tone in tones})


def tones_of_mask(mask: int) -> tuple[int, ...]:
    return tuple(tone for tone in range(12) if mask >> tone & 1)


@lru_cache(maxsize=8192)
def name_of(tones: frozenset[int]) -> str:
    """The name of a set of pitch classes above a root."""
    own = _network_name(tones)
    return own if own is not None else harte_of(tones)


def _network_name(tones: frozenset[int]) -> str | None:
    for name, known in QUALITIES.items():
        if tones == {tone % 12 for tone in known} or tones == set(NETWORK_ALIASES.get(name, ())):
            return name
    return None


@lru_cache(maxsize=8192)
def harte_of(tones: frozenset[int], written: frozenset[str] = frozenset(HARTE)) -> str:
    """The same in Harte's notation: the nearest shorthand, and in brackets what is added to it or (*) is not there.
    ``written`` are the shorthands that may be taken."""
    third = 4 if 4 in tones else 3 if 3 in tones else None

    def cost(shorthand: str) -> tuple[float, int]:
        known = set(HARTE[shorthand])
        other_third = third not in known if third is not None else bool({3, 4} & known)
        return 1.5 * len(known - tones) + len(tones - known) + 3 * other_third, list(HARTE).index(shorthand)

    shorthand = min(sorted(written), key=cost)
    known = set(HARTE[shorthand])
    changes = [f"*{_degree(tone, frozenset(known))}" for tone in sorted(known - tones)]
    changes += sorted((_degree(tone, tones | known) for tone in tones - known), key=_height)
    return f"{shorthand}({','.join(changes)})" if changes else shorthand


def _height(degree: str) -> tuple[int, int]:
    number = int(degree.lstrip("b#"))
    return number, _ACCIDENTALS[degree[: len(degree) - len(str(number))]]


def _degree(tone: int, among: frozenset[int]) -> str:
    """What a pitch class is called in a set: a flat third is a sharp ninth over a major one."""
    has_third, has_seventh = bool({3, 4} & among), bool({10, 11} & among)
    high = has_third or has_seventh
    names = {
        0: "1", 1: "b9", 2: "9" if high else "2", 3: "#9" if 4 in among else "b3", 4: "3",
        5: "11" if high else "4", 6: "#11" if {7, 8} & among else "b5", 7: "5", 8: "b13" if {6, 7} & among else "#5",
        9: "13" if has_seventh else "6", 10: "b7", 11: "7",
    }  # fmt: skip
    return names[tone]


def tones_of(name: str) -> tuple[int, ...]:
    """Semitones above the root, root first, of a named kind; those of the composer's kinds as they lie there. Raises
    ValueError for what is no name."""
    return QUALITIES[name] if name in QUALITIES else tuple(sorted(read_harte(name)))


def plain_of(name: str) -> str:
    """A kind as people write it behind a root; :func:`read_quality` reads it."""
    if name in QUALITIES:
        return next(written for written, known in WRITTEN_QUALITIES.items() if known == name)
    found = _LIST.fullmatch(name)
    assert found is not None
    shorthand, changes = found[1], [one for one in (found[2] or "").split(",") if one]
    if name in _SPOKEN:
        return _SPOKEN[name]
    if shorthand == "aug" and changes[0] in ("b7", "7"):
        shorthand, changes = "7" if changes[0] == "b7" else "maj7", ["#5", *changes[1:]]
    told = [one.replace("*", "no") if one.startswith("*") else f"add{one}" if one.isdigit() else one for one in changes]
    plain = _PLAIN.get(shorthand, shorthand)
    is_alone = len(told) == 1 and (plain or told[0][0] not in "#b")  # E#9 is a chord of E sharp
    plain += told[0] if is_alone else f"({','.join(told)})" if told else ""
    return plain if _is(plain, name) else f":{name}"


def _is(written: str, name: str) -> bool:
    try:
        return read_quality(written) == name
    except ValueError:
        return False


def read_harte(written: str) -> frozenset[int]:
    """The pitch classes of a kind in Harte's notation, what stands behind the colon. Raises ValueError."""
    found = _LIST.fullmatch(written)
    if found is None or (found[1] and found[1] not in HARTE):
        raise ValueError(written)
    # A list alone is the whole chord; behind a shorthand it says what is added and (*) left out.
    tones = {*HARTE[found[1]]} if found[1] else ({0} if found[2] else {*HARTE["maj"]})
    for one in (found[2] or "").split(",") if found[2] is not None else ():
        degree = _DEGREE.fullmatch(one.strip())
        if degree is None:
            raise ValueError(written)
        # Harte's seventh is the major scale's.
        tone = ((11 if degree[3] == "7" else _DEGREES[int(degree[3])]) + _ACCIDENTALS[degree[2]]) % 12
        (tones.discard if degree[1] else tones.add)(tone)
    if not tones:
        raise ValueError(written)
    return frozenset(tones)


def read_quality(written: str) -> str:
    """The name of a kind that somebody wrote behind a root, plain (``m7b5``, ``13``, ``maj7#11``, ``7alt``) or Harte's.

    Raises ValueError where it is none.
    """
    if written in WRITTEN_QUALITIES:
        return WRITTEN_QUALITIES[written]
    try:
        return name_of(_plain(written))
    except ValueError:
        return name_of(read_harte(written))


def read_harte_quality(written: str) -> str:
    """The same of what stands behind Harte's colon, which means another thing here and there (``maj(9)``)."""
    try:
        return name_of(read_harte(written))
    except ValueError:
        return read_quality(written)


def _plain(written: str) -> frozenset[int]:
    """The pitch classes of a kind as people write it. Raises ValueError."""
    text = re.sub(r"[(),\s]", "", written.replace("6/9", "69"))
    if written != text and text in WRITTEN_QUALITIES:
        return frozenset(tone % 12 for tone in QUALITIES[WRITTEN_QUALITIES[text]])
    base = _BASE.match(text)
    assert base is not None  # it may match nothing
    rest = text[base.end() :]
    tones = {0, 3 if base["minor"] or base["dim"] or base["half"] else 4}
    tones.add(6 if base["dim"] or base["half"] else 8 if base["aug"] else 7)
    is_major = bool(base["major"])
    if base["half"]:
        tones.add(10)
    number = re.match(r"69|1[13]|[24-79]", rest)
    if number is not None:
        rest = rest[number.end() :]
        _add_number(tones, number[0], 11 if is_major else 9 if base["dim"] and number[0] == "7" else 10)
    elif is_major and base["minor"]:
        tones.add(11)
    while rest:
        step = _STEP.match(rest)
        if step is None:
            raise ValueError(written)
        rest = rest[step.end() :]
        _take(tones, step)
    return frozenset(tones)


def _add_number(tones: set[int], number: str, seventh: int) -> None:
    """In place: what a number right behind the triad adds."""
    if number == "69":
        tones |= {2, 9}
    elif number == "6":
        tones.add(9)
    elif number in ("2", "4"):
        tones -= {3, 4}
        tones.add(_DEGREES[int(number)])
    elif number == "5":
        tones -= {3, 4}
    else:
        tones.add(seventh)
        tones |= {_DEGREES[degree] for degree in (9, 11, 13) if degree <= int(number)}


def _take(tones: set[int], step: re.Match[str]) -> None:
    """In place: one of what is written behind the number."""
    if step["sus"]:
        tones -= {3, 4}
        tones |= {_DEGREES[int(hung)] for hung in step["hung"] or "4"}
    elif step["left"]:
        tones -= {3, 4} if step["gone"] == "3" else {6, 7, 8}
    elif step["alt"]:
        tones.clear()
        tones |= set(_ALTERED)
    elif step["quartal"]:
        tones.clear()
        tones |= set(_QUARTAL)
    elif step["seventh"]:
        tones.discard(10)
        tones.add(11)
    else:
        number, sign = int(step["number"]), step["sign"]
        tone = (_DEGREES[number] + _ACCIDENTALS[sign]) % 12
        if number == 5:
            tones.discard(7)
        tones.add(tone)


# --- what the composer is told, and what sounds -----------------------------------------------------------------------


@cache
def nearest_quality(name: str) -> str:
    """The kind of ``harmony.QUALITIES`` that says most of a named one: third, then seventh, fifth and ninth."""
    if name in QUALITIES:
        return name
    tones = {tone % 12 for tone in tones_of(name)}
    has_seventh = bool({10, 11} & tones)
    third = 4 if 4 in tones else 3 if 3 in tones else 5 if 5 in tones else 2
    weights = {tone: 1.0 for tone in tones}
    weights |= {2: 3.0, 6: 1.0 if 7 in tones else 3.0, 8: 1.0 if 7 in tones else 3.0, 9: 1.0 if has_seventh else 4.0}
    weights |= {10: 6.0, 11: 6.0, third: 8.0}

    def cost(known: str) -> float:
        own = {tone % 12 for tone in QUALITIES[known]}
        return sum(weights[tone] for tone in tones - own) + sum(2.0 if tone == 7 else 4.0 for tone in own - tones)

    return min(QUALITIES, key=cost)


@cache
def sounding(name: str) -> tuple[int, ...]:
    """The pitch classes above the root that a named kind sounds with, in the order in which a voicing takes them."""
    tones = {tone % 12 for tone in tones_of(name)}
    has_seventh = bool({10, 11} & tones)
    if {4, 5, 2} <= tones and has_seventh:
        tones.discard(5 if 9 in tones else 4)
    third = next((tone for tone in (4, 3, 5, 2) if tone in tones), None)
    altered = [tone for tone in (6, 8) if tone in tones and 7 not in tones]
    tensions = [tone for tone in (9, 8, 6, 5, 3, 2, 1) if tone in tones]  # thirteenths first
    order = [third, *(tone for tone in (11, 10) if tone in tones), *altered, *tensions, 7, 0]
    return tuple(dict.fromkeys(tone for tone in order if tone is not None and tone in tones))


#: How many tones a voicing has room for.
ROOM = {"close": 4, "full": 12, "spread": 12, "shell": 3, "power": 3, "top": 2}
#: From so many tones on tensions lie above the others.
_STACKED = 5
_TENSIONS_ABOVE = 10


def voiced(root: int, quality: str, voicing: str, floor: int) -> tuple[int, ...]:
    """Pitches of a chord of any kind at or above ``floor``, lowest first: as :func:`~noisician.score.harmony.voice`
    lays out the composer's kinds; of others as many tones as there is room for, all of them in "full" and "spread"."""
    if quality in QUALITIES:
        return voice(root, quality, voicing, floor)
    tones = sounding(quality)[: ROOM[voicing]]
    base = [tone for tone in tones if tone in (0, 3, 4, 7, 10, 11) or (tone in (6, 8) and 7 not in tones)]
    if len(tones) < _STACKED:
        base = list(tones)
    low = sorted(floor + (root + tone - floor) % 12 for tone in base)
    if voicing == "spread":
        low = [pitch + (12 if place % 2 else 0) for place, pitch in enumerate(low)]
    above = floor + _TENSIONS_ABOVE
    high = [above + (root + tone - above) % 12 for tone in tones if tone not in base]
    return tuple(sorted({*low, *high}))
