"""What a rewritten part keeps of the old one: its rhythm, or its contour too.

The contour is sampled exactly. Given the network's opinion of each note alone, the notes of a line are a Markov chain
whose links allow only intervals of the old direction, and a chain is drawn by filtering forward and sampling backward
(Rabiner 1989, https://doi.org/10.1109/5.18626; Frühwirth-Schnatter 1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from noisician.composer.board import NEVER
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.lines import COST_BEYOND, EASY_LEAP_SEMITONES
from noisician.diffusion.noise import generator
from noisician.diffusion.unmask import Choice, nucleus
from noisician.score.grid import (
    DRUMS,
    FIRST_ONSET,
    LEVELS,
    PITCH_HIGH,
    PITCH_LOW,
    REST,
    STREAMS,
)

#: What stays: nothing; when notes begin and end and how loud they are; and whether each goes up, down or stays.
Keep = Literal["nothing", "rhythm", "contour"]
#: The widest interval of a kept contour, unless the old one was wider.
WIDEST_SEMITONES = 12
_PITCHES = PITCH_HIGH - PITCH_LOW + 1
_DRUM_STREAMS = tuple(STREAMS.index(name) for name in DRUMS)


def masked_for(tokens: np.ndarray, cells: np.ndarray, keep: Keep) -> np.ndarray:
    """A copy of ``tokens [steps, streams]`` with mask tokens where ``cells`` are open and not kept.

    Of notes only the onsets are chosen anew; of drums every piece of the kit is open where any of the open ones was
    hit, and none elsewhere; the harmony is open throughout (that it changes where it did is up to the passage).
    """
    chosen = cells.copy()
    if keep != "nothing":
        for stream, name in enumerate(STREAMS):
            if name != "chord" and name not in DRUMS:
                chosen[:, stream] &= tokens[:, stream] >= FIRST_ONSET
        drums = list(_DRUM_STREAMS)
        chosen[:, drums] &= (cells[:, drums] & (tokens[:, drums] != REST)).any(axis=1)[:, None]
    return np.where(chosen, MASK_TOKENS, tokens).astype(tokens.dtype)


def require_levels(logits: Sequence[np.ndarray], old: np.ndarray, cells: np.ndarray) -> None:
    """In place: open onsets of notes stay onsets of the level they had in ``old [steps, streams]``."""
    for stream, name in enumerate(STREAMS):
        if name == "chord" or name in DRUMS:
            continue
        rows = np.flatnonzero(cells[:, stream] & (old[:, stream] >= FIRST_ONSET))
        same = (np.arange(logits[stream].shape[1]) - old[rows, stream][:, None]) % LEVELS == 0
        same[:, :FIRST_ONSET] = False
        logits[stream][rows] = np.where(same, logits[stream][rows], NEVER)


def hit_again(tokens: np.ndarray, old: np.ndarray, cells: np.ndarray) -> None:
    """In place: where the kit was hit and nothing of it is now, the old hits return, so that its rhythm stays."""
    drums = list(_DRUM_STREAMS)
    open_ = cells[:, drums]
    was_hit = (open_ & (old[:, drums] != REST)).any(axis=1)
    is_hit = (open_ & (tokens[:, drums] != REST)).any(axis=1)
    again = open_ & (was_hit & ~is_hit)[:, None]
    tokens[:, drums] = np.where(again, old[:, drums], tokens[:, drums])


@dataclass(frozen=True)
class Contour:
    """One line whose intervals keep their directions.

    ``stream`` is its column, ``old [steps]`` the tokens of the whole piece before, ``name`` the numbers of its
    randomness.
    """

    stream: int
    old: np.ndarray
    name: tuple[int, ...]

    def require(self, logits: np.ndarray, tokens: np.ndarray, first: int, choice: Choice) -> None:
        """In place, ``logits [rows, vocabulary]`` of the passage from step ``first`` of the piece, whose line is
        ``tokens [steps]``: each open onset of the passage allows one note, all of them together the old contour."""
        onsets = np.flatnonzero((self.old >= FIRST_ONSET) & (self.old != MASK_TOKENS[self.stream]))
        open_ = tokens[onsets] == MASK_TOKENS[self.stream]
        wanted = open_ & (onsets >= first) & (onsets < first + len(logits))
        if not wanted.any():
            return
        chain = _between_known(open_, wanted)
        onsets, open_, wanted = onsets[chain], open_[chain], wanted[chain]
        unary = np.zeros((len(onsets), _PITCHES))
        for place, step in enumerate(onsets):
            level = (int(self.old[step]) - FIRST_ONSET) % LEVELS
            if wanted[place]:
                notes = logits[step - first, FIRST_ONSET + level :: LEVELS]
                unary[place] = np.log(nucleus(notes[None], choice)[0] + 1e-12)
            elif not open_[place]:
                unary[place] = -np.inf
                unary[place, (int(tokens[step]) - FIRST_ONSET) // LEVELS] = 0
        old = (self.old[onsets] - FIRST_ONSET) // LEVELS
        rng = generator(*self.name, int(open_.sum()))
        drawn = draw_chain(unary, [link(int(interval)) for interval in np.diff(old)], rng)
        for place in np.flatnonzero(wanted):
            row, level = onsets[place] - first, (int(self.old[onsets[place]]) - FIRST_ONSET) % LEVELS
            logits[row] = NEVER
            logits[row, FIRST_ONSET + LEVELS * drawn[place] + level] = 0


def _between_known(open_: np.ndarray, wanted: np.ndarray) -> slice:
    """The notes from the last known one before those ``wanted`` to the first known one after them."""
    known = np.flatnonzero(~open_)
    first, last = np.flatnonzero(wanted)[[0, -1]]
    before, after = known[known < first], known[known > last]
    return slice(before[-1] if len(before) else 0, after[0] + 1 if len(after) else len(open_))


@cache
def link(old_semitones: int) -> np.ndarray:
    """Log weights ``[pitches, pitches]`` of going from one pitch to the next where an interval went before.

    −∞ for another direction and for more than WIDEST_SEMITONES (or the old interval); leaps cost what they cost a tune,
    unless the old one was as wide.
    """
    pitches = np.arange(_PITCHES)
    interval = pitches[None, :] - pitches[:, None]
    allowed = np.sign(interval) == np.sign(old_semitones)
    allowed &= np.abs(interval) <= max(WIDEST_SEMITONES, abs(old_semitones))
    beyond = np.maximum(0, np.abs(interval) - max(EASY_LEAP_SEMITONES, abs(old_semitones)))
    return np.where(allowed, -float(COST_BEYOND) * beyond, -np.inf)


def draw_chain(unary: np.ndarray, links: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """int ``[places]``: one sample of the chain with log weights ``unary [places, states]`` and ``links`` between
    neighbours ``[states, states]``."""
    forward = [_normal(unary[0])]
    for weights, between in zip(unary[1:], links, strict=True):
        forward.append(_normal(weights + _log_sum(forward[-1][:, None] + between)))
    drawn = np.empty(len(unary), int)
    for place in range(len(unary) - 1, -1, -1):
        weights = forward[place]
        if place + 1 < len(unary):
            weights = weights + links[place][:, drawn[place + 1]]
        shares = np.exp(weights - weights.max())
        drawn[place] = np.searchsorted(np.cumsum(shares), rng.random() * shares.sum(), side="right")
    return drawn


def _normal(weights: np.ndarray) -> np.ndarray:
    return weights - weights.max()


def _log_sum(weights: np.ndarray) -> np.ndarray:
    """log Σ exp over the first axis, −∞ where all are."""
    top = weights.max(axis=0)
    safe = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(weights - safe).sum(axis=0)) + safe
