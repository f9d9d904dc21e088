"""Writes the bars of a grid that nobody has written yet: before, after or between given ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from noisician.composer.board import Board, planned_steps
from noisician.composer.compose import Composer
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.infill import infill
from noisician.composer.plan import Plan
from noisician.composer.wishes import Wishes
from noisician.composer.writing import ComposerSettings
from noisician.diffusion.noise import generator
from noisician.errors import RequestError
from noisician.score.grid import Grid

_RECALL = 0xC4


def extend(
    composer: Composer,
    plan: Plan,
    grid: Grid,
    draw: int,
    *,
    heard: Grid | None = None,
    wishes: Wishes | None = None,
    settings: ComposerSettings | None = None,
    on_step: Callable[[float], None] = lambda share: None,
) -> Grid:
    """The grid with its bars of mask tokens written; everything else comes back untouched.

    ``plan`` is that of the longer piece. Sections that return start from their written appearance, wherever that
    stands; who does not play in a section rests; with ``settings.settle`` an open first and last bar, and the first of
    each open section that states something, stand on the tonic. Each stretch hears four bars on both sides; ``heard``
    is the grid with what nobody plays, which no section recalls. Raises RequestError for a grid that is not the plan's.
    """
    if grid.bars != plan.bars or grid.time_signature != plan.time_signature:
        raise RequestError(
            f"a grid of {grid.bars} bars in {grid.time_signature} under a plan of {plan.bars} bars in "
            f"{plan.time_signature}; sections and bars of the longer piece have to agree"
        )
    settings = settings or ComposerSettings()
    board = Board.of(plan, planned_steps(plan), grid)
    if settings.settle:
        board.settle(plan)
    given = grid.tokens != MASK_TOKENS
    new = [section for section in plan.sections if not board.is_written(section)]
    for turn, section in enumerate(new):
        board.recall(section, section.start_bar, section.bars, generator(draw, _RECALL, section.start_bar))
        rows = np.zeros(len(board.tokens), bool)
        rows[board.rows(section.start_bar)[0] : board.rows(section.start_bar + section.bars - 1)[-1] + 1] = True
        cells = (board.tokens == MASK_TOKENS) & rows[:, None]
        tokens = board.tokens if heard is None else np.where(given, heard.tokens, board.tokens)
        written = infill(
            composer, plan, Grid(tokens, plan.time_signature), cells, draw, wishes=wishes, settings=settings,
            on_step=lambda share, turn=turn: on_step((turn + share) / len(new)),
        )  # fmt: skip
        board.tokens = np.where(cells, written.tokens, board.tokens)
    if not new:
        on_step(1.0)
    return Grid(board.tokens, plan.time_signature)
