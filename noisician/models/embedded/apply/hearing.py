"""What the composer hears when somebody is written: the other players, and the tune that is sung."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noisician.models.embedded.song import tune_tokens
from noisician.piece import Piece, Player
from noisician.score.grid import REST, STREAMS, Grid

#: The columns in which a tune is heard where they are free, the likest first.
TUNE_STREAMS = ("lead", "counter", "arp")


def heard_grid(piece: Piece, players: Sequence[Player], opened: np.ndarray | None = None) -> Grid:
    """The grid with ``players`` (of one role the first) and what is sung.

    Nobody plays what is sung, so it is in no column of the piece: it is put where a line like it would stand, bar by
    bar where that rests. ``opened`` bool ``[steps, streams]`` are cells to be written, which it must not stand in.
    """
    assert piece.grid is not None
    grid = piece.grid.together(players, piece.plan.time_signature)
    if piece.song is None:
        return grid
    per_bar = grid.meter.steps_per_bar
    tune = tune_tokens(piece.song, piece.plan.key, len(grid.tokens)).reshape(-1, per_bar)
    tokens = grid.tokens.reshape(-1, per_bar, len(STREAMS)).copy()
    unplaced = (tune != REST).any(axis=1)
    for name in TUNE_STREAMS:
        stream = STREAMS.index(name)
        free = (tokens[:, :, stream] == REST).all(axis=1)
        if opened is not None:
            free &= ~opened[:, stream].reshape(-1, per_bar).any(axis=1)
        here = unplaced & free
        tokens[here, :, stream] = tune[here]
        unplaced &= ~here
    return Grid(tokens.reshape(-1, len(STREAMS)), grid.time_signature)
