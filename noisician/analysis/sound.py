"""How a recording sounds, whatever is played: loudness, dynamics, width, balance of the spectrum.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz; loudness is that of BS.1770-4.
* The balance is the level of each octave against the whole, in dB, over the moments that are not silent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from noisician.analysis.inputs import mono
from noisician.loudness import integrated_loudness_lufs, momentary_loudness_lufs, true_peak_dbtp
from noisician.mel import SAMPLE_RATE_HZ, hann_window

OCTAVES_HZ = (31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
SILENT_LUFS = -70.0
_FFT = 8192
_FRAMES_AT_ONCE = 512
#: Of momentary loudness within the gate these percentiles are quiet and loud (EBU Tech 3342 has them of 3 s).
_QUIET, _LOUD, _GATE_LU = 10, 95, 20.0


@dataclass(frozen=True)
class Sound:
    """``range_lu`` is how far loud moments lie over quiet ones; ``width`` the share of the sides in all energy (0 mono,
    0.5 as much at the sides as in the middle); ``balance_db [10]`` of OCTAVES_HZ; ``brightness_hz`` the centre of
    gravity of the spectrum on a logarithmic scale. Levels of silence are SILENT_LUFS."""

    loudness_lufs: float
    peak_dbtp: float
    range_lu: float
    width: float
    balance_db: tuple[float, ...]
    brightness_hz: float


def sound_of(samples: np.ndarray) -> Sound:
    """Raises NoisicianError for what is no audio."""
    audio = np.asarray(samples, np.float32)
    middle = mono(audio)
    loudness = max(SILENT_LUFS, integrated_loudness_lufs(audio, SAMPLE_RATE_HZ))
    balance_db = balance_of(middle)
    weights = 10 ** (balance_db / 20)
    return Sound(
        loudness_lufs=round(loudness, 2),
        peak_dbtp=round(max(SILENT_LUFS, true_peak_dbtp(audio.reshape(len(audio), -1))), 2),
        range_lu=round(_range(momentary_loudness_lufs(audio, SAMPLE_RATE_HZ)), 2),
        width=round(_width(audio, middle), 4),
        balance_db=tuple(round(float(db), 2) for db in balance_db),
        brightness_hz=round(float(np.exp((weights * np.log(OCTAVES_HZ)).sum() / weights.sum())), 1),
    )


def balance_of(samples: np.ndarray) -> np.ndarray:
    """The level of each of OCTAVES_HZ against the whole, in dB, ``[10]``; all alike for silence."""
    powers = _octave_powers(mono(samples))
    total = float(powers.sum())
    return 10 * np.log10((powers / total if total > 0 else np.full(len(OCTAVES_HZ), 0.1)) + 1e-9)


def _range(momentary_lufs: np.ndarray) -> float:
    heard = momentary_lufs[momentary_lufs > SILENT_LUFS]
    if not len(heard):
        return 0.0
    heard = heard[heard > 10 * np.log10(np.mean(10 ** (heard / 10))) - _GATE_LU]
    return float(np.percentile(heard, _LOUD) - np.percentile(heard, _QUIET)) if len(heard) else 0.0


def _width(audio: np.ndarray, middle: np.ndarray) -> float:
    if audio.ndim < 2 or audio.shape[1] < 2:
        return 0.0
    side = (audio[:, 0].astype(np.float64) - audio[:, 1]) / 2
    middle_power, side_power = float(np.mean(middle**2)), float(np.mean(side**2))
    return side_power / (middle_power + side_power) if middle_power + side_power > 0 else 0.0


def _octave_powers(audio: np.ndarray) -> np.ndarray:
    """Mean power of each octave ``[10]``."""
    from scipy.fft import rfft

    padded = np.pad(audio.astype(np.float32), (0, max(0, _FFT - len(audio))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[:: _FFT // 2]
    hz = np.arange(_FFT // 2 + 1) * SAMPLE_RATE_HZ / _FFT
    octave = np.round(np.log2(np.maximum(hz, 1.0) / OCTAVES_HZ[0])).astype(int)
    total = np.zeros(len(OCTAVES_HZ))
    for first in range(0, len(windows), _FRAMES_AT_ONCE):
        power = np.abs(np.asarray(rfft(windows[first : first + _FRAMES_AT_ONCE] * hann_window(_FFT), axis=1))) ** 2
        summed = power.sum(axis=0)
        total += [float(summed[octave == place].sum()) for place in range(len(OCTAVES_HZ))]
    return total / max(1, len(windows))
