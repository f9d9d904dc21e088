"""In which order written bars are played: repeats and their endings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noisician.errors import FileError
from noisician.score.midi import BARS_LIMIT


@dataclass(frozen=True)
class Marks:
    """What stands at a written bar: a repeat that begins before it, one that ends behind it and how often its bars are
    played, the passes in which an ending that begins here is played, whether an ending closes here."""

    forward: bool = False
    times: int = 0
    endings: frozenset[int] = frozenset()
    closes: bool = False


def played_order(bars: Sequence[Marks]) -> list[int]:
    """The places of bars in the order in which they are played. Raises FileError where that never ends."""
    order: list[int] = []
    done: dict[int, int] = {}  # times a backward repeat was taken
    at, back, time = 0, 0, 1
    while at < len(bars):
        if len(order) > BARS_LIMIT:
            raise FileError(f"the score's repeats come to more than {BARS_LIMIT} bars")
        bar = bars[at]
        if bar.forward and back != at:
            back, time = at, 1
        if bar.endings and time not in bar.endings:
            at = _after_ending(bars, at)
            continue
        order.append(at)
        if bar.times and done.get(at, 0) < max(1, bar.times - 1):
            done[at] = done.get(at, 0) + 1
            at, time = back, time + 1
            continue
        if bar.times:
            back, time = at + 1, 1
        at += 1
    return order


def _after_ending(bars: Sequence[Marks], at: int) -> int:
    """The bar after the ending that begins at ``at``."""
    while at < len(bars):
        closes = bars[at].closes
        at += 1
        if closes:
            break
    return at
