"""Which level of the metre is the beat: the octave correction behind the tempo judge.

A beat tracker with one prior for all music follows eighths in slow songs and half notes in fast ones. What tells the
levels apart is how each part of the spectrum repeats (a backbeat recurs every two beats, a bass drum every one), so
the tracked tempo and its simple multiples are compared by a conditional logit (McFadden 1974) over

* the autocorrelation of the onset strength in four bands at a quarter, a half, one, one and a half, two and four beats;
* the logarithm of the tempo against 120 BPM, its square, and its product with how busy each band is.

Octave correction by such features: Levy 2011, "Improving perceptual tempo estimation with crowd-sourced annotations";
Schreiber and Müller 2014, "Exploiting global features for tempo octave correction". The weights are fitted by
:mod:`noisician.evaluate.calibration` on songs of the procedural composer played by a soundfont: the judge has heard
neither our networks nor the tempo anybody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from noisician.analysis.inputs import mono
from noisician.evaluate.inputs import librosa
from noisician.mel import SAMPLE_RATE_HZ

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
    import soxr

    judge = librosa()
    audio = soxr.resample(mono(samples), SAMPLE_RATE_HZ, RATE_HZ).astype(np.float32)
    low, high = BANDS_HZ[0][0], BANDS_HZ[-1][1]
    power = judge.feature.melspectrogram(
        y=audio, sr=RATE_HZ, hop_length=HOP, n_fft=_FFT, n_mels=_MELS, fmin=low, fmax=high
    )
    rise = np.maximum(0, np.diff(judge.power_to_db(power, top_db=_RANGE_DB), axis=1))
    centre_hz = judge.mel_frequencies(_MELS, fmin=low, fmax=high)
    strength = np.stack([rise[(centre_hz >= floor) & (centre_hz < top)].mean(axis=0) for floor, top in BANDS_HZ])
    strength -= strength.mean(axis=1, keepdims=True)
    spread = strength.std(axis=1)
    loudness = np.log(np.abs(strength).mean(axis=1) + 1e-3)
    peaks = 10 * (strength > spread[:, None]).mean(axis=1)
    return Onsets(_autocorrelation(strength), np.concatenate([loudness, peaks]))


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
        features = np.stack([heard.features(tempo) for tempo in tempi])
        return float(tempi[np.argmax(((features - self.mean) / self.deviation) @ self.weights)])

    def to_json(self) -> str:
        fields = {name: [round(float(value), 6) for value in values] for name, values in vars(self).items()}
        return json.dumps(fields, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LevelModel:
        return cls(**{name: np.array(values) for name, values in json.loads(text).items()})


@cache
def level_model() -> LevelModel:
    """The fitted model that comes with the package."""
    return LevelModel.from_json(files("noisician.evaluate").joinpath("metrical_level.json").read_text("utf-8"))


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
