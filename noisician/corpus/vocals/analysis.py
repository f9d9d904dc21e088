"""Speech to full-band spectral envelopes with exact phone boundaries, every 5 ms.

Envelopes are WORLD's (Morise et al. 2016: DIO, StoneMask, CheapTrick). Its measured aperiodicity is not used: on
synthetic speech it calls either everything above 3 kHz noise or nothing at all. What 16 kHz voices lack above 7 kHz is
predicted: for unvoiced sounds by a regression learnt on the one 32 kHz voice, for voiced ones by a straight line, as
that voice's vowels carry a hiss there that no throat makes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from noisician.corpus.vocals.sources import Speaker, Utterance
from noisician.errors import CorpusError
from noisician.lyrics.phones import OBSTRUENTS, VOWELS
from noisician.mel import SAMPLE_RATE_HZ
from noisician.vocals.features import BINS, ENVELOPE_FLOOR_DB, N_FFT, bins_hz
from noisician.vocals.frames import TimedPhone
from noisician.vocals.phones import PAUSE, UNVOICED

FRAME_S = 0.005
#: Vowels of every line have this mean power (re full scale, −20 dB is an RMS of 0.1).
VOWEL_LEVEL_DB = -20.0
LEVEL_TOP_HZ = 10000.0
_SHARPENED_COEFFICIENTS = slice(3, 60)
_SHARPENING = 0.15
#: Voiced frames: a line through the mean of this range, from where it takes over.
_LINE_FROM_HZ, _LINE_TO_HZ = 3500.0, 5500.0
_LINE_TAKES_OVER_HZ = 6200.0
_LINE_DB_PER_KHZ, _TOP_DB_PER_KHZ, _LINE_BENDS_HZ = -3.0, -2.2, 12000.0
_NOTCH_DB = 6.0  # what dips deeper below the line on the way to it is filled
_OBSTRUENT_NOISE_DB = -6.0
_NEPER = np.log(10) / 10  # natural logarithm of a power ratio, a decibel


@dataclass(frozen=True)
class Analysis:
    """``envelope_db`` float32 ``[frames, 1025]`` every FRAME_S; frame i is centred at i · FRAME_S."""

    envelope_db: np.ndarray
    phones: tuple[TimedPhone, ...]


@dataclass(frozen=True)
class BandExtension:
    """Level of nine bands from 7 to 15.5 kHz as a linear map of the cepstrum below 7 kHz, for unvoiced frames."""

    weights: np.ndarray  # float64 [COEFFICIENTS + 1, BANDS]

    LOW_HZ = 7000.0
    HIGH_HZ = 15500.0
    BANDS = 9
    COEFFICIENTS = 20
    _RIDGE = 10.0
    _SLOPE_DB_PER_KHZ = -3.0
    _MATCHED = 0.6

    @classmethod
    def fit(cls, analyses: Sequence[Analysis]) -> BandExtension:
        """Learns from unvoiced frames of wide-band speech. Raises CorpusError for fewer than 200 of them."""
        chosen = [analysis.envelope_db[unvoiced_frames(analysis)] for analysis in analyses]
        envelope = np.concatenate(chosen) if chosen else np.zeros((0, BINS), np.float32)
        envelope = envelope[envelope.mean(1) > ENVELOPE_FLOOR_DB + 10]
        if len(envelope) < 200:
            raise CorpusError(
                f"{len(envelope)} unvoiced frames, at least 200 needed; the wide-band voice spoke too little"
            )
        inputs, targets = cls._inputs(envelope), cls._levels(envelope)
        normal = inputs.T @ inputs + cls._RIDGE * np.eye(inputs.shape[1])
        return cls(np.linalg.solve(normal, inputs.T @ targets))

    @classmethod
    def _edges_hz(cls) -> np.ndarray:
        return np.linspace(cls.LOW_HZ, cls.HIGH_HZ, cls.BANDS + 1)

    @classmethod
    def _inputs(cls, envelope_db: np.ndarray) -> np.ndarray:
        from scipy.fft import dct

        places_hz = np.linspace(0, 1, 96) ** 1.3 * (cls.LOW_HZ - 50)
        low = _resample_bins(envelope_db, places_hz)
        cepstrum = np.asarray(dct(low, axis=1, norm="ortho"))[:, : cls.COEFFICIENTS]
        return np.concatenate([cepstrum / 50.0, np.ones((len(low), 1))], axis=1)

    @classmethod
    def _levels(cls, envelope_db: np.ndarray) -> np.ndarray:
        hz, edges = bins_hz(), cls._edges_hz()
        return np.stack(
            [envelope_db[:, (hz >= low) & (hz < high)].mean(1) for low, high in pairwise(edges)],
            axis=1,
        )

    def extend(self, envelope_db: np.ndarray, nyquist_hz: float) -> np.ndarray:
        """Envelopes ``[frames, 1025]`` continued to the top, as noise would be."""
        hz = bins_hz()
        if nyquist_hz >= self.HIGH_HZ:
            join = nyquist_hz * 0.955
            level = envelope_db[:, (hz > join - 900) & (hz <= join)].mean(1, keepdims=True)
            above = level + self._SLOPE_DB_PER_KHZ * (hz - join) / 1000
            return _crossfade(envelope_db, above, join - 500, join)
        join = min(nyquist_hz * 0.90, self.LOW_HZ)
        edges = self._edges_hz()
        centres = (edges[:-1] + edges[1:]) / 2
        levels = self._inputs(envelope_db) @ self.weights
        spread = np.stack([np.interp(hz, centres, row) for row in np.eye(self.BANDS)])
        above = levels @ spread + self._SLOPE_DB_PER_KHZ * np.maximum(hz - centres[-1], 0) / 1000
        level = envelope_db[:, (hz > join - 900) & (hz <= join)].mean(1)
        above += self._MATCHED * (level - above[:, np.argmin(np.abs(hz - join))])[:, None]
        return _crossfade(envelope_db, above, join - 600, join + 300)


def analyse(utterance: Utterance, speaker: Speaker, extension: BandExtension | None) -> Analysis:
    """The envelopes of an utterance; without an extension, as far up as the voice goes. Raises CorpusError."""
    bare = _world(utterance, speaker)
    bare = replace(bare, envelope_db=bare.envelope_db + (VOWEL_LEVEL_DB - _vowel_level_db(bare)))
    if extension is None:
        return bare
    sonorous, obstruent = _voiced_frames(bare)
    envelope = bare.envelope_db
    if speaker.statistical:
        envelope = np.where(sonorous[:, None], _sharpen(envelope), envelope)
    nyquist_hz = utterance.rate_hz / 2
    noisy = extension.extend(envelope, nyquist_hz)
    smooth = _straight_top(envelope, nyquist_hz)
    mixed = 10 * np.logaddexp(smooth * _NEPER, (noisy + _OBSTRUENT_NOISE_DB) * _NEPER) / np.log(10)
    full = np.where(sonorous[:, None], smooth, np.where(obstruent[:, None], mixed, noisy))
    return Analysis(_smooth_time(np.maximum(full, ENVELOPE_FLOOR_DB)), bare.phones)


def unvoiced_frames(analysis: Analysis) -> np.ndarray:
    """Bool ``[frames]``: inside unvoiced consonants."""
    return frames_of(analysis, lambda phone: phone in UNVOICED and phone != PAUSE)


def frames_of(analysis: Analysis, wanted: Callable[[str], bool]) -> np.ndarray:
    """Bool ``[frames]``: inside the phones that are wanted."""
    chosen = np.zeros(len(analysis.envelope_db), bool)
    for phone in analysis.phones:
        if wanted(phone.phone):
            chosen[round(phone.start_s / FRAME_S) : round(phone.end_s / FRAME_S)] = True
    return chosen


def _voiced_frames(analysis: Analysis) -> tuple[np.ndarray, np.ndarray]:
    """(vowels and sonorants, voiced obstruents), bool ``[frames]`` each."""
    sonorous = frames_of(analysis, lambda phone: phone not in UNVOICED and phone not in OBSTRUENTS)
    return sonorous, frames_of(analysis, lambda phone: phone not in UNVOICED and phone in OBSTRUENTS)


def _world(utterance: Utterance, speaker: Speaker) -> Analysis:
    try:
        import pyworld  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise CorpusError(
            "pyworld is not installed (0 vocoder analyses possible); pip install pyworld-prebuilt"
        ) from None
    import soxr

    audio = soxr.resample(utterance.audio, utterance.rate_hz, SAMPLE_RATE_HZ)
    audio = np.ascontiguousarray(audio, np.float64)
    low_hz, high_hz = speaker.f0_range_hz
    f0, times_s = pyworld.dio(audio, SAMPLE_RATE_HZ, f0_floor=low_hz, f0_ceil=high_hz, frame_period=1000 * FRAME_S)
    f0 = pyworld.stonemask(audio, f0, times_s, SAMPLE_RATE_HZ)
    f0 = _complete(f0, utterance.phones)
    power = pyworld.cheaptrick(audio, f0, times_s, SAMPLE_RATE_HZ, fft_size=N_FFT)
    envelope_db = (10 * np.log10(np.maximum(power, 1e-12))).astype(np.float32)
    return Analysis(envelope_db, utterance.phones)


def _complete(f0_hz: np.ndarray, phones: Sequence[TimedPhone]) -> np.ndarray:
    """Pitch through the whole of every voiced phone and nowhere else: the tracker hesitates at their edges."""
    found = np.flatnonzero(f0_hz > 0)
    if not len(found):
        raise CorpusError("0 voiced frames found; the voice may be missing or whispering")
    everywhere = np.interp(np.arange(len(f0_hz)), found, f0_hz[found])
    voiced = np.zeros(len(f0_hz), bool)
    for phone in phones:
        if phone.phone not in UNVOICED:
            voiced[round(phone.start_s / FRAME_S) : round(phone.end_s / FRAME_S)] = True
    return np.where(voiced, everywhere, 0.0)


def frame_level_db(envelope_db: np.ndarray) -> np.ndarray:
    """Mean power up to LEVEL_TOP_HZ re the whole band, dB ``[frames]``: of a voiced sound nearly its RMS."""
    top = round(LEVEL_TOP_HZ / (SAMPLE_RATE_HZ / N_FFT))
    return 10 * np.log10((10 ** (envelope_db[:, :top] / 10)).sum(1) / BINS + 1e-12)


def _vowel_level_db(analysis: Analysis) -> float:
    vowels = frames_of(analysis, lambda phone: phone in VOWELS)
    return float(np.median(frame_level_db(analysis.envelope_db[vowels])))


def _sharpen(envelope_db: np.ndarray) -> np.ndarray:
    """Formants lifted out of their averages: a gain on the middle cepstrum over a warped frequency axis."""
    from scipy.fft import dct, idct

    places_hz = np.linspace(0, 1, 256) ** 1.6 * (SAMPLE_RATE_HZ / 2)
    cepstrum = np.asarray(dct(_resample_bins(envelope_db, places_hz), axis=1, norm="ortho"))
    added = np.zeros_like(cepstrum)
    added[:, _SHARPENED_COEFFICIENTS] = _SHARPENING * cepstrum[:, _SHARPENED_COEFFICIENTS]
    back = np.stack([np.interp(bins_hz(), places_hz, row) for row in np.eye(256)]).astype(np.float32)
    return envelope_db + np.asarray(idct(added, axis=1, norm="ortho"), np.float32) @ back


def _straight_top(envelope_db: np.ndarray, nyquist_hz: float) -> np.ndarray:
    """Voiced frames above about 6 kHz: a straight decay from the level around 4.5 kHz."""
    hz = bins_hz()
    level = envelope_db[:, (hz > _LINE_FROM_HZ) & (hz < _LINE_TO_HZ)].mean(1, keepdims=True)
    middle = (_LINE_FROM_HZ + _LINE_TO_HZ) / 2
    drop = _LINE_DB_PER_KHZ * (np.minimum(hz, _LINE_BENDS_HZ) - middle) / 1000
    drop += _TOP_DB_PER_KHZ * np.maximum(hz - _LINE_BENDS_HZ, 0) / 1000
    line = level + drop
    filled = np.where(hz > middle, np.maximum(envelope_db, line - _NOTCH_DB), envelope_db)
    join = min(nyquist_hz * 0.85, _LINE_TAKES_OVER_HZ)
    return _crossfade(filled, line, join - 800, join)


def _crossfade(low: np.ndarray, high: np.ndarray, from_hz: float, to_hz: float) -> np.ndarray:
    share = np.clip((bins_hz() - from_hz) / (to_hz - from_hz), 0, 1)
    return (low * (1 - share) + high * share).astype(np.float32)


def _resample_bins(envelope_db: np.ndarray, places_hz: np.ndarray) -> np.ndarray:
    """Envelopes at other frequencies, ``[frames, len(places_hz)]``, by straight lines between bins."""
    place = np.clip(places_hz * (N_FFT / SAMPLE_RATE_HZ), 0, BINS - 1.001)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)
    return envelope_db[:, low] * (1 - share) + envelope_db[:, low + 1] * share


def _smooth_time(envelope_db: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(envelope_db, 0.8, axis=0, mode="nearest")
