"""Stretches of audio made anew and the rest kept, in samples and in latent frames; what a job may ask for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from noisician.errors import RequestError
from noisician.models.checkpoints.family import Job

#: New and old audio cross over this long at each end of a stretch, inside it.
CROSSFADE_S = 0.02
#: How much of ``init`` goes where a job does not say.
DEFAULT_STRENGTH = 0.7
STEPS_RANGE = (1, 1000)
GUIDANCE_RANGE = (0.0, 50.0)


def check_job(job: Job, duration_range_s: tuple[float, float], channels: int, sample_rate_hz: int) -> None:
    """Raises RequestError for a duration, step count, guidance, strength, stretch or clip out of range."""
    _check_range("a single call's duration", job.duration_s, duration_range_s, " s")
    if job.steps is not None:
        _check_range("steps", job.steps, STEPS_RANGE)
    if job.guidance_scale is not None:
        _check_range("guidance_scale", job.guidance_scale, GUIDANCE_RANGE)
    if job.strength is not None:
        _check_range("strength", job.strength, (0.0, 1.0))
    if job.init is None:
        if job.repaint or job.strength is not None:
            raise RequestError(
                "repaint and strength are about init audio, and there is none; name a file to start from"
            )
        return
    wanted = (frame_count(job.duration_s, sample_rate_hz), channels)
    if job.init.shape != wanted:
        raise RequestError(
            f"init audio is {job.init.shape} frames by channels, not {wanted}; cut and resample it first"
        )
    for start_s, end_s in job.repaint:
        if not 0 <= start_s < end_s <= job.duration_s + 1e-6:
            raise RequestError(
                f"repaint {start_s:g} to {end_s:g} s is no stretch of {job.duration_s:g} s of audio; "
                "start before end, both inside"
            )


def _check_range(name: str, value: float, limits: tuple[float, float], unit: str = "") -> None:
    if not limits[0] <= value <= limits[1]:
        raise RequestError(f"{name} must be {limits[0]:g} to {limits[1]:g}{unit}, not {value:g}{unit}")


def frame_count(duration_s: float, sample_rate_hz: int) -> int:
    return round(duration_s * sample_rate_hz)


def exact_length(audio: np.ndarray, frames: int) -> np.ndarray:
    """``audio`` ``[any, channels]`` cut to ``frames``, or its last frame held where rounding lost one."""
    missing = frames - len(audio)
    return audio[:frames] if missing <= 0 else np.pad(audio, ((0, missing), (0, 0)), mode="edge")


def latent_frames_kept(stretches: Sequence[tuple[float, float]], frames: int, frames_per_s: float) -> np.ndarray:
    """float32 ``[frames]``: 1 where a latent frame is kept, 0 where any part of it lies in a stretch."""
    kept = np.ones(frames, np.float32)
    for start_s, end_s in stretches:
        first = math.floor(start_s * frames_per_s + 1e-6)
        kept[first : math.ceil(end_s * frames_per_s - 1e-6)] = 0
    return kept


def keep_outside(
    made: np.ndarray, init: np.ndarray, stretches: Sequence[tuple[float, float]], sample_rate_hz: int
) -> np.ndarray:
    """``made`` in the stretches and ``init``, sample for sample, everywhere else; both ``[frames, channels]``."""
    share = np.zeros(len(init), np.float32)
    for start_s, end_s in stretches:
        first, last = frame_count(start_s, sample_rate_hz), min(frame_count(end_s, sample_rate_hz), len(init))
        fade = min(round(CROSSFADE_S * sample_rate_hz), (last - first) // 4)
        stretch = np.ones(last - first, np.float32)
        ramp = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
        if first > 0:
            stretch[:fade] = ramp
        if last < len(init):
            stretch[len(stretch) - fade :] = ramp[::-1]
        share[first:last] = np.maximum(share[first:last], stretch)
    return share[:, None] * made + (1 - share[:, None]) * init
