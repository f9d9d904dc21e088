"""Pitch: of one voice frame by frame, and of one recorded note.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz; a pitch is a frequency in Hz, or MIDI with cents as
  fractions (69 is 440 Hz).
* :func:`track` is the autocorrelation of Hann-windowed frames divided by that of the window (Boersma 1993). Its highest
  peak between the compass's ends is refined by a parabola. It knows the compass of the voice and nothing of the score.
* :func:`swift_f0` is the network of Nieradzik 2025 (arXiv 2508.18440), which hears 47 to 2,094 Hz.
* :func:`yin` is de Cheveigné & Kawahara 2002 (J. Acoust. Soc. Am. 111), steps 1 to 5.
* :func:`pitch_of_note` asks the network, and YIN where a note lies beyond the network's compass.

How good it is
--------------
On 912 recorded notes of 52 real instruments and articulations, whose roots another tracker confirms,
:func:`pitch_of_note` is within 50 cents for 95.6 %, for 97.3 % but for octaves; in 2.3 % it hears no pitch. What it
misses are timpani (an octave low), short plucks and staccatos, and the ends of pianos. On 72 notes whose roots nothing
confirms it is 57 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from noisician.analysis.inputs import mono
from noisician.audio import resample
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import A4_HZ, A4_PITCH, frequency_hz
from noisician.weights import Network, manifest, open_network

FRAME_RATE_HZ = 100
HOP = SAMPLE_RATE_HZ // FRAME_RATE_HZ
PERIODS = 4  # of the lowest pitch, in a window
MARGIN_SEMITONES = 3
#: Of almost equal peaks the earliest is the period: later ones are its multiples.
OCTAVE_COST = 0.02
_FLOOR = 1e-12

#: The network's own 16 ms frames, and how far each looks back and ahead, in frames.
_STRETCH_FRAMES, _BACK_FRAMES, _AHEAD_FRAMES = 1875, 11, 10
#: The network does not level its input; it was trained on speech and music near this peak.
_PEAK = 0.5
_SILENT_PEAK = 1e-3
#: YIN: a dip of the normalised difference below this counts as a period (step 4); the compass in Hz.
YIN_THRESHOLD = 0.15
YIN_LOWEST_HZ, YIN_HIGHEST_HZ = 20.0, 5000.0
#: A note is heard in the frames at most this far below its loudest one, once the attack is over.
_HEARD_DB, _ATTACK_S, _HEARD_S = 26.0, 0.04, 1.5
_MOST_FRAMES = 40
#: Of a note's frames so many have to have a pitch.
VOICED_SHARE = 0.5


@dataclass(frozen=True)
class PitchTrack:
    """``hz [frames]`` and ``confidence [frames]`` (0 … 1; a pitch from 0.5 on), frames ``1 / rate_hz`` apart."""

    hz: np.ndarray
    confidence: np.ndarray
    rate_hz: float


@dataclass(frozen=True)
class NotePitch:
    """``pitch`` MIDI with cents as fractions; ``voiced_share`` of the frames that have one."""

    pitch: float
    voiced_share: float


def track(audio: np.ndarray, frames: np.ndarray, lowest_pitch: float, highest_pitch: float) -> np.ndarray:
    """Pitch in Hz of the given ``frames`` of ``audio [samples]`` at 44.1 kHz; frame i is centred at i/100 s."""
    from scipy.fft import irfft, next_fast_len, rfft

    lowest_hz = frequency_hz(lowest_pitch - MARGIN_SEMITONES)
    highest_hz = frequency_hz(highest_pitch + MARGIN_SEMITONES)
    length = int(PERIODS * SAMPLE_RATE_HZ / lowest_hz) // 2 * 2
    size = next_fast_len(2 * length)
    window = np.hanning(length)
    padded = np.pad(mono(audio), length)
    starts = np.asarray(frames, int) * HOP + length - length // 2
    pieces = padded[starts[:, None] + np.arange(length)]
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) * window
    correlation = np.asarray(irfft(np.abs(np.asarray(rfft(pieces, size, axis=1))) ** 2, size, axis=1))[:, : length // 2]
    of_window = np.asarray(irfft(np.abs(np.asarray(rfft(window, size))) ** 2, size))[: length // 2]
    correlation = correlation / (correlation[:, :1] + _FLOOR) * (of_window[0] / of_window)
    first, last = int(SAMPLE_RATE_HZ / highest_hz), min(int(SAMPLE_RATE_HZ / lowest_hz) + 1, length // 2 - 2)
    lags = np.arange(first, last)
    here, before, after = (correlation[:, first + shift : last + shift] for shift in (0, -1, 1))
    peaks = (here >= before) & (here > after)
    merit = np.where(peaks, here - OCTAVE_COST * np.log2(lags / first), -np.inf)
    best = np.argmax(merit, axis=1)
    row = np.arange(len(best))
    left, top, right = before[row, best], here[row, best], after[row, best]
    bend = left - 2 * top + right
    offset = np.where(np.abs(bend) > _FLOOR, 0.5 * (left - right) / np.where(bend == 0, 1, bend), 0.0)
    return SAMPLE_RATE_HZ / (lags[best] + np.clip(offset, -0.5, 0.5))


@cache
def _network() -> Network:
    return open_network("pitch", threads=1)


def swift_f0(samples: np.ndarray) -> PitchTrack:
    """The pitch of one voice every 16 ms. Raises WeightsError where the network is missing."""
    config = manifest()["pitch"]["config"]
    rate, hop = config["sample_rate_hz"], config["hop"]
    audio = mono(samples).astype(np.float32)
    peak = float(np.abs(audio).max())
    audio = resample(audio * np.float32(_PEAK / max(peak, _SILENT_PEAK)), SAMPLE_RATE_HZ, rate)
    audio = np.pad(audio, (0, max(0, hop - len(audio))))
    frames = len(audio) // hop
    limits = {"fmin": np.float32(config["lowest_hz"]), "fmax": np.float32(config["highest_hz"])}
    found = []
    for first in range(0, frames, _STRETCH_FRAMES):
        last, before = min(first + _STRETCH_FRAMES, frames), max(0, first - _BACK_FRAMES)
        stretch = audio[before * hop : (last + _AHEAD_FRAMES) * hop]
        hz, confidence = _network()(audio=stretch[None], **{name: np.array(limit) for name, limit in limits.items()})
        found.append((hz[0, first - before : last - before], confidence[0, first - before : last - before]))
    hz, confidence = (np.concatenate(parts).astype(np.float64) for parts in zip(*found, strict=True))
    # Digital silence is a texture the network never met; it answers at random.
    confidence[np.abs(audio[: frames * hop].reshape(frames, hop)).max(axis=1) < _SILENT_PEAK] = 0
    return PitchTrack(hz, confidence, rate / hop)


def yin(
    samples: np.ndarray, centres: np.ndarray, lowest_hz: float = YIN_LOWEST_HZ, highest_hz: float = YIN_HIGHEST_HZ
) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in Hz and aperiodicity (0 … about 1; below YIN_THRESHOLD there is a pitch) around each of ``centres``.

    ``centres [frames]`` are places in ``samples``. The first dip of the cumulative mean normalised difference (eq. 8)
    below the threshold is the period, else its lowest one; a parabola refines it.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    longest = int(SAMPLE_RATE_HZ / lowest_hz) + 2
    size = next_fast_len(2 * longest + longest)
    padded = np.pad(mono(samples), 2 * longest)
    pieces = padded[np.asarray(centres, int)[:, None] + longest + np.arange(2 * longest)]
    first = pieces[:, :longest]
    spectra, own = (np.asarray(rfft(part, size)) for part in (pieces, first))
    products = np.asarray(irfft(spectra * own.conj(), size))[:, :longest]
    energy = np.concatenate([np.zeros((len(pieces), 1)), np.cumsum(pieces**2, axis=1)], axis=1)
    shifted = energy[:, longest : 2 * longest] - energy[:, :longest]
    difference = np.maximum(0, shifted[:, :1] + shifted - 2 * products)
    lags = np.arange(longest)
    normalised = difference * lags / np.maximum(np.cumsum(difference, axis=1), _FLOOR)
    normalised[:, 0] = 1
    best = np.array([_first_dip(row, int(SAMPLE_RATE_HZ / highest_hz)) for row in normalised])
    row = np.arange(len(best))
    left, low, right = (normalised[row, best + shift] for shift in (-1, 0, 1))
    bend = left - 2 * low + right
    offset = np.where(bend > _FLOOR, 0.5 * (left - right) / np.maximum(bend, _FLOOR), 0)
    return SAMPLE_RATE_HZ / (best + np.clip(offset, -0.5, 0.5)), low


def _first_dip(normalised: np.ndarray, shortest: int) -> int:
    """The place of the first dip below the threshold, else of the lowest value."""
    here = normalised[shortest:-1]
    below = np.flatnonzero(here < YIN_THRESHOLD)
    if len(below) == 0:
        return shortest + int(np.argmin(here))
    place = int(below[0])
    while place + 1 < len(here) and here[place + 1] < here[place]:
        place += 1
    return shortest + place


def pitch_of_note(samples: np.ndarray) -> NotePitch | None:
    """The pitch of one recorded note that begins with ``samples``; None where there is none, as of a drum."""
    audio = mono(samples)
    centres = _heard_centres(audio)
    if len(centres) == 0:
        return None
    beyond = _pitch_by_yin(audio, centres)
    config = manifest()["pitch"]["config"]
    low, high = (_midi(np.array(config[limit])) for limit in ("lowest_hz", "highest_hz"))
    if beyond is not None and not low <= beyond.pitch <= high:
        return beyond
    found = swift_f0(audio)
    frames = np.unique(np.minimum((centres / SAMPLE_RATE_HZ * found.rate_hz).round().astype(int), len(found.hz) - 1))
    voiced = frames[found.confidence[frames] >= 0.5]
    share = len(voiced) / len(frames)
    if share < VOICED_SHARE:
        return None
    return NotePitch(float(np.median(_midi(found.hz[voiced]))), share)


def _pitch_by_yin(audio: np.ndarray, centres: np.ndarray) -> NotePitch | None:
    hz, aperiodicity = yin(audio, centres)
    voiced = aperiodicity < YIN_THRESHOLD
    if voiced.mean() < VOICED_SHARE:
        return None
    return NotePitch(float(np.median(_midi(hz[voiced]))), float(voiced.mean()))


def _heard_centres(audio: np.ndarray) -> np.ndarray:
    """Places in a note's samples where it is loud, its attack over where it lasts that long."""
    blocks = audio[: len(audio) // HOP * HOP].reshape(-1, HOP)
    if len(blocks) == 0:
        return np.zeros(0, int)
    power = (blocks**2).mean(axis=1)
    if power.max() < _SILENT_PEAK**2 / 100:
        return np.zeros(0, int)
    heard = np.flatnonzero(power > power.max() * 10 ** (-_HEARD_DB / 10))
    settled = heard[heard >= heard[0] + round(_ATTACK_S * FRAME_RATE_HZ)]
    heard = settled if len(settled) >= 3 else heard
    heard = heard[heard < heard[0] + round(_HEARD_S * FRAME_RATE_HZ)]
    chosen = heard[np.linspace(0, len(heard) - 1, min(len(heard), _MOST_FRAMES)).round().astype(int)]
    return chosen * HOP + HOP // 2


def _midi(hz: np.ndarray) -> np.ndarray:
    return A4_PITCH + 12 * np.log2(hz / A4_HZ)
