"""How far one log-mel spectrogram is from another.

Conventions
-----------
Log-mels are ``[frames, 128]`` natural logarithms as ``noisician.mel.log_mel`` makes them, so errors are in nats
(1 nat = 8.7 dB). Levels are not aligned: a wrong level is an error.
"""

from __future__ import annotations

import numpy as np

from noisician.analysis.inputs import mono
from noisician.errors import NoisicianError
from noisician.mel import log_mel

#: How many frames two spectrograms of the same score may differ in length (a trailing hop).
LENGTH_SLACK_FRAMES = 8


def _same_frames(reference: np.ndarray, estimate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    reference, estimate = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    if reference.ndim != 2 or estimate.ndim != 2 or reference.shape[1] != estimate.shape[1]:
        raise NoisicianError(f"log-mels of shapes {reference.shape} and {estimate.shape}; both must be [frames, bands]")
    if abs(len(reference) - len(estimate)) > LENGTH_SLACK_FRAMES:
        raise NoisicianError(
            f"log-mels of {len(reference)} and {len(estimate)} frames; they may differ by "
            f"{LENGTH_SLACK_FRAMES} frames at most (are they of the same score?)"
        )
    frames = min(len(reference), len(estimate))
    if not frames:
        raise NoisicianError("log-mels of 0 frames; audio shorter than one hop of 512 samples has no spectrogram")
    return reference[:frames], estimate[:frames]


def log_mel_error(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Mean absolute difference in nats over frames and bands of two log-mels ``[frames, bands]``."""
    first, second = _same_frames(reference, estimate)
    return float(np.abs(first - second).mean())


def audio_log_mel_error(reference: np.ndarray, estimate: np.ndarray) -> float:
    """:func:`log_mel_error` of two recordings ``[samples]`` or ``[samples, channels]`` at 44.1 kHz."""
    first, second = (log_mel(mono(samples).astype(np.float32)) for samples in (reference, estimate))
    return log_mel_error(first, second)
