"""Writes the grid of a planned piece by unmasking it, a stretch at a time.

Each stretch (at most eight bars) is written knowing the eight bars before it. The harmony comes first, then rhythm
section, chords, melody and ornament, each hearing what is there already. A section that returns starts from its first
appearance with some cells masked again: it is recognised, and not the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from noisician.composer.board import LEAD, Board, Tune, planned_steps
from noisician.composer.conditions import WINDOW_BARS
from noisician.composer.plan import Plan
from noisician.composer.regions import STRETCH_BARS
from noisician.composer.writing import ComposerSettings, Passage, beat_begins, stages_of, write
from noisician.diffusion.noise import generator
from noisician.score.grid import STREAMS, Grid
from noisician.score.model import Section
from noisician.weights import Network, open_network


class Composer:
    """Holds the network; writes grids."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network or open_network("composer")

    def compose(
        self,
        plan: Plan,
        seed: int,
        settings: ComposerSettings,
        given: Grid | None = None,
        tune: Tune | None = None,
        on_step: Callable[[float], None] = lambda share: None,
    ) -> Grid:
        """The grid of a plan. ``given`` (mask tokens where open) fixes any cells; ``on_step`` may raise to cancel."""
        board = Board.of(plan, planned_steps(plan), given, tune)
        if settings.settle:
            board.settle(plan)
        stretches = [stretch for section in plan.sections for stretch in _stretches(section)]
        for turn, (section, first_bar, bars) in enumerate(stretches):
            board.recall(section, first_bar, bars, generator(seed, 0xC0, first_bar))
            self._write(
                board, plan, first_bar, bars, settings, generator(seed, 0xC1, first_bar),
                lambda share, turn=turn: on_step((turn + share) / len(stretches)),
            )  # fmt: skip
        return Grid(board.tokens, plan.time_signature)

    def _write(
        self,
        board: Board,
        plan: Plan,
        first_bar: int,
        bars: int,
        settings: ComposerSettings,
        rng: np.random.Generator,
        on_step: Callable[[float], None],
    ) -> None:
        """Unmasks bars ``first_bar … first_bar + bars`` of the board in place."""
        start_bar = max(0, first_bar + bars - WINDOW_BARS)
        first, last = start_bar * board.steps_per_bar, (first_bar + bars) * board.steps_per_bar
        passage = Passage(
            board.tokens[first:last].astype(np.int64),
            board.steps.at(slice(first, last)),
            plan.style,
            beat_begins(last - first, board.steps_per_beat),
            starts_piece=start_bar == 0,
            rows=slice(0, last - first),
        )

        def require(logits: Sequence[np.ndarray], tokens: np.ndarray) -> None:
            if board.tune is not None:
                board.tune.require(logits[LEAD], tokens[:, LEAD], first)

        stages = stages_of(passage.cells, settings.steps, song=board.tune is not None)
        one_for_all = [rng] * len(STREAMS)
        board.tokens[first:last] = write(self.network, passage, stages, settings, one_for_all, require, on_step)


def _stretches(section: Section) -> list[tuple[Section, int, int]]:
    """A section cut into pieces of at most STRETCH_BARS: (section, first bar, bars)."""
    ends = section.start_bar + section.bars
    return [(section, first, min(STRETCH_BARS, ends - first)) for first in range(section.start_bar, ends, STRETCH_BARS)]
