"""Wishes with a place or a time, by the patterns of single ones and by clauses that follow each other."""

from __future__ import annotations

from collections.abc import Sequence

from noisician.prompt.numbers import Figure
from noisician.prompt.timeline import timeline
from noisician.prompt.wishes import wishes

_PLACED = ("cues", "features", "wishes")


def placed_wishes(cleaned: str) -> list[Figure]:
    """Those of whichever places more, or reads more of the text, first; the other's where they do not overlap."""
    single, several = list(wishes(cleaned)), timeline(cleaned)
    if not several:
        return single
    first, second = (several, single) if _reach(several) > _reach(single) else (single, several)
    return [*first, *(one for one in second if not any(_overlap(one, other) for other in first))]


def _reach(found: Sequence[Figure]) -> tuple[int, int]:
    """How many different things they place, and how many characters say so."""
    placing = [one for one in found if any(e.field in _PLACED for e in one.effects)]
    placed = {str(e.value) for one in placing for e in one.effects if e.field in _PLACED}
    return len(placed), sum(one.end - one.start for one in placing)


def _overlap(one: Figure, other: Figure) -> bool:
    return one.start < other.end and other.start < one.end
