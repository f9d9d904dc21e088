"""Rewrites any cells of a grid, hearing what stands before, beside and after them.

Open bars are written in stretches of at most eight, each seen with four bars on both sides, which in a loop go round.
What is not open comes back untouched, cell by cell. The randomness of each role is named by (draw, role, bar): the same
numbers give the same cells, and regions more than four bars apart are the same written together or one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from noisician.composer.attempts import ATTEMPTS, Attempt, count_onsets
from noisician.composer.board import CHORD, NEVER, Board, active_roles, planned_steps
from noisician.composer.compose import Composer
from noisician.composer.conditions import GRID_ROLES, MASK_TOKENS
from noisician.composer.holds import NOTE_STREAMS, mend_holds
from noisician.composer.keeping import Contour, Keep, hit_again, masked_for, require_levels
from noisician.composer.plan import Plan
from noisician.composer.regions import (
    CONTEXT_BARS,
    HARMONY,
    columns,
    neighbours_of,
    opened_bars,
    regions,
    role_of,
    streams_of,
    stretch_bars,
    stretches,
)
from noisician.composer.wishes import Wishes, lean
from noisician.composer.writing import ComposerSettings, Passage, beat_begins, stages_of, write
from noisician.diffusion.noise import generator
from noisician.diffusion.unmask import Choice
from noisician.errors import RequestError
from noisician.score.grid import HOLD, MONOPHONIC, REST, STREAMS, Grid
from noisician.score.model import Meter

_CELLS, _CONTOUR = 0xC2, 0xC3


def infill(
    composer: Composer,
    plan: Plan,
    grid: Grid,
    open_cells: np.ndarray,
    draws: int | Mapping[str, int],
    *,
    keep: Keep = "nothing",
    wishes: Wishes | None = None,
    settings: ComposerSettings | None = None,
    on_step: Callable[[float], None] = lambda share: None,
) -> Grid:
    """The grid with its open cells written anew.

    ``open_cells`` is bool ``[steps, streams]`` (see :func:`~noisician.composer.regions.open_cells`); every other cell
    comes back as it was, mask tokens included. ``draws`` is the number of the draw, or one for each role with open
    cells (:data:`~noisician.composer.regions.HARMONY` for the chords).

    ``keep`` "rhythm": onsets, holds and levels stay, pitches and voicings are new; of drums the steps that are hit
    (another piece of the kit may be), of the harmony the steps on which it changes. "contour": the same, and each
    interval of a single line goes up, down or nowhere as it did, also to the notes beside the region. ``on_step`` may
    raise to cancel.

    Inside the region nothing is held after nothing. A note from before may be held on into it or end there. What is
    held on after it holds what the region ends with, or, if that is nothing, its old note, struck inside the region.

    A role that comes back silent all over a region, or not as dense as was wished, is written again; so is, once,
    one whose whole bars came back as they were, now without hearing what it plays itself around them. Raises
    RequestError for a grid that is not the plan's and for keeping what is not known, ValueError for arrays of the wrong
    shape and roles without a draw.
    """
    _check(plan, grid, open_cells, keep)
    job = _Job(
        composer, plan, grid.tokens, open_cells, draws, keep, wishes or Wishes(), settings or ComposerSettings()
    )  # fmt: skip
    if isinstance(draws, Mapping) and not draws.keys() >= set(job.roles):
        raise ValueError(f"no draw for {', '.join(sorted(set(job.roles) - draws.keys()))}; there are {dict(draws)}")
    tokens = grid.tokens.copy()
    parts = job.apart(grid.meter.steps_per_bar)
    for turn, part in enumerate(parts):
        part.rewrite(tokens, lambda share, turn=turn: on_step((turn + share) / len(parts)))
    if not parts:
        on_step(1.0)
    return Grid(tokens, plan.time_signature)


def _check(plan: Plan, grid: Grid, open_cells: np.ndarray, keep: Keep) -> None:
    if grid.time_signature != plan.time_signature or grid.bars != plan.bars:
        raise RequestError(
            f"a grid of {grid.bars} bars in {grid.time_signature} under a plan of {plan.bars} bars in "
            f"{plan.time_signature}; it belongs to another piece"
        )
    if open_cells.shape != grid.tokens.shape:
        raise ValueError(f"open cells of shape {open_cells.shape} for a grid of {grid.tokens.shape}")
    if keep != "nothing" and (open_cells & (grid.tokens == MASK_TOKENS)).any():
        raise RequestError(f"the {keep} of bars that nobody has written yet cannot be kept; keep nothing there")


@dataclass(frozen=True)
class _Job:
    """What is asked. ``old`` are the piece's tokens before, ``cells`` what may change, both ``[steps, streams]``."""

    composer: Composer
    plan: Plan
    old: np.ndarray
    cells: np.ndarray
    draws: int | Mapping[str, int]
    keep: Keep
    wishes: Wishes
    settings: ComposerSettings

    @property
    def free(self) -> np.ndarray:
        """The open cells that may hold something."""
        return self.cells & ~np.isin(STREAMS, list(self.wishes.forbidden))

    @property
    def roles(self) -> tuple[str, ...]:
        """Whose cells are free, the harmony's included."""
        return tuple(dict.fromkeys(role_of(stream) for stream in np.flatnonzero(self.free.any(axis=0)).tolist()))

    def apart(self, steps_per_bar: int) -> list[_Job]:
        """The same, for each of the regions that do not hear each other."""
        parts = []
        for first, last in regions(opened_bars(self.cells, steps_per_bar)):
            own = np.zeros_like(self.cells)
            own[first * steps_per_bar : last * steps_per_bar] = True
            parts.append(replace(self, cells=self.cells & own))
        return parts

    def rewrite(self, tokens: np.ndarray, on_step: Callable[[float], None]) -> None:
        """In place: the job's cells of ``tokens``, each role as often as it takes."""
        cells, tries = self.cells, {role: Attempt() for role in self.roles}
        for turn in range(ATTEMPTS):
            self.write(tokens, cells, tries, lambda share, turn=turn: on_step(1.0 if turn else share))
            again = self.again(tokens, tries)
            if not again:
                break
            tries |= again
            cells = self.cells & columns(again)

    def write(
        self, tokens: np.ndarray, cells: np.ndarray, tries: Mapping[str, Attempt], on_step: Callable[[float], None]
    ) -> None:
        """In place: ``cells`` of ``tokens``, which are those of the job or some of them."""
        free = cells & self.free
        masked = masked_for(np.where(cells, self.old, tokens), free, self.keep)
        masked[cells & ~free] = REST
        steps = planned_steps(self.plan, self._heard(masked))
        board = Board.of(self.plan, steps, Grid(masked, self.plan.time_signature))
        parts = [
            _Stretch.of(board, free, *bars, self.plan.loop)
            for bars in stretches(opened_bars(free, board.steps_per_bar), stretch_bars(board.meter))
        ]
        for turn, part in enumerate(parts):
            self._write_stretch(board, part, tries, lambda share, turn=turn: on_step((turn + share) / len(parts)))
        if not parts:
            on_step(1.0)
        tokens[cells] = board.tokens[cells]

    def _heard(self, tokens: np.ndarray) -> np.ndarray:
        """bool ``[bars, len(GRID_ROLES)]``: who is planned, sounds or has been asked to play, in each bar."""
        sounds = (tokens != REST) & (self.cells | (tokens != MASK_TOKENS))
        per_bar = len(tokens) // self.plan.bars
        heard = active_roles(self.plan)
        for place, role in enumerate(GRID_ROLES):
            streams = streams_of(role)
            if {STREAMS[stream] for stream in streams} <= self.wishes.forbidden:
                heard[:, place] &= ~opened_bars(self.cells, per_bar, streams)
            heard[:, place] |= opened_bars(sounds, per_bar, streams)
        return heard

    def _write_stretch(
        self, board: Board, part: _Stretch, tries: Mapping[str, Attempt], on_step: Callable[[float], None]
    ) -> None:
        seen, inside = part.seen, part.inside
        steps = board.steps.at(seen)
        alone = columns(role for role, attempt in tries.items() if attempt.afresh)
        passage = Passage(
            np.where(part.own_surroundings & alone, MASK_TOKENS, board.tokens)[seen].astype(np.int64),
            self.wishes.steps(steps, inside),
            self.wishes.style(self.plan.style),
            self._chord_begins(seen, board.meter),
            starts_piece=bool(seen[0] == 0),
            rows=inside,
        )
        biases, loudness = self._onset_biases(tries), self.wishes.loudness_bias(steps.features[:, 0])
        contours = self._contours(part, tries) if self.keep == "contour" else ()
        choice = Choice(self.settings.temperature, self.settings.top_p)

        def require(logits: Sequence[np.ndarray], guess: np.ndarray) -> None:
            lean(logits, biases, loudness)
            if self.plan.loop:  # what sounds at the end ends there, though the beginning is heard after it
                for stream in NOTE_STREAMS:
                    logits[stream][seen == 0, HOLD] = NEVER
            if self.keep != "nothing":
                require_levels(logits, self.old[seen], part.cells[seen])
            for contour in contours:
                line = board.tokens[:, contour.stream].astype(np.int64)
                line[seen] = guess[:, contour.stream]
                contour.require(logits[contour.stream][inside], line, part.rows.start, choice)

        stages = stages_of(passage.cells, self.settings)
        rng = [generator(*self._name(role_of(stream), part, tries), _CELLS, stream) for stream in range(len(STREAMS))]
        written = write(self.composer.network, passage, stages, self.settings, rng, require, on_step)
        board.tokens[part.cells] = written[part.cells[seen]]
        mend = mend_holds if self.keep == "nothing" else hit_again
        mend(board.tokens, self.old, part.cells)

    def _chord_begins(self, seen: np.ndarray, meter: Meter) -> np.ndarray:
        """Where an open harmony may change: on beats, or where it did."""
        steps = len(seen)
        if self.keep == "nothing":
            return beat_begins(steps, meter)
        chord, open_ = self.old[seen, CHORD], self.cells[seen, CHORD]
        changes = np.ones(steps, bool)
        changes[1:] = (chord[1:] != chord[:-1]) | (open_[1:] != open_[:-1])
        return np.maximum.accumulate(np.where(changes, np.arange(steps), 0))

    def _onset_biases(self, tries: Mapping[str, Attempt]) -> dict[int, float]:
        """By stream, what its onsets gain in log likelihood."""
        wished = self.wishes.onset_bias(self.plan.style)
        players = {role: attempt for role, attempt in tries.items() if role != HARMONY}
        return {stream: wished + attempt.onset_bias for role, attempt in players.items() for stream in streams_of(role)}

    def _contours(self, part: _Stretch, tries: Mapping[str, Attempt]) -> tuple[Contour, ...]:
        lines = [stream for stream, name in enumerate(STREAMS) if name in MONOPHONIC and part.cells[:, stream].any()]
        return tuple(
            Contour(stream, self.old[:, stream], (*self._name(role_of(stream), part, tries), _CONTOUR))
            for stream in lines
        )

    def _name(self, role: str, part: _Stretch, tries: Mapping[str, Attempt]) -> tuple[int, ...]:
        """The numbers of a role's randomness in a stretch."""
        draw = self.draws.get(role, 0) if isinstance(self.draws, Mapping) else self.draws
        return draw, crc32(role.encode()), part.first_bar_of(role), tries.get(role, Attempt()).number

    def again(self, tokens: np.ndarray, tries: Mapping[str, Attempt]) -> dict[str, Attempt]:
        """The roles that have to be written once more, and how."""
        density = self.wishes.onset_bias(self.plan.style) if self.keep == "nothing" else 0.0
        following = {}
        for role, attempt in tries.items():
            cells = self.free & columns([role])
            if self.keep == "nothing" or count_onsets(self.old, cells):
                following[role] = attempt.next(self.old, tokens, cells, density, self._is_whole(cells))
        return {role: attempt for role, attempt in following.items() if attempt is not None}

    def _is_whole(self, cells: np.ndarray) -> bool:
        """Whether every bar that has open cells of a role is open as a whole."""
        bars = cells[:, cells.any(axis=0)].reshape(self.plan.bars, -1)
        return bool((bars.all(axis=1) == bars.any(axis=1)).all())


@dataclass(frozen=True)
class _Stretch:
    """Bars that are written at once: ``rows`` of the piece, ``seen`` with their surroundings, and their open cells.

    In a loop the surroundings go round, as far as no bar is seen twice.
    """

    rows: slice
    seen: np.ndarray  # int [steps]: rows in the order in which they are heard
    cells: np.ndarray  # bool [steps, streams] of the whole piece
    steps_per_bar: int

    @classmethod
    def of(cls, board: Board, cells: np.ndarray, first_bar: int, last_bar: int, loop: bool) -> _Stretch:
        per_bar, bars = board.steps_per_bar, len(cells) // board.steps_per_bar
        rows = slice(first_bar * per_bar, last_bar * per_bar)
        if loop:
            others = bars - (last_bar - first_bar)
            before = min(CONTEXT_BARS, others // 2)
            after = min(CONTEXT_BARS, others - before)
        else:
            before, after = min(CONTEXT_BARS, first_bar), min(CONTEXT_BARS, bars - last_bar)
        seen = np.arange((first_bar - before) * per_bar, (last_bar + after) * per_bar) % len(cells)
        own = np.zeros_like(cells)
        own[rows] = cells[rows]
        return cls(rows, seen, own, per_bar)

    @property
    def own_surroundings(self) -> np.ndarray:
        """bool ``[steps, streams]``: what is not open, but for the steps next to what is, where notes are tied."""
        return ~self.cells & ~neighbours_of(self.cells)

    @property
    def inside(self) -> slice:
        """``rows`` counted from the first step that is seen."""
        first = (self.rows.start - int(self.seen[0])) % len(self.cells)
        return slice(first, first + self.rows.stop - self.rows.start)

    def first_bar_of(self, role: str) -> int:
        """The first bar in which the role has something open, or of the stretch."""
        bars = np.flatnonzero(opened_bars(self.cells, self.steps_per_bar, streams_of(role)))
        return int(bars[0]) if len(bars) else self.rows.start // self.steps_per_bar
