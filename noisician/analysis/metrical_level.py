"""Which level of the metre is the beat: the octave correction of a tempo.

A beat tracker with one prior for all music follows eighths in slow songs and half notes in fast ones. What tells the
levels apart is how each part of the spectrum repeats (a backbeat recurs every two beats, a bass drum every one), so
the tracked tempo and its simple multiples are compared by a conditional logit (McFadden 1974) over

* the autocorrelation of the onset strength in four bands at a quarter, a half, one, one and a half, two and four beats;
* the logarithm of the tempo against 120 BPM, its square, and its product with how busy each band is.

Octave correction by such features: Levy 2011, "Improving perceptual tempo estimation with crowd-sourced annotations";
Schreiber and Müller 2014, "Exploiting global features for tempo octave correction". The weights are fitted by
:mod:`noisician.evaluate.calibration` on songs of the procedural composer played by a soundfont: whoever listens by them
has heard neither our networks nor the tempo anybody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from noisician.analysis.inputs import mono
from noisician.audio import resample
from noisician.mel import SAMPLE_RATE_HZ, hann_window, hz_to_mel, mel_to_hz, triangles

RATE_HZ = 22050
HOP = 256
#: (lowest, highest) of each band of onset strength.
BANDS_HZ = ((30.0, 160.0), (160.0, 1200.0), (1200.0, 4000.0), (4000.0, 10000.0))
#: Lags looked at, in beats of the candidate.
LAGS_BEATS = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0)
#: The tracked tempo times these are the candidates, as far as they lie in CANDIDATE_RANGE_BPM.
MULTIPLES = (0.5, 1.0, 2.0, 2 / 3, 1.5, 0.75, 4 / 3)
CANDIDATE_RANGE_BPM = (55.0, 210.0)
#: Autocorrelations are divided by their highest value beyond this lag.
SHORTEST_LAG_S = 0.12
_LAG_TOLERANCE = 0.02
_MELS, _FFT, _RANGE_DB = 40, 1024, 70.0
_FRAMES_AT_ONCE = 2048


@dataclass(frozen=True)
class Onsets:
    """``autocorrelation [bands, lags]`` of the onset strength (lags in hops), ``activity [2 · bands]``."""

    autocorrelation: np.ndarray
    activity: np.ndarray

    def features(self, tempo_bpm: float) -> np.ndarray:
        """``[features]`` of one candidate."""
        octave = np.log2(tempo_bpm / 120)
        repeats = [self._at(lag * 60 / tempo_bpm) for lag in LAGS_BEATS]
        return np.concatenate([np.stack(repeats, axis=1).ravel(), [octave, octave**2], octave * self.activity])

    def _at(self, lag_s: float) -> np.ndarray:
        """The highest value near a lag, per band; 0 beyond the end."""
        lag = round(lag_s * RATE_HZ / HOP)
        reach = max(1, round(lag * _LAG_TOLERANCE))
        near = self.autocorrelation[:, max(0, lag - reach) : lag + reach + 1]
        whole = lag + reach < self.autocorrelation.shape[1]
        return near.max(axis=1) if whole else np.zeros(len(self.autocorrelation))


def onsets(samples: np.ndarray) -> Onsets:
    """The evidence in audio ``[samples]`` or ``[samples, channels]`` at 44.1 kHz."""
    return levels_of(band_onsets(samples))


def levels_of(strength: np.ndarray) -> Onsets:
    """The evidence in onset strengths ``[bands, frames]``."""
    strength = strength - strength.mean(axis=1, keepdims=True)
    spread = strength.std(axis=1)
    loudness = np.log(np.abs(strength).mean(axis=1) + 1e-3)
    peaks = 10 * (strength > spread[:, None]).mean(axis=1)
    return Onsets(_autocorrelation(strength), np.concatenate([loudness, peaks]))


def band_onsets(samples: np.ndarray) -> np.ndarray:
    """How much each of BANDS_HZ rises from frame to frame, in dB: ``[bands, frames − 1]``, frames HOP / RATE_HZ apart.

    ``rise [:, k]`` is that between the frames centred on samples ``k · HOP`` and ``(k + 1) · HOP``.
    """
    audio = np.asarray(resample(mono(samples), SAMPLE_RATE_HZ, RATE_HZ), np.float32)
    level_db = 10 * np.log10(np.maximum(_mel_power(audio), 1e-10))
    level_db = np.maximum(level_db, level_db.max(initial=-100.0) - _RANGE_DB)
    rise = np.maximum(0, np.diff(level_db, axis=0))
    centre_hz = _mel_edges_hz()[1:-1]
    within = [(centre_hz >= floor) & (centre_hz < top) for floor, top in BANDS_HZ]
    return np.stack([rise[:, band].mean(axis=1) for band in within]).astype(np.float64)


def _mel_power(audio: np.ndarray) -> np.ndarray:
    """``[frames, _MELS]`` of ``audio [samples]`` at RATE_HZ; frame k is centred on sample k · HOP."""
    from scipy.fft import rfft

    padded = np.pad(audio, _FFT // 2)
    if len(padded) < _FFT:
        return np.zeros((0, _MELS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::HOP]
    found = [np.zeros((0, _MELS), np.float32)]
    for first in range(0, len(windows), _FRAMES_AT_ONCE):
        spectra = np.asarray(rfft(windows[first : first + _FRAMES_AT_ONCE] * hann_window(_FFT), axis=1))
        found.append((np.abs(spectra) ** 2) @ _filters().T)
    return np.concatenate(found)


@cache
def _mel_edges_hz() -> np.ndarray:
    low, high = BANDS_HZ[0][0], BANDS_HZ[-1][1]
    first, last = hz_to_mel(np.array([low, high])).tolist()
    return mel_to_hz(np.linspace(first, last, _MELS + 2))


@cache
def _filters() -> np.ndarray:
    """Triangles of equal area, float32 ``[_MELS, _FFT // 2 + 1]``."""
    return triangles(_mel_edges_hz(), np.linspace(0, RATE_HZ / 2, _FFT // 2 + 1))


def _autocorrelation(signals: np.ndarray) -> np.ndarray:
    """``[signals, lags]``, each 1 at its highest beyond SHORTEST_LAG_S."""
    length = signals.shape[1]
    spectrum = np.fft.rfft(signals, 2 * length)
    lags = np.fft.irfft(np.abs(spectrum) ** 2)[:, :length]
    first = round(SHORTEST_LAG_S * RATE_HZ / HOP)
    return lags / (lags[:, first:].max(axis=1, keepdims=True) + 1e-9)


def candidates_bpm(tracked_bpm: float) -> np.ndarray:
    """The tempi a tracked one may stand for; itself alone where all are out of range."""
    low, high = CANDIDATE_RANGE_BPM
    kept = [tracked_bpm * multiple for multiple in MULTIPLES if low <= tracked_bpm * multiple <= high]
    return np.array(kept or [tracked_bpm])


@dataclass(frozen=True)
class LevelModel:
    """P(candidate) ∝ exp(wᵀ(features − mean) / deviation); all ``[features]``."""

    mean: np.ndarray
    deviation: np.ndarray
    weights: np.ndarray

    def choose(self, heard: Onsets, tracked_bpm: float) -> float:
        """The likeliest candidate in BPM."""
        tempi = candidates_bpm(tracked_bpm)
        return float(tempi[np.argmax(self.merits(heard, tempi))])

    def merits(self, heard: Onsets, tempi_bpm: np.ndarray) -> np.ndarray:
        """The logarithm of each candidate's likelihood, but for a constant: ``[tempi]``."""
        features = np.stack([heard.features(tempo) for tempo in tempi_bpm])
        return ((features - self.mean) / self.deviation) @ self.weights

    def to_json(self) -> str:
        fields = {name: [round(float(value), 6) for value in values] for name, values in vars(self).items()}
        return json.dumps(fields, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LevelModel:
        return cls(**{name: np.array(values) for name, values in json.loads(text).items()})


@cache
def level_model() -> LevelModel:
    """The fitted model that comes with the package."""
    return LevelModel.from_json(files("noisician.analysis").joinpath("metrical_level.json").read_text("utf-8"))


@dataclass(frozen=True)
class Example:
    """One piece to learn from: its evidence, the tracker's tempo and the score's."""

    heard: Onsets
    tracked_bpm: float
    tempo_bpm: float
    group: str


def fit(examples: Sequence[Example], penalty: float = 10.0) -> LevelModel:
    """Maximum likelihood with a ridge of ``penalty``; pieces none of whose candidates is right are left out."""
    from scipy.optimize import minimize

    sets, right = [], []
    for example in examples:
        tempi = candidates_bpm(example.tracked_bpm)
        hits = np.abs(tempi / example.tempo_bpm - 1) < 0.03
        if hits.any():
            sets.append(np.stack([example.heard.features(tempo) for tempo in tempi]))
            right.append(int(np.argmax(hits)))
    every = np.concatenate(sets)
    mean, deviation = every.mean(axis=0), every.std(axis=0) + 1e-6
    sets = [(features - mean) / deviation for features in sets]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = penalty * float(weights @ weights), 2 * penalty * weights
        for features, chosen in zip(sets, right, strict=True):
            scores = features @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            value -= float(np.log(shares[chosen] + 1e-12))
            slope = slope + features.T @ shares - features[chosen]
        return value, slope

    found = minimize(loss, np.zeros(every.shape[1]), jac=True, method="L-BFGS-B")
    return LevelModel(mean, deviation, found.x)
