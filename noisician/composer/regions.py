"""Which cells of a grid are open: roles × bars, shares of them, and the stretches in which they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from zlib import crc32

import numpy as np

from noisician.composer.board import active_roles
from noisician.composer.conditions import GRID_ROLES, WINDOW_BARS, window_bars
from noisician.composer.plan import Plan
from noisician.diffusion.noise import generator
from noisician.errors import RequestError
from noisician.score.grid import ROLE_STREAMS, STREAMS
from noisician.score.model import METERS, Meter

#: The harmony's name where roles are named: it has cells and no player.
HARMONY = "chord"
#: Open bars are written at most this many at once …
STRETCH_BARS = 8
#: … hearing this many bars before and after, so that all of it fits the network's window.
CONTEXT_BARS = (WINDOW_BARS - STRETCH_BARS) // 2


def streams_of(role: str) -> tuple[int, ...]:
    """Columns of a role of the grid, or of HARMONY. Raises RequestError for a role that plays no tokens."""
    names = (HARMONY,) if role == HARMONY else ROLE_STREAMS.get(role)
    if names is None:
        raise RequestError(
            f"role {role!r} is not in the composer's grid; it writes {', '.join((*GRID_ROLES, HARMONY))}"
        )
    return tuple(STREAMS.index(name) for name in names)


def columns(roles: Iterable[str]) -> np.ndarray:
    """bool ``[streams]``: the columns of these roles."""
    return np.isin(np.arange(len(STREAMS)), [stream for role in roles for stream in streams_of(role)])


def role_of(stream: int) -> str:
    """The role whose column this is, or HARMONY."""
    name = STREAMS[stream]
    return next((role for role, names in ROLE_STREAMS.items() if name in names), HARMONY)


def open_cells(plan: Plan, roles: Iterable[str], bars: Iterable[int], playing: bool = False) -> np.ndarray:
    """bool ``[steps, streams]``: all cells of ``roles`` in ``bars`` (counted from 0).

    ``playing`` leaves out the bars in which the plan lets a role rest; without it, opening asks the role to play.
    Raises RequestError for bars beyond the piece and for roles without cells.
    """
    per_bar = METERS[plan.time_signature].steps_per_bar
    plays = active_roles(plan)
    cells = np.zeros((plan.bars * per_bar, len(STREAMS)), bool)
    wanted = checked_bars(plan, bars)
    for role in roles:
        own = wanted.copy()
        if playing and role != HARMONY:
            streams_of(role)
            own &= plays[:, GRID_ROLES.index(role)]
        for stream in streams_of(role):
            cells[:, stream] |= np.repeat(own, per_bar)
    return cells


def vary_cells(plan: Plan, roles: Iterable[str], bars: Iterable[int], strength: float, draw: int) -> np.ndarray:
    """bool ``[steps, streams]``: about a share ``strength`` of the beats of ``roles`` in ``bars``, where they play.

    Each beat of each role has a threshold of its own, uniform in 0 … 1 and named by (draw, role, bar): what is open at
    one strength is open at every greater one; at 0 nothing is, at 1 everything. Raises RequestError as
    :func:`open_cells` does, and for a strength out of range.
    """
    if not 0 <= strength <= 1:
        raise RequestError(f"strength {strength:g} is outside 0 … 1: 0 changes nothing, 1 writes everything anew")
    meter = METERS[plan.time_signature]
    roles = tuple(roles)
    cells = open_cells(plan, roles, bars, playing=True)
    for role in roles:
        rank = np.concatenate(
            [generator(draw, 0x7A, crc32(role.encode()), bar).random(len(meter.pulses)) for bar in range(plan.bars)]
        )
        drawn = np.repeat(rank < strength, np.tile(meter.pulses, plan.bars))
        for stream in streams_of(role):
            cells[:, stream] &= drawn
    return cells


def checked_bars(plan: Plan, bars: Iterable[int]) -> np.ndarray:
    """bool ``[bars]``: which are named. Raises RequestError for one beyond the piece."""
    wanted = np.zeros(plan.bars, bool)
    for bar in bars:
        if not 0 <= bar < plan.bars:
            raise RequestError(f"bar {bar + 1} is outside the piece, which has {plan.bars} bars")
        wanted[bar] = True
    return wanted


def regions(open_bars: np.ndarray) -> Iterator[tuple[int, int]]:
    """(first, last) bars, last exclusive, of regions that do not hear each other: more than CONTEXT_BARS apart."""
    places = np.flatnonzero(open_bars)
    if len(places):
        breaks = np.flatnonzero(np.diff(places) > CONTEXT_BARS)
        for first, last in zip([0, *breaks + 1], [*breaks, len(places) - 1], strict=True):
            yield int(places[first]), int(places[last]) + 1


def stretches(open_bars: np.ndarray, longest: int = STRETCH_BARS) -> Iterator[tuple[int, int]]:
    """(first, last) bars, last exclusive, of what is written at once, from ``open_bars`` bool ``[bars]``.

    Open bars that hear each other (no more than CONTEXT_BARS apart) go together, up to ``longest`` from first to last.
    """
    places = np.flatnonzero(open_bars).tolist()
    while places:
        first = last = places.pop(0)
        while places and places[0] - first < longest and places[0] - last <= CONTEXT_BARS:
            last = places.pop(0)
        yield first, last + 1


def stretch_bars(meter: Meter) -> int:
    """How many bars of a metre are written at once, so that the network sees CONTEXT_BARS on both sides."""
    return min(STRETCH_BARS, window_bars(meter) - 2 * CONTEXT_BARS)


def neighbours_of(cells: np.ndarray) -> np.ndarray:
    """bool ``[steps, streams]``: the closed cells right before and after open ones, where notes are tied or end."""
    near = np.zeros_like(cells)
    near[1:] |= cells[:-1]
    near[:-1] |= cells[1:]
    return near & ~cells


def opened_bars(cells: np.ndarray, steps_per_bar: int, streams: Sequence[int] | None = None) -> np.ndarray:
    """bool ``[bars]``: where any of the ``streams`` (all of them for None) has an open cell."""
    chosen = cells if streams is None else cells[:, list(streams)]
    return np.array([bar.any() for bar in chosen.reshape(-1, steps_per_bar, chosen.shape[1])])
