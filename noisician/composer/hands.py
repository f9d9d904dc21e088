"""Which parts of a cast are one player's: somebody at a keyboard has a bass, inner voices and a tune in two hands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from noisician.score.grid import CHORDAL
from noisician.styles import instruments

#: A role and who plays it.
Part = tuple[str, str]
#: Families of which one is played by one person in any band; others are overdubbed there.
ONE_PLAYER = ("keys", "organ")
#: Of two who play the same instrument, what the first one has; the other has all the rest.
FIRST_PART = ("lead", "arp", "counter")


def performers_of(cast: Sequence[Part], closed: bool, wanted: Sequence[str]) -> Mapping[Part, str]:
    """Whose hand each part is, by name; parts that are players of their own are left out.

    ``closed`` casts are exactly those who are ``wanted``, named twice where two play the same.
    """
    names: dict[Part, str] = {}
    for id_ in dict.fromkeys(id_ for _, id_ in cast):
        instrument = instruments()[id_]
        own = [part for part in cast if part[1] == id_]
        able = instrument.polyphonic and instrument.excitation == "harmonic"
        if len(own) < 2 or not able or not (closed or instrument.family in ONE_PLAYER):
            continue
        first = [part for part in own if part[0] in FIRST_PART]
        rest = [part for part in own if part not in first]
        players = [first, rest] if wanted.count(id_) > 1 and first and rest else [own]
        for number, parts in enumerate(players, 1):
            name = id_ if number == 1 else f"{id_}-{number}"
            names |= dict.fromkeys(parts, name) if len(parts) > 1 else {}
    return names


def voices_of(cast: Sequence[Part]) -> list[int | None]:
    """Which voice of a chord, from the top, each part is whose player has one note at a time; None for all others."""
    table, before = instruments(), Counter[str]()
    voices: list[int | None] = []
    for role, id_ in cast:
        divided = role in CHORDAL and not table[id_].polyphonic
        voices.append(before[role] if divided else None)
        before[role] += divided
    return voices
