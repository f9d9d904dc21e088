"""Setting the level of music that is already mixed: one gain and a true-peak limiter, at any sample rate."""

from __future__ import annotations

import numpy as np

from noisician.loudness import ABSOLUTE_GATE_LUFS, amplitude_db, integrated_loudness_lufs, tile_true_peaks
from noisician.mix import dynamics
from noisician.mix.filters import SAMPLE_RATE_HZ
from noisician.mix.mastering import CEILING_DBTP, MAX_GAIN_DB, TARGET_LUFS, hop_true_peaks

EDGE_S = 0.01  # fade in and out, against clicks
RELEASE_S = 0.09
SEARCH_STEPS = 6
TOLERANCE_LU = 0.05


def level(
    audio: np.ndarray,
    rate_hz: int,
    loudness_lufs: float = TARGET_LUFS,
    ceiling_dbtp: float = CEILING_DBTP,
    *,
    loop: bool = False,
) -> np.ndarray:
    """``[frames, 1 or 2]`` to stereo float32 ``[frames, 2]`` at the loudness asked for (ITU-R BS.1770-4).

    No equaliser and no compressor: what a model mixed stays as it mixed it. The true peak is at most ``ceiling_dbtp``;
    the loudness is met as far as ``MAX_GAIN_DB`` and the limiter allow. Silence stays silence. Unless it is a ``loop``,
    10 ms at either end are faded.
    """
    stereo = np.repeat(audio, 2, axis=1) if audio.shape[1] == 1 else audio
    out = np.array(stereo[:, :2], np.float32)
    if not loop:
        _soften_edges(out, rate_hz)
    measured = integrated_loudness_lufs(out, rate_hz)
    if not np.isfinite(measured) or measured <= ABSOLUTE_GATE_LUFS:
        return np.zeros_like(out)
    peaks = np.maximum(*(hop_true_peaks(np.ascontiguousarray(channel), loop=loop) for channel in out.T))
    curve = _limited_gain(out, rate_hz, peaks, (loudness_lufs, measured, ceiling_dbtp), loop=loop)
    out *= dynamics.ramps(curve, 0, len(out), len(out))[:, None]
    peak_db = amplitude_db(max(float(tile_true_peaks(np.ascontiguousarray(c), loop=loop).max()) for c in out.T))
    if peak_db > ceiling_dbtp:  # gain ramps can lift a peak between samples by a hair
        out *= np.float32(10 ** ((ceiling_dbtp - peak_db) / 20))
    return out


def _limited_gain(
    out: np.ndarray, rate_hz: int, peaks: np.ndarray, levels: tuple[float, float, float], *, loop: bool
) -> np.ndarray:
    """Gain curve ``[hops + 1]``: make-up times limiter, the make-up raised by what the limiter takes away."""
    target_lufs, measured_lufs, ceiling_dbtp = levels
    ceiling = 10 ** (ceiling_dbtp / 20)
    # The limiter counts time in hops of 44.1 kHz.
    release_s = RELEASE_S * rate_hz / SAMPLE_RATE_HZ
    makeup_db = min(target_lufs - measured_lufs, MAX_GAIN_DB)
    curve = np.full(len(peaks) + 1, 10 ** (makeup_db / 20))
    for _ in range(SEARCH_STEPS):
        makeup = 10 ** (makeup_db / 20)
        curve = makeup * dynamics.limiter_gain(peaks * makeup, ceiling, loop=loop, release_s=release_s)
        if curve.min() == curve.max():
            break
        gained = out * dynamics.ramps(curve, 0, len(out), len(out))[:, None]
        missing_db = target_lufs - integrated_loudness_lufs(gained, rate_hz)
        if missing_db < TOLERANCE_LU or makeup_db >= MAX_GAIN_DB:
            break
        makeup_db = min(makeup_db + missing_db, MAX_GAIN_DB)
    return curve


def _soften_edges(out: np.ndarray, rate_hz: int) -> None:
    length = min(round(EDGE_S * rate_hz), len(out))
    ramp = np.linspace(0, 1, length, dtype=np.float32)[:, None]
    out[:length] *= ramp
    out[len(out) - length :] *= ramp[::-1]
