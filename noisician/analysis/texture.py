"""How rough a spectrogram is: what a mean of many takes loses, and a single one has."""

from __future__ import annotations

import numpy as np

from noisician.mel import LOG_FLOOR

#: Cells this far above silence (nats) count as loud.
LOUD_NATS = 1.0


def loud_cells(log_mel: np.ndarray) -> np.ndarray:
    """Which cells ``[frames, bands]`` lie more than LOUD_NATS above silence."""
    return log_mel > np.log(LOG_FLOOR) + LOUD_NATS


def texture_share(reference: np.ndarray, estimate: np.ndarray) -> float:
    """How rough an estimate is, as a share of the reference: 1 is the same, below it is a blur.

    Roughness is the mean difference of neighbouring frames where the reference is loud in both.
    """
    loud = loud_cells(reference)
    both = loud[1:] & loud[:-1]
    return _roughness(estimate, both) / max(_roughness(reference, both), 1e-6)


def _roughness(log_mel: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(np.diff(log_mel, axis=0))[where].mean()) if where.any() else 0.0
