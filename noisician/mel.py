"""The mel spectrogram that renderer and vocoder agree on, and the STFT under it.

Shapes: samples ``[n]``, spectra ``[frames, 1025]`` complex, mels ``[frames, 128]``. Frame ``k`` is centred on
sample ``k · HOP``; there are ``n // HOP`` frames of ``n`` samples (the renderer's frame grid, 86.13 a second).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

SAMPLE_RATE_HZ = 44100
N_FFT = 2048
HOP = 512
BINS = N_FFT // 2 + 1
MEL_BANDS = 128
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP
#: Added before the logarithm: about 80 dB below a loud note.
LOG_FLOOR = 1e-3
_FRAMES_AT_ONCE = 2048


@cache
def hann_window(length: int = N_FFT) -> np.ndarray:
    """Periodic Hann window, float32 ``[length]``."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's scale: linear to 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    linear = np.asarray(hz, np.float64) * 3 / 200
    return np.where(hz < 1000, linear, 15 + 27 * np.log(np.maximum(hz, 1e-9) / 1000) / np.log(6.4))


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))


@cache
def mel_filters(n_fft: int = N_FFT, bands: int = MEL_BANDS) -> np.ndarray:
    """Triangular filters of equal area, float32 ``[bands, n_fft // 2 + 1]``, 0 … 22 050 Hz."""
    top = hz_to_mel(np.array(SAMPLE_RATE_HZ / 2))
    edges = mel_to_hz(np.linspace(0, float(top), bands + 2))
    return triangles(edges, np.linspace(0, SAMPLE_RATE_HZ / 2, n_fft // 2 + 1))


def triangles(edges_hz: np.ndarray, bins_hz: np.ndarray) -> np.ndarray:
    """Filters of equal area, float32 ``[edges − 2, bins]``: each rises from an edge to the next, then falls."""
    rising = (bins_hz - edges_hz[:-2, None]) / (edges_hz[1:-1] - edges_hz[:-2])[:, None]
    falling = (edges_hz[2:, None] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])[:, None]
    shapes = np.maximum(0, np.minimum(rising, falling))
    return (shapes * (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype(np.float32)


@cache
def band_centres_hz() -> np.ndarray:
    """Where each band's filter peaks, float64 ``[128]``."""
    return mel_to_hz(np.arange(1, MEL_BANDS + 1) * _mel_step())


def band_of_hz(hz: np.ndarray) -> np.ndarray:
    """The place of frequencies on the axis of bands: 0.0 at the first band's centre, 127.0 at the last one's."""
    return hz_to_mel(hz) / _mel_step() - 1


def _mel_step() -> float:
    """Distance of neighbouring bands' centres on the mel scale."""
    return float(hz_to_mel(np.array(SAMPLE_RATE_HZ / 2))) / (MEL_BANDS + 1)


def frame_count(samples: int) -> int:
    return samples // HOP


def stft(samples: np.ndarray, frames: int | None = None) -> np.ndarray:
    """Complex spectra ``[frames, 1025]`` complex64 of mono samples (zeros are assumed outside)."""
    from scipy.fft import rfft

    frames = frame_count(len(samples)) if frames is None else frames
    padded = np.zeros((frames - 1) * HOP + N_FFT if frames else 0, np.float32)
    kept = samples[: max(0, len(padded) - N_FFT // 2)]
    padded[N_FFT // 2 : N_FFT // 2 + len(kept)] = kept
    if not frames:
        return np.zeros((0, BINS), np.complex64)
    windows = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    return np.asarray(rfft(windows * hann_window(), axis=-1))


def istft(spectra: np.ndarray) -> np.ndarray:
    """Inverse of :func:`stft` by weighted overlap-add (Griffin & Lim 1984, eq. 6): ``[frames · HOP]`` float32."""
    from scipy.fft import irfft

    frames = len(spectra)
    pieces = np.asarray(irfft(spectra, n=N_FFT, axis=-1), np.float32) * hann_window()
    overlap = N_FFT // HOP
    out = np.zeros((frames + overlap - 1, HOP), np.float32)
    weight = np.zeros_like(out)
    window_parts = (hann_window() ** 2).reshape(overlap, HOP)
    for part in range(overlap):
        out[part : part + frames] += pieces[:, part * HOP : (part + 1) * HOP]
        weight[part : part + frames] += window_parts[part]
    centred = (out / np.maximum(weight, 1e-4)).reshape(-1)[N_FFT // 2 :]
    samples = np.zeros(frames * HOP, np.float32)
    samples[: len(centred)] = centred[: frames * HOP]
    return samples


def log_mel(samples: np.ndarray, frames: int | None = None) -> np.ndarray:
    """``log(mel magnitude + LOG_FLOOR)`` ``[frames, 128]`` float32 of mono samples at 44.1 kHz."""
    return log_mel_of_magnitude(np.abs(stft(samples, frames)))


def log_mel_between(samples: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Frames ``start … stop`` of :func:`log_mel`, from the samples around them alone."""
    context = N_FFT // 2 // HOP
    before = min(start, context)
    piece = samples[(start - before) * HOP : (stop + context) * HOP]
    return log_mel(piece, stop - start + before)[before:]


def log_mel_of_long(samples: np.ndarray) -> np.ndarray:
    """As :func:`log_mel`, a stretch at a time: of minutes, all spectra at once would take gigabytes."""
    frames = frame_count(len(samples))
    starts = range(0, frames, _FRAMES_AT_ONCE)
    pieces = [log_mel_between(samples, start, min(frames, start + _FRAMES_AT_ONCE)) for start in starts]
    return np.concatenate(pieces) if pieces else np.zeros((0, MEL_BANDS), np.float32)


def log_mel_of_magnitude(magnitude: np.ndarray) -> np.ndarray:
    """``[frames, 1025]`` magnitudes → ``[frames, 128]`` log-mels."""
    return np.log(mel_of_magnitude(magnitude) + np.float32(LOG_FLOOR))


def mel_of_magnitude(magnitude: np.ndarray) -> np.ndarray:
    """``[frames, 1025]`` magnitudes → ``[frames, 128]`` mel magnitudes."""
    return np.ascontiguousarray((_sparse_filters() @ magnitude.T).T)


@cache
def _sparse_filters() -> Any:
    """The filters as a sparse matrix: two bands a bin, and no BLAS threads to spin inside our own."""
    from scipy.sparse import csr_matrix

    return csr_matrix(mel_filters())
