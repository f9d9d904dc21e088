"""Distances between two sets of recordings, given as embeddings, and an embedding that needs no labels.

Conventions
-----------
Embeddings are ``[items, dimensions]``, one row a recording or a window of one. A distance of 0 means that the sets
cannot be told apart; the unbiased kernel distance may be slightly negative. Values of different embeddings are
not comparable with each other.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np

from noisician.errors import NoisicianError
from noisician.mel import FRAME_RATE_HZ

WINDOW_FRAMES = 172  # two seconds
WINDOW_HOP_FRAMES = 86
#: Edges in Hz of the modulation bands: phrases, beats, sixteenths, tremolo, roughness.
MODULATION_EDGES_HZ = (0.4, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 43.0)


def _two_sets(reference: np.ndarray, estimate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise NoisicianError(f"embeddings of shapes {first.shape} and {second.shape}; both must be [items, dimensions]")
    if min(len(first), len(second)) < 2:
        raise NoisicianError(f"{len(first)} and {len(second)} embeddings; a distance needs at least 2 in each set")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise NoisicianError("embeddings hold NaN or infinite values; was the audio silent or damaged?")
    return first, second


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum(0, (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T)


def kernel_distance(
    reference: np.ndarray,
    estimate: np.ndarray,
    kernel: Literal["gaussian", "polynomial"] = "gaussian",
    scale: float = 100.0,
) -> float:
    """Kernel audio distance: ``scale`` × the unbiased squared MMD (Gretton et al. 2012, eq. 3).

    ``gaussian`` has the median distance within the reference as bandwidth (KAD: Chung et al. 2025);
    ``polynomial`` is (x·y / d + 1)³ (KID: Bińkowski et al. 2018). Raises NoisicianError.
    """
    first, second = _two_sets(reference, estimate)
    if kernel == "gaussian":
        squared = float(np.median(_squared_distances(first, first)[np.triu_indices(len(first), 1)]))
        if squared <= 0:
            raise NoisicianError("the median distance within the reference embeddings is 0; are they all the same?")
        within, among, between = (
            np.exp(-_squared_distances(a, b) / (2 * squared))
            for a, b in ((first, first), (second, second), (first, second))
        )
    elif kernel == "polynomial":
        within, among, between = (
            (a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((first, first), (second, second), (first, second))
        )
    else:
        raise NoisicianError(f"kernel {kernel!r} is none of gaussian, polynomial")
    mmd = _mean_off_diagonal(within) + _mean_off_diagonal(among) - 2 * float(between.mean())
    return scale * mmd


def _mean_off_diagonal(matrix: np.ndarray) -> float:
    size = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (size * (size - 1)))


def frechet_distance(reference: np.ndarray, estimate: np.ndarray) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁½ Σ₂ Σ₁½)½) of two Gaussians fitted to the sets (Dowson & Landau 1982)."""
    first, second = _two_sets(reference, estimate)
    difference = first.mean(0) - second.mean(0)
    sigma_1, sigma_2 = (np.atleast_2d(np.cov(items, rowvar=False)) for items in (first, second))
    values, vectors = np.linalg.eigh(sigma_1)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ sigma_2 @ root), 0)).sum()
    return float(difference @ difference + np.trace(sigma_1) + np.trace(sigma_2) - 2 * cross)


def frechet_distance_at_infinity(
    reference: np.ndarray, estimate: np.ndarray, rng: np.random.Generator, sizes: int = 8
) -> float:
    """Fréchet distance extrapolated to infinitely many estimates: FAD∞ (Gui et al., ICASSP 2024).

    The bias of the plain distance is linear in 1 / items; the line through ``sizes`` random subsets of the
    estimates is read at 0. Needs at least 16 estimates.
    """
    first, second = _two_sets(reference, estimate)
    if len(second) < 16:
        raise NoisicianError(f"{len(second)} embeddings; extrapolating a Fréchet distance needs at least 16")
    counts = np.unique(np.linspace(len(second) // 3, len(second), sizes).astype(int))
    values = [frechet_distance(first, second[rng.choice(len(second), count, replace=False)]) for count in counts]
    return float(np.polyfit(1.0 / counts, values, 1)[1])


def window_embeddings(log_mels: np.ndarray, seed: int = 0, dimensions: int = 64) -> np.ndarray:
    """Label-free embeddings ``[windows, dimensions]`` of log-mels ``[frames, bands]``, two seconds a window.

    Seeded Gaussian random projections (Johnson & Lindenstrauss 1984), half of them of the window's spectrum (mean
    and deviation of every band), half of its modulation spectrum (log energy of every band's changes between
    0.4 and 43 Hz, in seven bands). Recordings shorter than a window give none.
    """
    mels = np.asarray(log_mels, np.float64)
    if mels.ndim != 2 or dimensions < 2 or dimensions % 2:
        raise NoisicianError(
            f"log-mels of shape {mels.shape} to {dimensions} dimensions; needs [frames, bands], an even number"
        )
    if len(mels) < WINDOW_FRAMES:
        return np.zeros((0, dimensions))
    windows = np.lib.stride_tricks.sliding_window_view(mels, WINDOW_FRAMES, axis=0)[::WINDOW_HOP_FRAMES]
    spectrum = np.concatenate([windows.mean(-1), windows.std(-1)], axis=1)
    modulation = _modulation_spectrum(windows)
    rng = np.random.default_rng(seed)
    halves = [
        features @ rng.standard_normal((features.shape[1], dimensions // 2)) / np.sqrt(features.shape[1])
        for features in (spectrum, modulation)
    ]
    return np.concatenate(halves, axis=1)


def _modulation_spectrum(windows: np.ndarray) -> np.ndarray:
    """Log energies ``[windows, bands · 7]`` of each band's envelope; ``windows`` is ``[windows, bands, frames]``."""
    frames = windows.shape[-1]
    taper = np.hanning(frames + 1)[:-1]
    energy = np.abs(np.fft.rfft((windows - windows.mean(-1, keepdims=True)) * taper)) ** 2
    hz = np.fft.rfftfreq(frames, 1 / FRAME_RATE_HZ)
    edges = pairwise(MODULATION_EDGES_HZ)
    bands = [energy[..., (hz >= low) & (hz < high)].mean(-1) for low, high in edges]
    return np.log(np.concatenate(bands, axis=1) / frames + 1e-3)
