"""Tempo, beats and bars of a recording.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz; beats are seconds, bars begin at downbeats.
* Beats are placed by dynamic programming (Ellis 2007, "Beat tracking by dynamic programming") over the rise of four
  bands of the spectrum; the level of the metre is :mod:`noisician.analysis.metrical_level`'s. A steady recording gets
  the even beats that fit best, whose tempo is then exact to a few hundredths of a percent.
* Bars: of all ways to count beats in threes and fours the one whose first beats stand out, by where the harmony
  changes, where the bass drum falls and where the backbeat does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from noisician.analysis.metrical_level import (
    CANDIDATE_RANGE_BPM,
    HOP,
    RATE_HZ,
    Onsets,
    candidates_bpm,
    level_model,
    levels_of,
)
from noisician.analysis.transcriber import Posteriorgram

#: Frames of onset strength a second.
STRENGTH_RATE_HZ = RATE_HZ / HOP
#: What each band's rise counts for in a beat: the bass drum and what is struck, more than air.
_BAND_SHARES = (1.3, 1.0, 1.0, 0.8)
#: A tempo is first looked for around this one, with a spread in octaves.
_PRIOR_BPM, _PRIOR_OCTAVES = 120.0, 0.9
#: How strictly beats keep their distance (Ellis, eq. 6).
_TIGHTNESS = 400.0
#: Beats that stray less than this from even ones (median, in beats) are even.
_STEADY_BEATS = 0.06
_FEWEST_BEATS = 4
#: Onsets less likely than this are none.
_LEAST_ONSET = 0.1
#: What speaks for a level besides the classifier: that the strength repeats after so many beats. A level in another
#: metre than the tracked one (two thirds, three quarters) needs this much more.
_REPEATS_BEATS, _REPEATS_MERIT, _OTHER_METER_COST = (1, 2, 4), 10.0, 2.0


@dataclass(frozen=True)
class Beats:
    """``times_s [beats]``; ``downbeat`` is the first of them that begins a bar of ``per_bar`` beats.

    ``ternary`` says that a beat falls into three. ``is_steady`` where all beats are equally far apart.
    """

    tempo_bpm: float
    times_s: np.ndarray
    downbeat: int = 0
    per_bar: int = 4
    ternary: bool = False
    is_steady: bool = True


@dataclass(frozen=True)
class Pulse:
    """What beats are placed by: ``bands [4, frames]`` (``metrical_level.band_onsets``), what they say of levels, and
    the notes heard, whose frames lie as far apart."""

    bands: np.ndarray
    levels: Onsets
    notes: Posteriorgram

    @classmethod
    def of(cls, bands: np.ndarray, notes: Posteriorgram) -> Pulse:
        return cls(bands, levels_of(bands), notes)

    @cached_property
    def strength(self) -> np.ndarray:
        """One curve ``[frames]`` of deviation 1: what rises in the bands, and what notes begin."""
        level = self.bands.mean(axis=1, keepdims=True)
        scaled = self.bands / np.maximum(level, 0.05 * max(float(level.max(initial=0.0)), 1e-9))
        begun = np.where(self.notes.onsets > _LEAST_ONSET, self.notes.onsets, 0).sum(axis=1)
        # A rise lies between two frames; a note begins at the second of them.
        begun = np.pad(begun, (0, max(0, 1 + scaled.shape[1] - len(begun))))[1 : 1 + scaled.shape[1]]
        return _scaled(_scaled(np.asarray(_BAND_SHARES) @ scaled) + _scaled(begun))

    @cached_property
    def repeats(self) -> np.ndarray:
        """Autocorrelation of the strength ``[lags]``, 1 at lag 0."""
        centred = self.strength - self.strength.mean()
        products = np.fft.irfft(np.abs(np.fft.rfft(centred, 2 * len(centred))) ** 2)[: len(centred)]
        return products / max(products[0], 1e-9)

    def repeats_at(self, lag: float) -> float:
        place = round(lag)
        return float(self.repeats[max(0, place - 1) : place + 2].max()) if place + 2 < len(self.repeats) else 0.0


def _scaled(curve: np.ndarray) -> np.ndarray:
    spread = float(curve.std())
    return curve / spread if spread > 0 else curve


def tracked_beats(pulse: Pulse, tempo_bpm: float | None = None) -> Beats | None:
    """The beats of a recording; None where nothing has a pulse.

    ``tempo_bpm`` is the tempo where it is known; then no other level is looked for.
    """
    strength = pulse.strength
    if not strength.any() or len(strength) < 2 * STRENGTH_RATE_HZ:
        return None
    if tempo_bpm is None:
        tracked = _slope_tempo(_placed(strength, _likeliest_tempo(pulse)))
        if tracked is None:
            return None
        tempo_bpm = _level(pulse, tracked)
    frames = _placed(strength, tempo_bpm)
    if len(frames) < _FEWEST_BEATS:
        return None
    return _evened(strength, frames, tempo_bpm)


def _level(pulse: Pulse, tracked_bpm: float) -> float:
    """The tempo of the level that listeners would tap, as classifier and repetition have it."""
    tempi = candidates_bpm(tracked_bpm)
    octaves = np.log2(tempi / tracked_bpm)
    beats = 60 * STRENGTH_RATE_HZ / tempi
    repeats = np.array([np.mean([pulse.repeats_at(count * beat) for count in _REPEATS_BEATS]) for beat in beats])
    other_meter = np.abs(octaves - np.round(octaves)) > 0.05
    merits = level_model().merits(pulse.levels, tempi) + _REPEATS_MERIT * repeats - _OTHER_METER_COST * other_meter
    return float(tempi[int(np.argmax(merits))])


def _likeliest_tempo(pulse: Pulse) -> float:
    """The tempo in BPM at which the strength repeats best, likelier near _PRIOR_BPM."""
    lags = np.arange(1, len(pulse.repeats))
    repeats = pulse.repeats[1:] / (len(pulse.repeats) - lags + STRENGTH_RATE_HZ)
    bpm = 60 * STRENGTH_RATE_HZ / lags
    low, high = CANDIDATE_RANGE_BPM
    prior = np.exp(-0.5 * (np.log2(bpm / _PRIOR_BPM) / _PRIOR_OCTAVES) ** 2)
    merit = np.where((bpm >= 0.7 * low) & (bpm <= 1.3 * high), repeats * prior, -np.inf)
    return float(bpm[int(np.argmax(merit))])


def _placed(strength: np.ndarray, tempo_bpm: float) -> np.ndarray:
    """Frames ``[beats]`` of the beats around a tempo (Ellis 2007, eqs. 5 to 8)."""
    from scipy.ndimage import gaussian_filter1d

    period = 60 * STRENGTH_RATE_HZ / tempo_bpm
    local = gaussian_filter1d(strength, max(0.5, period / 32))
    ahead = np.arange(round(period / 2), round(2 * period) + 1)
    penalty = -_TIGHTNESS * np.log(ahead / period) ** 2
    total, came = local.copy(), np.full(len(local), -1)
    for frame in range(len(local)):
        before = frame - ahead
        inside = before >= 0
        if not inside.any():
            continue
        scores = total[before[inside]] + penalty[inside]
        best = int(np.argmax(scores))
        if scores[best] > 0:
            total[frame] += scores[best]
            came[frame] = before[inside][best]
    frame = len(local) - 1 - int(np.argmax(total[::-1][: max(1, round(2 * period))]))
    beats = [frame]
    while came[frame] >= 0:
        frame = int(came[frame])
        beats.append(frame)
    return np.array(beats[::-1])


def _slope_tempo(frames: np.ndarray) -> float | None:
    """BPM of beats ``[beats]`` in frames: the median over all pairs (Theil 1950, Sen 1968); None for too few."""
    if len(frames) < _FEWEST_BEATS:
        return None
    intervals = np.diff(frames)
    number = np.concatenate([[0.0], np.cumsum(np.maximum(1, np.round(intervals / np.median(intervals))))])
    first, second = np.triu_indices(len(frames), max(1, len(frames) // 4))
    return 60 * STRENGTH_RATE_HZ / float(np.median((frames[second] - frames[first]) / (number[second] - number[first])))


def _evened(strength: np.ndarray, frames: np.ndarray, tempo_bpm: float) -> Beats:
    """Even beats where the recording is steady, else those that were placed; from its start to its end."""
    slope = _slope_tempo(frames) or tempo_bpm
    period = 60 * STRENGTH_RATE_HZ / slope
    number = np.round((frames - frames[0]) / period)
    strays = np.abs((frames - frames[0]) - number * period)
    strays = np.abs(strays - np.median(strays)) / period
    if np.median(strays) > _STEADY_BEATS:
        return Beats(slope, _seconds(_filled(frames, len(strength))), is_steady=False)
    phase, period = _comb(strength, float(np.median(frames - number * period)), period)
    count = int((len(strength) - 1 - phase % period) / period) + 1
    return Beats(60 * STRENGTH_RATE_HZ / period, _seconds(phase % period + period * np.arange(count)))


def _comb(strength: np.ndarray, phase: float, period: float) -> tuple[float, float]:
    """Phase and period in frames of the even beats under which the smoothed strength is highest."""
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(strength, 1.5)
    places = np.arange(len(smooth))
    best = (-np.inf, phase, period)
    count = max(1, int(len(smooth) / period))
    for stretch in np.linspace(-1.5, 1.5, 31) / count / 1.0:
        for shift in np.arange(-6, 6.01, 0.5):
            beats = (phase + shift) % (period + stretch) + (period + stretch) * np.arange(count)
            merit = float(np.interp(beats, places, smooth, right=0.0).mean())
            best = max(best, (merit, phase + shift, period + stretch))
    return best[1], best[2]


def _filled(frames: np.ndarray, length: int) -> np.ndarray:
    """Beats with those before the first and after the last, as far apart as their neighbours."""
    first, last = float(frames[1] - frames[0]), float(frames[-1] - frames[-2])
    before = np.arange(frames[0] - first, -1e-9, -first)[::-1]
    after = np.arange(frames[-1] + last, length - 1, last)
    return np.concatenate([before, frames, after])


def _seconds(frames: np.ndarray) -> np.ndarray:
    """The middle of a rise between two frames."""
    return (np.asarray(frames, np.float64) + 0.5) / STRENGTH_RATE_HZ
