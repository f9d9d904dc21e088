"""Brings a sound nearer to the mel that was asked for.

The inverse STFT of any spectrum is heard with another one (frames overlap). Measuring the mel of what is heard and
multiplying each band's bins by what is missing is one projection of Griffin and Lim (1984) with a mel in the place of
the magnitudes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from noisician.mel import log_mel_of_magnitude, mel_filters, stft

#: A correction moves a band by at most this factor (natural log): it repairs, it does not invent.
CORRECTION_LIMIT_NATS = 1.5


def corrected(samples: np.ndarray, log_mel: np.ndarray) -> np.ndarray:
    """Spectra ``[frames, 1025]`` of ``samples [frames · HOP]``, each bin scaled towards the mel, keeping the phase."""
    heard = stft(samples)
    missing = np.clip(log_mel - log_mel_of_magnitude(np.abs(heard)), -CORRECTION_LIMIT_NATS, CORRECTION_LIMIT_NATS)
    return heard * np.exp(np.ascontiguousarray((bands_to_bins() @ missing.T).T))


@cache
def bands_to_bins() -> Any:
    """Sparse ``[1025, 128]``: each bin takes the weighted mean of the bands it belongs to."""
    from scipy.sparse import csr_matrix

    filters = mel_filters() / mel_filters().max(axis=1, keepdims=True)
    return csr_matrix((filters / np.maximum(filters.sum(axis=0, keepdims=True), 1e-6)).T.astype(np.float32))
