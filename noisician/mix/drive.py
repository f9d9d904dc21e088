"""A player's own drive: a tube stage between the dry stem and its equaliser.

    y = (tanh(d · x / p + b) − tanh(b)) · p / d      at twice the sample rate

p is the stem's own peak, measured once and kept, so that a stem treats alike at any level and a change of some bars
leaves the others alone; small signals pass at their level, b makes the shape lopsided and brings even harmonics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PEAK_SHARE = 0.999  # the share of samples that lie under the peak: a single click sets nothing
_STRETCH = 1 << 18  # frames driven at a time
REACH = 16  # frames before and after a sample that it hears through both resamplers


@dataclass(frozen=True)
class Drive:
    """``amount`` is d, the gain in front of the stage; ``bias`` is b, 0 for a symmetrical one."""

    amount: float
    bias: float = 0.0


def drive_peak(samples: np.ndarray) -> float:
    """What a stem's drive counts from, linear; 0 for silence. Samples of silence do not count."""
    sizes = samples[samples != 0]
    np.abs(sizes, out=sizes)
    return float(np.quantile(sizes, PEAK_SHARE, overwrite_input=True)) if len(sizes) else 0.0


def driven(samples: np.ndarray, drive: Drive, peak: float) -> np.ndarray:
    """Samples ``[frames]`` through the stage, float32; past their ends they are taken as silent."""
    if peak <= 0:
        return samples
    out = np.empty(len(samples), np.float32)
    # In stretches: at twice the rate and double precision, the whole of a long stem is ten times as large as it.
    for start in range(0, len(samples), _STRETCH):
        first, last = max(0, start - REACH), start + _STRETCH + REACH
        bent = _bent(samples[first:last], drive, peak)
        out[start : start + _STRETCH] = bent[start - first :][:_STRETCH]
    return out


def _bent(samples: np.ndarray, drive: Drive, peak: float) -> np.ndarray:

    slope, bias = np.float32(drive.amount / peak), np.float32(drive.bias)
    return _at_rate((np.tanh(slope * _fine(samples) + bias) - np.tanh(bias)) / slope, len(samples))


def driven_side(mono: np.ndarray, side: np.ndarray, drive: Drive, peak: float) -> np.ndarray:
    """What the stage leaves of a side whose mono goes through it: the side times the stage's slope at the mono.

    Left and right through a stage each would bend their sum; so the mono stays what :func:`driven` makes of it.
    """
    if peak <= 0:
        return side
    slope, bias = np.float32(drive.amount / peak), np.float32(drive.bias)
    return _at_rate(_fine(side) * (1 - np.tanh(slope * _fine(mono) + bias) ** 2), len(mono))


def _fine(samples: np.ndarray) -> np.ndarray:
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(samples, 2, 1, window=_half_band()), np.float32)


def _at_rate(fine: np.ndarray, frames: int) -> np.ndarray:
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(fine, 1, 2, window=_half_band())[:frames], np.float32)


def _half_band() -> np.ndarray:
    """A low-pass at half the doubled band's width, 2 · REACH − 1 taps: Kaiser's window, −60 dB beyond."""
    from scipy.signal import firwin

    return np.asarray(firwin(2 * REACH - 1, 0.5, window=("kaiser", 5.0)))  # pyright: ignore[reportArgumentType]
