"""A player whose role is taken: a second lead, a second keyboard, with a line of its own.

The grid has one column for each role. Whoever joins is written in the role's column while the one who sits there is
heard in the nearest column that is free; the new line is kept beside the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from noisician.composer.compose import Composer
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.infill import infill
from noisician.composer.keeping import Keep
from noisician.composer.plan import Plan
from noisician.composer.regions import CONTEXT_BARS, neighbours_of, opened_bars, streams_of
from noisician.composer.wishes import Wishes
from noisician.composer.writing import ComposerSettings
from noisician.score.grid import REST, Grid

#: Where the first player of a taken role may be heard meanwhile, the likest first. Basses and kits are left out: no
#: other column has seen such notes.
_NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "lead": ("counter", "arp"),
    "counter": ("arp", "lead"),
    "arp": ("counter", "lead"),
    "chords": ("pad",),
    "pad": ("chords",),
}


@dataclass(frozen=True)
class Extra:
    """A further player of ``role``: its ``line`` so far, tokens ``[steps, streams of the role]`` (None: nothing yet),
    and which of them are ``open``, bool of the same shape."""

    role: str
    open: np.ndarray
    line: np.ndarray | None = None


def infill_extra(
    composer: Composer,
    plan: Plan,
    grid: Grid,
    extra: Extra,
    draw: int,
    *,
    keep: Keep = "nothing",
    wishes: Wishes | None = None,
    settings: ComposerSettings | None = None,
    on_step: Callable[[float], None] = lambda share: None,
) -> np.ndarray:
    """The further player's line, tokens ``[steps, streams of the role]`` int16, with its open cells written.

    All others are heard, the first of the same role included where a neighbouring column is free in the bars around.
    The grid is not changed. Otherwise like :func:`~noisician.composer.infill.infill`.
    """
    streams = list(streams_of(extra.role))
    cells = np.zeros(grid.tokens.shape, bool)
    cells[:, streams] = extra.open
    heard = seat(grid, extra)
    written = infill(
        composer, plan, heard, cells, {extra.role: draw}, keep=keep, wishes=wishes, settings=settings, on_step=on_step
    )
    before = np.zeros(extra.open.shape, np.int16) if extra.line is None else extra.line
    return np.where(extra.open, written.tokens[:, streams], before).astype(np.int16)


def seat(grid: Grid, extra: Extra) -> Grid:
    """The grid as the further player hears it: its own line in its role's columns, the first player's in the nearest
    neighbour that rests throughout the open bars and those around, else nowhere.

    Without a line yet, it is unknown what the player does elsewhere (mask tokens), not that it rests: who has rested
    all the while is not likely to begin. It begins and ends with the open cells.
    """
    streams = list(streams_of(extra.role))
    tokens = grid.tokens.copy()
    first = tokens[:, streams].copy()
    if extra.line is None:
        tokens[:, streams] = np.where(neighbours_of(extra.open), REST, MASK_TOKENS[streams])
    else:
        tokens[:, streams] = extra.line
    per_bar = grid.meter.steps_per_bar
    bars = np.flatnonzero(opened_bars(extra.open, per_bar))
    if len(bars):
        rows = slice(max(0, bars[0] - CONTEXT_BARS) * per_bar, (bars[-1] + 1 + CONTEXT_BARS) * per_bar)
        for neighbour in _NEIGHBOURS.get(extra.role, ()):
            places = list(streams_of(neighbour))
            if (tokens[rows, places] == REST).all():
                tokens[rows, places] = first[rows]
                break
    return Grid(tokens, grid.time_signature)
