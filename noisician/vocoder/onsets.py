"""How a note begins, mended where the onset is known to the sample.

The vocoder makes sound through windows of 46 ms, so a note is smeared over the 23 ms before its onset and rises slowly
after it.

*Before the onset* short windows hold the spectrum down to what sounded before the smear, bin by bin, so that
other notes ring on: the gain control against pre-echo of audio coders, with a gain for each bin of a short-time Fourier
transform.

*After the onset* the mel knows more than one frame of 12 ms does: a frame centred d samples before the onset hears
only the first N/2 − d samples of the note. Each frame's error is therefore mended not where the frame is centred but
at the centroid of what its window hears of the note, and the frames around an onset lie 2 to 5 ms apart there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np

from noisician.mel import HOP, MEL_BANDS, N_FFT, hann_window, log_mel_of_magnitude
from noisician.vocoder.correction import bands_to_bins

#: Notes that begin within this many samples (20 ms) of the first are one onset.
TOGETHER = 882
#: Samples over which what comes before an onset gives way to it, a raised cosine (1 ms).
EDGE = 44

GATE_WINDOW = 512
#: How far before an onset its sound is smeared: half a window of the mel.
SMEAR = N_FFT // 2
#: Short windows, clear of the smear, that hear what sounds anyway.
CLEAR_WINDOWS = 3
#: A bin that is at most this much louder than before (factor) is left alone.
SLACK = 1.3
#: Bins on each side over which levels are compared: a single bin of noise says little.
NEAR_BINS = 2
#: Samples that the gate hears before an onset; where another onset lies in them, nothing tells what sounded before.
GATE_REACH = SMEAR + GATE_WINDOW + (CLEAR_WINDOWS - 1) * GATE_WINDOW // 4

ATTACK_WINDOW = 256
#: Samples after an onset that are sharpened; the last third fades out.
ATTACK = 1536
#: Mel frames that are heard around an onset, from the second before it.
ATTACK_FRAMES = 6
PASSES = 2
#: Each pass moves a band by at most this factor (natural log).
SHARPENING_LIMIT_NATS = 3.0


def clusters(onsets: Sequence[int]) -> list[int]:
    """The first of each group of sample numbers that lie TOGETHER, ascending."""
    firsts: list[int] = []
    for onset in sorted(onsets):
        if not firsts or onset - firsts[-1] > TOGETHER:
            firsts.append(onset)
    return firsts


def gated(samples: np.ndarray, onsets: Sequence[int]) -> np.ndarray:
    """``samples [n]`` float32 with the smear before each of the ascending ``onsets`` (sample numbers) held down.

    Samples change from SMEAR + GATE_WINDOW / 2 before an onset to GATE_WINDOW after it. An onset that is nearer than
    GATE_REACH to the one before it or to the beginning is left alone.
    """
    before = (0, *onsets)
    free = [
        onset
        for onset, last in zip(onsets, before, strict=False)
        if onset - last >= GATE_REACH and onset + GATE_WINDOW <= len(samples)
    ]
    return _with(samples, free, GATE_REACH, _smear(samples, np.array(free))) if free else samples


def sharpened(samples: np.ndarray, onsets: Sequence[int], log_mel: np.ndarray) -> np.ndarray:
    """``samples [frames · HOP]`` float32 with the rise after each of the ascending ``onsets`` as ``log_mel`` has it.

    Samples change from EDGE before an onset to ATTACK + ATTACK_WINDOW / 2 after it. An onset that is nearer than
    GATE_REACH to the one before it, ATTACK to the one after it, or a few frames to an end is left alone.
    """
    beside = zip(onsets, (-GATE_REACH, *onsets), (*onsets[1:], len(samples)), strict=False)
    free = [
        onset
        for onset, before, after in beside
        if onset - before >= GATE_REACH
        and after - onset >= ATTACK
        and 3 * HOP <= onset <= len(samples) - (ATTACK_FRAMES + 1) * HOP
    ]
    if not free:
        return samples
    at = np.array(free)
    for _ in range(PASSES):
        samples = _with(samples, free, ATTACK_WINDOW // 2, _rise(samples, at, log_mel))
    return samples


def _with(samples: np.ndarray, onsets: Sequence[int], lead: int, changes: np.ndarray) -> np.ndarray:
    """A copy with ``changes [onsets, length]`` added, each from ``lead`` samples before its onset."""
    out = samples.copy()
    for onset, change in zip(onsets, changes, strict=True):
        out[onset - lead : onset - lead + len(change)] += change[: len(out) - onset + lead]
    return out


def _smear(samples: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """What takes the smear away when added from GATE_REACH before each onset, ``[onsets, length]``."""
    from scipy.ndimage import uniform_filter1d

    length = GATE_REACH + GATE_WINDOW
    before = samples[onsets[:, None] - GATE_REACH + np.arange(length)] * (1 - after_onset(GATE_REACH, length))
    spectra = short_spectra(before, GATE_WINDOW)
    power = uniform_filter1d(np.abs(spectra) ** 2, 2 * NEAR_BINS + 1, axis=-1, mode="nearest")
    anyway = power[:, :CLEAR_WINDOWS].max(axis=1, keepdims=True)
    gain = np.minimum(1, SLACK * np.sqrt(anyway / np.maximum(power, 1e-20)))
    gain[:, :CLEAR_WINDOWS] = 1
    return overlap_add(spectra * (gain - 1), GATE_WINDOW, length)


def _rise(samples: np.ndarray, onsets: np.ndarray, log_mel: np.ndarray) -> np.ndarray:
    """What brings the rise nearer to the mel when added from ATTACK_WINDOW / 2 before each onset."""
    from scipy.fft import rfft

    rows = onsets[:, None] // HOP - 1 + np.arange(ATTACK_FRAMES)
    heard = samples[(rows * HOP - N_FFT // 2)[:, :, None] + np.arange(N_FFT)] * hann_window()
    magnitude = np.abs(np.asarray(rfft(heard, axis=-1))).reshape(-1, N_FFT // 2 + 1)
    missing = log_mel[rows] - log_mel_of_magnitude(magnitude).reshape(*rows.shape, MEL_BANDS)
    missing = np.clip(missing, -SHARPENING_LIMIT_NATS, SHARPENING_LIMIT_NATS)
    timing = np.stack([_timing(int(onset) % HOP) for onset in onsets])
    gain = np.exp(np.ascontiguousarray(timing @ (missing @ _bands_to_short_bins())))
    length = ATTACK + ATTACK_WINDOW
    mask = after_onset(ATTACK_WINDOW // 2, length)
    spectra = short_spectra(samples[onsets[:, None] - ATTACK_WINDOW // 2 + np.arange(length)] * mask, ATTACK_WINDOW)
    return overlap_add(spectra * (gain - 1), ATTACK_WINDOW, length) * mask


def short_spectra(pieces: np.ndarray, window: int) -> np.ndarray:
    """``[pieces, length]`` → ``[pieces, windows, window / 2 + 1]`` complex, a quarter of a window apart."""
    from scipy.fft import rfft

    cut = np.lib.stride_tricks.sliding_window_view(pieces, window, axis=1)[:, :: window // 4]
    return np.asarray(rfft(cut * np.sqrt(hann_window(window)), axis=-1))


def overlap_add(spectra: np.ndarray, window: int, length: int) -> np.ndarray:
    """The inverse of :func:`short_spectra` where four windows overlap, float32 ``[pieces, length]``."""
    from scipy.fft import irfft

    sounds = np.asarray(irfft(spectra, n=window, axis=-1)) * (np.sqrt(hann_window(window)) / 2)
    out = np.zeros((len(spectra), length), np.float32)
    for number in range(spectra.shape[1]):
        first = number * window // 4
        out[:, first : first + window] += sounds[:, number]
    return out


@cache
def after_onset(lead: int, length: int) -> np.ndarray:
    """0 before an onset ``lead`` samples from the start, 1 from it on, between them a raised cosine of EDGE samples."""
    share = np.clip((np.arange(length) - lead + EDGE) / EDGE, 0, 1)
    return (0.5 - 0.5 * np.cos(np.pi * share)).astype(np.float32)


@lru_cache(maxsize=HOP)
def _timing(phase: int) -> np.ndarray:
    """How much each mel frame says at each short window, ``[windows, ATTACK_FRAMES]``, ``phase`` samples after a frame.

    Frames speak at the centroid of their squared window over the note, which begins at 0; between them linearly.
    """
    time = np.arange(ATTACK_FRAMES * HOP + N_FFT)
    centres = (np.arange(ATTACK_FRAMES) - 1) * HOP - phase
    near = np.clip((time - centres[:, None]) / N_FFT, -0.5, 0.5)
    weight = (0.5 + 0.5 * np.cos(2 * np.pi * near)) ** 2
    centroids = (weight @ time) / np.maximum(weight.sum(axis=1), 1e-9)
    at = np.arange(0, ATTACK + 1, ATTACK_WINDOW // 4)
    said = np.stack([np.interp(at, centroids, one) for one in np.eye(ATTACK_FRAMES)], axis=1)
    return (said * np.clip((ATTACK - at) / (ATTACK / 3), 0, 1)[:, None]).astype(np.float32)


@cache
def _bands_to_short_bins() -> np.ndarray:
    """``[128, ATTACK_WINDOW / 2 + 1]``: a short bin is the mean of the long bins around it."""
    step = N_FFT // ATTACK_WINDOW
    padded = np.pad(bands_to_bins().toarray(), ((step // 2, step // 2), (0, 0)))
    means = np.stack([padded[first : first + step + 1].sum(axis=0) for first in range(0, N_FFT // 2 + 1, step)])
    return (means / means.sum(axis=1, keepdims=True)).T.astype(np.float32)
