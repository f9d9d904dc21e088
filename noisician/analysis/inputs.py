"""What every listener asks of its input."""

from __future__ import annotations

import numpy as np

from noisician.errors import NoisicianError


def mono(samples: np.ndarray) -> np.ndarray:
    """Samples ``[n]`` or ``[n, channels]`` → float64 ``[n]``, channels averaged.

    Raises NoisicianError for no samples, another shape, or values that are not finite.
    """
    array = np.asarray(samples, np.float64)
    if array.ndim == 2:
        if array.shape[1] > array.shape[0]:
            raise NoisicianError(
                f"audio of shape {array.shape} has more channels than samples; "
                "it must be [samples, channels] (did you pass [channels, samples]?)"
            )
        array = array.mean(axis=1)
    if array.ndim != 1 or not array.size:
        raise NoisicianError(f"audio of shape {np.shape(samples)}; it must be [samples] or [samples, channels]")
    if not np.isfinite(array).all():
        raise NoisicianError(
            f"audio has {int((~np.isfinite(array)).sum())} samples that are NaN or infinite; "
            "a network has diverged or a file is damaged"
        )
    return array


def event_times(times_s: np.ndarray, name: str) -> np.ndarray:
    """Event times ``[events]`` in seconds, checked and sorted. Raises NoisicianError."""
    times = np.sort(np.asarray(times_s, np.float64).reshape(-1))
    if not np.isfinite(times).all() or (times < 0).any():
        raise NoisicianError(f"{name} holds negative or infinite times; events must be in seconds from the start")
    if times.size and times[-1] > 30_000:
        raise NoisicianError(f"{name} reaches {times[-1]:g} s, the limit is 30000 s (did you pass samples or frames?)")
    return times
