"""What edits share: who and which bars are meant, and who may be asked for notes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from noisician.composer import Composer
from noisician.edits import Region
from noisician.errors import RequestError
from noisician.piece import Piece, Player
from noisician.piece.model import DrawSpan
from noisician.score.grid import ROLE_STREAMS


@dataclass(frozen=True)
class Applying:
    """Where edits find the composer and other versions; ``remarks`` collects what should be told, a line each."""

    composer: Callable[[], Composer]
    others: Callable[[str], Piece]
    on_share: Callable[[float], None] = lambda share: None
    remarks: list[str] = field(default_factory=list)

    def remark(self, line: str) -> None:
        if line not in self.remarks:
            self.remarks.append(line)


@dataclass(frozen=True)
class Edited:
    """A piece after edits, and whether its master is to be decided anew."""

    piece: Piece
    remaster: bool = False


def players_of(piece: Piece, names: Sequence[str]) -> tuple[Player, ...]:
    """The players of some names (ids, else performers, who mean all their hands, else roles), in the piece's order; all
    of them for none.

    Raises RequestError for a name nobody bears.
    """
    if not names:
        return piece.plan.players
    chosen: set[str] = set()
    for name in names:
        own = [player.id for player in piece.plan.players if player.id == name]
        own = own or [player.id for player in piece.plan.hands_of(name)]
        own = own or [player.id for player in piece.plan.players if name in (player.role, player.instrument)]
        if not own:
            there = ", ".join(player.id for player in piece.plan.players)
            raise RequestError(f"no player {name!r} in this piece; it has {there}")
        chosen.update(own)
    return tuple(player for player in piece.plan.players if player.id in chosen)


def player_of(piece: Piece, name: str) -> Player:
    """The one player of a name. Raises RequestError where there is none, or more than one."""
    first, *others = players_of(piece, (name,))
    if others:
        raise RequestError(f"{name!r} may be {' or '.join(one.id for one in (first, *others))}; name one of them")
    return first


def hands_named(piece: Piece, name: str) -> tuple[Player, ...]:
    """The one player of a name, with all hands where it is the name of somebody who has several.

    Raises RequestError where there is none, or more than one.
    """
    named = players_of(piece, (name,))
    return named if len({player.performer or player.id for player in named}) == 1 else (player_of(piece, name),)


def bars_of(piece: Piece, region: Region, applying: Applying) -> tuple[int, ...]:
    """The bars of a region, from 0; all of them where it names none. Raises RequestError for bars beyond the piece."""
    if not region.bars and not region.seconds:
        return tuple(range(piece.plan.bars))
    spans = [bar_span(piece, bars) for bars in region.bars]
    spans += [_widened(piece, start_s, end_s, applying) for start_s, end_s in region.seconds]
    bars: set[int] = set()
    for first, last in spans:
        if bars & set(range(first, last)):
            raise RequestError(f"bar {min(bars & set(range(first, last))) + 1} is named twice; regions may not overlap")
        bars.update(range(first, last))
    return tuple(sorted(bars))


def bar_span(piece: Piece, bars: tuple[int, int]) -> tuple[int, int]:
    """(first, last + 1) from 0 of bars as people count them. Raises RequestError for bars beyond the piece."""
    first, last = bars
    if last < first:
        raise RequestError(f"bars {first}-{last} end before they begin")
    if last > piece.plan.bars:
        raise RequestError(f"bars {first}-{last}: the piece has {piece.plan.bars} bars")
    return first - 1, last


def _widened(piece: Piece, start_s: float, end_s: float, applying: Applying) -> tuple[int, int]:
    plan, bars = piece.plan, piece.plan.bars
    if end_s <= start_s:
        raise RequestError(f"{start_s:g}-{end_s:g} s ends before it begins")
    if start_s >= plan.bars_s:
        raise RequestError(f"{start_s:g}-{end_s:g} s: the piece's {bars} bars end at {plan.bars_s:.1f} s")
    first = math.floor(plan.bar_at(start_s) + 1e-9)
    last = min(bars, max(first + 1, math.ceil(plan.bar_at(end_s) - 1e-9)))
    applying.remark(f"{start_s:g}-{end_s:g} s widened to bars {first + 1}-{last}")
    return first, last


def spans_of(bars: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Bars as stretches (first, last + 1)."""
    spans: list[tuple[int, int]] = []
    for bar in sorted(bars):
        if spans and bar == spans[-1][1]:
            spans[-1] = (spans[-1][0], bar + 1)
        else:
            spans.append((bar, bar + 1))
    return tuple(spans)


def bars_in_words(bars: Iterable[int]) -> str:
    """Bars from 0 as people count and write them: ``bar 3``, ``bars 3-4, 7``."""
    spans = spans_of(bars)
    told = ", ".join(f"{first + 1}-{last}" if last > first + 1 else str(last) for first, last in spans)
    return f"bar {told}" if [last - first for first, last in spans] == [1] else f"bars {told}"


def numbers_of(piece: Piece, player: str) -> list[int]:
    """The number of a player's draw in each bar."""
    numbers = [0] * piece.plan.bars
    for span in piece.draws.get(player, ()):
        for bar in range(span.start_bar, min(span.start_bar + span.bars, len(numbers))):
            numbers[bar] = span.number
    return numbers


def spans_of_numbers(numbers: Sequence[int]) -> tuple[DrawSpan, ...]:
    """The inverse of :func:`numbers_of`."""
    spans: list[DrawSpan] = []
    for bar, number in enumerate(numbers):
        if number and spans and spans[-1].number == number and spans[-1].start_bar + spans[-1].bars == bar:
            spans[-1] = replace(spans[-1], bars=spans[-1].bars + 1)
        elif number:
            spans.append(DrawSpan(bar, 1, number))
    return tuple(spans)


def next_number(piece: Piece, players: Iterable[Player], bars: Iterable[int]) -> int:
    """A draw that none of these players' bars has had as its last."""
    bars = tuple(bars)
    return 1 + max((numbers_of(piece, player.id)[bar] for player in players for bar in bars), default=0)


def drawn(piece: Piece, players: Iterable[Player], bars: Iterable[int], number: int) -> Piece:
    """The piece in which these players' bars are another draw."""
    draws = dict(piece.draws)
    bars = tuple(bars)
    for player in players:
        numbers = numbers_of(piece, player.id)
        for bar in bars:
            numbers[bar] = number
        draws[player.id] = spans_of_numbers(numbers)
    return replace(piece, draws={id_: spans for id_, spans in draws.items() if spans})


def composing_seed(piece: Piece, number: int) -> int:
    """What names the composer's randomness for a draw of a piece."""
    return zlib.crc32(f"{piece.seed}/compose {number}".encode())


def is_written(player: Player) -> bool:
    """Whether the composer's grid holds what somebody plays."""
    return player.written and player.role in ROLE_STREAMS
