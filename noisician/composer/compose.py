"""Writes the grid of a planned piece by unmasking it, a stretch at a time.

Each stretch (at most eight bars) is written knowing the eight bars before it. The harmony comes first, then rhythm
section, chords, melody and ornament, each hearing what is there already. What a section repeats in itself is taken over
from its first bars (:mod:`noisician.composer.repetition`), and a section that returns starts from its first appearance,
each with some cells masked again: it is recognised, and not the same. The last bar is a written ending.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from noisician.composer.board import BASS, CHORD, LEAD, NEVER, Board, Tune, planned_steps
from noisician.composer.conditions import MASK_TOKENS, window_bars
from noisician.composer.ending import come_home, has_ending, must_begin, write_ending
from noisician.composer.lines import prefer_roots
from noisician.composer.marks import modulate, moved_tune, write_marks
from noisician.composer.plan import Plan
from noisician.composer.ready import (
    begin_alone,
    begin_at_changes,
    fullness,
    habits_of,
    write_chart,
    write_harmony,
    write_patterns,
    write_tune,
)
from noisician.composer.regions import STRETCH_BARS
from noisician.composer.repetition import Repeats, fills_of, follow_chords, plan_repeats, take_over
from noisician.composer.writing import ComposerSettings, Passage, beat_begins, stages_of, write
from noisician.diffusion.noise import generator
from noisician.score.grid import FIRST_ONSET, STREAMS, Grid
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
        board = Board.of(plan, planned_steps(plan), given, moved_tune(tune, plan))
        write_chart(board, plan)
        known = board.tokens != MASK_TOKENS
        ends = settings.settle and has_ending(plan)
        if settings.settle:
            write_harmony(board, plan)
            board.settle(plan)
            write_marks(board, plan)
            begin_alone(board)
        if ends:
            write_ending(board, plan)
        stretches = [stretch for section in plan.sections for stretch in _stretches(section)]
        for turn, (section, first_bar, bars) in enumerate(stretches):
            returns = board.recall(section, first_bar, bars, generator(seed, 0xC0, first_bar))
            dice = generator(seed, 0xC4, section.start_bar)
            habits = habits_of(plan, section)
            repeats = None if returns else plan_repeats(section, board, dice, habits)
            if settings.settle:
                fresh = fills_of(section, board, dice, habits.fill_share) if repeats is None else repeats.fresh
                write_patterns(board, plan, section, fresh, plan.bars - ends)
                begin_at_changes(board, section)
                if returns:
                    follow_chords(board, section, first_bar, min(bars, plan.bars - ends - first_bar), plan.mode)
            if settings.settle and repeats is not None and LEAD in repeats.source:
                new = [source is None for source in repeats.source[LEAD]]
                write_tune(board, plan, section, new, plan.bars - ends)
            rng, halves = generator(seed, 0xC1, first_bar), 1 if repeats is None else 2

            def step(share: float, half: int, turn: int = turn, halves: int = halves) -> None:
                on_step((turn + (half + share) / halves) / len(stretches))

            if repeats is not None:
                self._write(board, plan, first_bar, bars, settings, rng, partial(step, half=0), section, repeats)
                there = range(first_bar - section.start_bar, first_bar - section.start_bar + bars)
                take_over(board, section, repeats, there, plan.mode)
            self._write(board, plan, first_bar, bars, settings, rng, partial(step, half=halves - 1))
        if ends:
            come_home(board.tokens, known, board.tune is not None)
        modulate(board.tokens, plan)
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
        section: Section | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        """Unmasks bars ``first_bar … first_bar + bars`` of the board in place, but not what a section ``repeats``."""
        start_bar = max(0, first_bar + bars - window_bars(board.meter))
        first, last = start_bar * board.steps_per_bar, (first_bar + bars) * board.steps_per_bar
        passage = Passage(
            board.tokens[first:last].astype(np.int64),
            board.steps.at(slice(first, last)),
            plan.style,
            beat_begins(last - first, board.meter),
            starts_piece=start_bar == 0,
            rows=slice(0, last - first),
            later=None if section is None or repeats is None else _later(board, section, repeats, first, last),
            conjunct=1.0 if plan.idiom is None else plan.idiom.conjunct,
            blue=plan.idiom is not None and plan.idiom.blue,
        )
        begins = must_begin(board, plan, first, last - first) if settings.settle else np.zeros((0, len(STREAMS)), bool)

        bias = fullness(plan, first, last) if settings.settle else {}

        def require(logits: Sequence[np.ndarray], tokens: np.ndarray) -> None:
            for stream, gain in bias.items():
                logits[stream][:, FIRST_ONSET:] += gain[:, None]
            if board.tune is not None:
                board.tune.require(logits[LEAD], first)
            struck = np.flatnonzero(begins[:, BASS])
            if len(struck):
                prefer_roots(logits[BASS], tokens[:, CHORD], struck)
            for stream in map(int, np.flatnonzero(begins.any(axis=0))):
                logits[stream][begins[:, stream], :FIRST_ONSET] = NEVER

        stages = stages_of(passage.cells, settings, song=board.tune is not None)
        one_for_all = [rng] * len(STREAMS)
        board.tokens[first:last] = write(self.network, passage, stages, settings, one_for_all, require, on_step)


def _later(board: Board, section: Section, repeats: Repeats, first: int, last: int) -> np.ndarray:
    """bool ``[last − first, streams]``: what the first pass over a section leaves open, of steps ``first … last``."""
    later = np.zeros((len(board.tokens), len(STREAMS)), bool)
    start = section.start_bar * board.steps_per_bar
    later[start : start + section.bars * board.steps_per_bar] = repeats.later(board.steps_per_bar)
    return later[first:last]


def _stretches(section: Section) -> list[tuple[Section, int, int]]:
    """A section cut into pieces of at most STRETCH_BARS: (section, first bar, bars)."""
    ends = section.start_bar + section.bars
    return [(section, first, min(STRETCH_BARS, ends - first)) for first in range(section.start_bar, ends, STRETCH_BARS)]
