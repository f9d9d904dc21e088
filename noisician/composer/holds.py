"""Held notes: a hold needs something to hold, while it is written and where old and new meet."""

from __future__ import annotations

import numpy as np

from noisician.composer.board import NEVER
from noisician.score.grid import CHORDAL, FIRST_ONSET, HOLD, MONOPHONIC, REST, STREAMS

NOTE_STREAMS = tuple(STREAMS.index(name) for name in (*MONOPHONIC, *CHORDAL))


def forbid_loose_holds(logits: np.ndarray, tokens: np.ndarray, starts_piece: bool) -> None:
    """In place: nothing may be held after a known rest, and no rest may stand before a known hold.

    ``logits [steps, vocabulary]`` and ``tokens [steps]`` of one stream of notes.
    """
    after_rest = np.empty(len(tokens), bool)
    after_rest[0], after_rest[1:] = starts_piece, tokens[:-1] == REST
    logits[after_rest, HOLD] = NEVER
    logits[:-1][tokens[1:] == HOLD, REST] = NEVER


def sounding(line: np.ndarray) -> np.ndarray:
    """bool ``[steps]``: where a stream of notes, ``line [steps]``, sounds; a hold after nothing is a rest."""
    begun = begin_of_note(line)
    return (begun >= 0) & (line[begun] >= FIRST_ONSET)


def begin_of_note(line: np.ndarray) -> np.ndarray:
    """int ``[steps]``: the last step that is no hold, where what is in force began; −1 before the first such."""
    return np.maximum.accumulate(np.where(line != HOLD, np.arange(len(line)), -1))


def mend_holds(tokens: np.ndarray, old: np.ndarray, cells: np.ndarray) -> None:
    """In place, among the open ``cells`` of ``tokens [steps, streams]``: holds of nothing become rests.

    Where they lead up to a hold outside of the cells, which sounded in ``old``, they hold its old note instead: it is
    struck where they begin. Cells outside are never touched; one that is left with nothing to hold is a rest to whoever
    reads the grid.
    """
    for stream in NOTE_STREAMS:
        line, before, open_ = tokens[:, stream], old[:, stream], cells[:, stream]
        follows = np.flatnonzero(open_[:-1] & ~open_[1:] & (line[1:] == HOLD) & sounding(before)[1:])
        for last in follows[line[follows] == HOLD]:
            if not sounding(line)[last]:
                inside = last + 1 - np.argmin(np.append((open_ & (line == HOLD))[last::-1], False))
                line[inside] = before[begin_of_note(before)[last + 1]]
        line[open_ & (line == HOLD) & ~sounding(line)] = REST
