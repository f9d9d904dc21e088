"""Noise that belongs to a place, not to a batch.

Block ``k`` of a stream has the same numbers whatever is drawn beside it, so a window rendered alone, in another batch
or in a longer piece starts from the same noise. Philox is counter-based: any block is reached without the ones before.
"""

from __future__ import annotations

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
