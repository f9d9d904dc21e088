"""Noise that belongs to a place, not to a batch.

Block ``k`` of a stream has the same numbers whatever is drawn beside it, so a window rendered alone, in another batch
or in a longer piece starts from the same noise. Philox is counter-based: any block is reached without the ones before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BLOCK_ROWS = 64


def generator(seed: int, *path: int) -> np.random.Generator:
    """An independent generator for a place named by whole numbers."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *path])))


def noise_rows(seed: int, stream: int, first_row: int, rows: int, width: int) -> np.ndarray:
    """Rows ``first_row … first_row + rows`` of a stream's endless Gaussian field, float32 ``[rows, width]``."""
    first_block, last_block = first_row // BLOCK_ROWS, (first_row + rows - 1) // BLOCK_ROWS
    blocks = [
        generator(seed, stream, block).standard_normal((BLOCK_ROWS, width), np.float32)
        for block in range(first_block, last_block + 1)
    ]
    offset = first_row - first_block * BLOCK_ROWS
    return np.concatenate(blocks)[offset : offset + rows]


@dataclass(frozen=True)
class NoiseSpan:
    """Rows ``first_row … last_row`` (exclusive) that take their noise from a stream of their own."""

    first_row: int
    last_row: int
    stream: int


@dataclass(frozen=True)
class NoiseField:
    """The noise of one player: a stream's field, with stretches that were drawn anew."""

    seed: int
    stream: int
    redrawn: tuple[NoiseSpan, ...] = ()

    def rows(self, first_row: int, rows: int, width: int, domain: int = 0, shift: int = 0) -> np.ndarray:
        """Rows ``first_row … first_row + rows``, float32 ``[rows, width]``.

        ``domain`` keeps apart the noises that different parts of the house draw for the same player; ``shift`` is added
        to the row numbers of the field, which have to be positive, and not to those of the stretches.
        """
        noise = noise_rows(self.seed, domain + self.stream, first_row + shift, rows, width)
        for span in self.within(first_row, rows):
            low, high = max(span.first_row, first_row), min(span.last_row, first_row + rows)
            own = noise_rows(self.seed, domain + span.stream, low + shift, high - low, width)
            noise[low - first_row : high - first_row] = own
        return noise

    def within(self, first_row: int, rows: int) -> Sequence[NoiseSpan]:
        """The stretches that reach into some rows."""
        last_row = first_row + rows
        return [span for span in self.redrawn if span.first_row < last_row and span.last_row > first_row]

    def named(self, first_row: int, rows: int) -> tuple[object, ...]:
        """All that the noise of some rows depends on, as values."""
        return (self.seed, self.stream, *self.within(first_row, rows))
