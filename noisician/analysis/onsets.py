"""Onsets of a pitched stem, by spectral flux.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz; onsets are in seconds.
* The detector is spectral flux on the log-mel spectrogram with a maximum filter over neighbouring bands, which
  keeps vibrato from looking like notes (SuperFlux: Böck & Widmer, DAFx 2013).

How good it is
--------------
On thirty random monophonic lines of fifteen General MIDI instruments (70 to 150 BPM, down to sixteenths, rests and
repeated notes among them) mean F within 50 ms is 0.97: 0.98 to 1.00 on piano, organ, guitars and basses, 0.92 to 0.95
on mallets and bowed strings, 0.88 to 0.97 on winds and synthesiser leads. A pad with a slow attack has no onset to hear
(F below 0.2): leave such stems out or compare them with the soundfont's own.
"""

from __future__ import annotations

import numpy as np

from noisician.analysis.inputs import mono
from noisician.mel import FRAME_RATE_HZ, HOP, N_FFT, log_mel

FLUX_LAG_FRAMES = 2
#: Nats of mean rise per band above the running mean: the smallest rise that counts.
FLUX_THRESHOLD = 0.07
NEIGHBOURHOOD_FRAMES = 3
AVERAGE_FRAMES = 10
LEAD_FRAMES = 8


def spectral_flux(log_mels: np.ndarray) -> np.ndarray:
    """Mean rise in nats ``[frames]`` of log-mels ``[frames, bands]`` over two frames, vibrato suppressed."""
    from scipy.ndimage import maximum_filter1d

    flux = np.zeros(len(log_mels))
    if len(log_mels) > FLUX_LAG_FRAMES:
        before = maximum_filter1d(np.asarray(log_mels, np.float64), 3, axis=1)[:-FLUX_LAG_FRAMES]
        flux[FLUX_LAG_FRAMES:] = np.maximum(0, log_mels[FLUX_LAG_FRAMES:] - before).mean(axis=1)
    return flux


def pick_peaks(strength: np.ndarray, threshold: float = FLUX_THRESHOLD) -> np.ndarray:
    """Frames ``[peaks]`` that are the maximum of their neighbourhood and ``threshold`` above the local mean."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    if not len(strength):
        return np.zeros(0, int)
    highest = maximum_filter1d(strength, 2 * NEIGHBOURHOOD_FRAMES + 1)
    mean = uniform_filter1d(strength, 2 * AVERAGE_FRAMES + 1)
    peaks: list[int] = []
    for frame in np.nonzero((strength == highest) & (strength >= mean + threshold))[0]:
        if not peaks or frame - peaks[-1] > NEIGHBOURHOOD_FRAMES:
            peaks.append(int(frame))
    return np.array(peaks, int)


def detected_onsets_s(samples: np.ndarray) -> np.ndarray:
    """Onsets ``[events]`` in seconds heard in a stem, which is first brought to a peak of 0.5."""
    audio = mono(samples)
    peak = np.abs(audio).max()
    if peak < 1e-4:
        return np.zeros(0)
    # A moment of silence in front, so that a note at time 0 has something to rise from.
    lead = np.zeros(LEAD_FRAMES * HOP)
    padded = np.concatenate([lead, audio * (0.5 / peak)]).astype(np.float32)
    flux = spectral_flux(log_mel(padded))
    flux[-(N_FFT // HOP) :] = 0  # windows that hang over the end see it as a burst
    # The flux of frame k spans the rise from frame k − lag: the onset lies halfway.
    frames = pick_peaks(flux) - FLUX_LAG_FRAMES / 2 - LEAD_FRAMES
    return np.maximum(0.0, frames / FRAME_RATE_HZ)
