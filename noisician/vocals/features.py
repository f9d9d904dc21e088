"""What the singing network draws: per frame, a spectral envelope and how much of it is noise.

A frame (100 a second, centred at i/100 s) holds FEATURES = 106 numbers, all in decibels:

``[:100]``  the power envelope, averaged as decibels in bands a constant step of mel apart. Its reference is that of
            WORLD's spectral envelope (Morise et al. 2016): white noise of variance 1 lies at 0 dB.
``[100:]``  aperiodicity at six frequencies: the amplitude of the noise over that of the whole, at most 0 dB.

Pitch and voicing are no features; they are given.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from noisician.mel import SAMPLE_RATE_HZ
from noisician.vocals.frames import APERIODICITY_BANDS, ENVELOPE_BANDS

N_FFT = 2048
BINS = N_FFT // 2 + 1
TOP_BAND_HZ = 20500.0
APERIODICITY_HZ = (0.0, 2000.0, 4000.0, 7000.0, 11000.0, 16000.0)
#: Quieter than this is silence; louder than the ceiling is a mistake.
ENVELOPE_FLOOR_DB, ENVELOPE_CEILING_DB = -90.0, 30.0
APERIODICITY_FLOOR_DB = -60.0
#: Points per bin at which a band's triangle is sampled: the lowest bands are as narrow as a bin.
_FINE = 16


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """m = 1127 ln(1 + f / 700) (O'Shaughnessy 1987)."""
    return 1127 * np.log1p(np.asarray(hz, np.float64) / 700)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return 700 * np.expm1(np.asarray(mel, np.float64) / 1127)


@cache
def bins_hz() -> np.ndarray:
    """Frequencies of the bins, float64 ``[1025]``."""
    return np.arange(BINS) * (SAMPLE_RATE_HZ / N_FFT)


@cache
def band_centres_hz() -> np.ndarray:
    """Float64 ``[100]``, 0 … 20 500 Hz."""
    return mel_to_hz(np.linspace(0, hz_to_mel(np.array(TOP_BAND_HZ)), ENVELOPE_BANDS))


@cache
def mel_band_matrix() -> np.ndarray:
    """Weights ``[100, 1025]`` float32 that turn an envelope in dB into bands; every row sums to 1.

    A band is a triangle from the centre below to the centre above; the envelope is taken as straight between its bins.
    """
    centres = hz_to_mel(band_centres_hz())
    step = centres[1]
    fine_bins = np.arange((BINS - 1) * _FINE + 1) / _FINE
    fine_mel = hz_to_mel(fine_bins * (SAMPLE_RATE_HZ / N_FFT))
    triangles = np.maximum(0, 1 - np.abs(fine_mel - centres[:, None]) / step) * np.gradient(fine_mel)
    low = np.minimum(fine_bins.astype(np.int64), BINS - 2)
    share = fine_bins - low
    weights = np.zeros((BINS, ENVELOPE_BANDS))
    np.add.at(weights, low, (triangles * (1 - share)).T)
    np.add.at(weights, low + 1, (triangles * share).T)
    return (weights / weights.sum(0)).T.astype(np.float32)


@cache
def mel_inverse_matrix() -> np.ndarray:
    """Weights ``[1025, 100]`` float32 from bands back to bins; every row sums to 1.

    Cubic interpolation over mel with slopes from the neighbours (Catmull & Rom 1974): smooth, and exact at the centres.
    Above the highest centre its level goes on.
    """
    step = hz_to_mel(band_centres_hz())[1]
    place = np.minimum(hz_to_mel(bins_hz()) / step, ENVELOPE_BANDS - 1)
    low = np.minimum(place.astype(np.int64), ENVELOPE_BANDS - 2)
    u = place - low
    cubic = (
        (-1, -u * (1 - u) ** 2 / 2),
        (0, 1 + u**2 * (3 * u - 5) / 2),
        (1, u * (1 + 4 * u - 3 * u**2) / 2),
        (2, -(u**2) * (1 - u) / 2),
    )
    weights = np.zeros((BINS, ENVELOPE_BANDS))
    for offset, weight in cubic:
        np.add.at(weights, (np.arange(BINS), np.clip(low + offset, 0, ENVELOPE_BANDS - 1)), weight)
    return weights.astype(np.float32)


def envelope_bands(power: np.ndarray) -> np.ndarray:
    """Power envelopes ``[frames, 1025]`` → bands in dB, float32 ``[frames, 100]``, clipped to floor and ceiling."""
    floor = 10 ** (ENVELOPE_FLOOR_DB / 10)
    level_db = (10 * np.log10(np.maximum(power, floor))).astype(np.float32)
    return np.clip(level_db @ mel_band_matrix().T, ENVELOPE_FLOOR_DB, ENVELOPE_CEILING_DB)


def linear_envelope_db(bands_db: np.ndarray) -> np.ndarray:
    """Bands ``[frames, 100]`` → envelopes in dB, float32 ``[frames, 1025]``, never below the floor."""
    return np.maximum(np.asarray(bands_db, np.float32) @ mel_inverse_matrix().T, np.float32(ENVELOPE_FLOOR_DB))


def aperiodicity_bands(aperiodicity: np.ndarray) -> np.ndarray:
    """Amplitude ratios ``[frames, 1025]`` in 0 … 1 → dB at six frequencies, float32 ``[frames, 6]``."""
    level_db = 20 * np.log10(np.maximum(aperiodicity, 10 ** (APERIODICITY_FLOOR_DB / 20)))
    places = np.array(APERIODICITY_HZ) * (N_FFT / SAMPLE_RATE_HZ)
    low = places.astype(np.int64)
    share = places - low
    return np.minimum(level_db[:, low] * (1 - share) + level_db[:, low + 1] * share, 0).astype(np.float32)


@cache
def aperiodicity_inverse_matrix() -> np.ndarray:
    """Weights ``[1025, 6]`` float32: straight lines between the six frequencies, constant above the last."""
    columns = [np.interp(bins_hz(), APERIODICITY_HZ, row) for row in np.eye(APERIODICITY_BANDS)]
    return np.stack(columns, axis=1).astype(np.float32)


def linear_aperiodicity(bands_db: np.ndarray) -> np.ndarray:
    """Six levels a frame ``[frames, 6]`` → amplitude ratios in 0 … 1, float32 ``[frames, 1025]``."""
    clipped = np.clip(np.asarray(bands_db, np.float32), APERIODICITY_FLOOR_DB, 0)
    return np.float32(10) ** (clipped @ aperiodicity_inverse_matrix().T / 20)


def join_features(envelope_db: np.ndarray, aperiodicity_db: np.ndarray) -> np.ndarray:
    """``[frames, 100]`` and ``[frames, 6]`` → float32 ``[frames, 106]``, clipped."""
    return clip_features(np.concatenate([envelope_db, aperiodicity_db], axis=1))


def split_features(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(envelope bands ``[frames, 100]``, aperiodicity bands ``[frames, 6]``), views."""
    return features[..., :ENVELOPE_BANDS], features[..., ENVELOPE_BANDS:]


def clip_features(features: np.ndarray) -> np.ndarray:
    """Envelope between floor and ceiling, aperiodicity between its floor and 0 dB; float32."""
    low, high = _limits()
    return np.clip(np.asarray(features, np.float32), low, high)


@cache
def _limits() -> tuple[np.ndarray, np.ndarray]:
    sizes = [ENVELOPE_BANDS, APERIODICITY_BANDS]
    low = np.repeat(np.array([ENVELOPE_FLOOR_DB, APERIODICITY_FLOOR_DB], np.float32), sizes)
    high = np.repeat(np.array([ENVELOPE_CEILING_DB, 0.0], np.float32), sizes)
    return low, high
