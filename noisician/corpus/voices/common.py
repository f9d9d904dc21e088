"""Small signal tools every voice shares: time, level, envelopes, filters and shaped noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisician.audio import fade
from noisician.mel import SAMPLE_RATE_HZ

FloatArray = NDArray[np.floating]

_FRAME = 2048
_HOP = 512


def sample_count(duration_s: float) -> int:
    """Whole samples in a duration, nearest."""
    return round(duration_s * SAMPLE_RATE_HZ)


def seconds(count: int) -> FloatArray:
    """Time of each of ``count`` samples, s."""
    return np.arange(count, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)


def velocity_gain(velocity: int, exponent: float = 1.5) -> float:
    """Linear gain of a MIDI velocity, 1.0 at 127; exponent 1.5 spans about 21 dB from 25 to 127."""
    return (max(1, min(127, velocity)) / 127.0) ** exponent


def add_at(target: FloatArray, start: int, sound: FloatArray) -> None:
    """Add ``sound`` into ``target`` from sample ``start``; what falls outside is dropped."""
    first = max(0, -start)
    count = min(len(sound), len(target) - start)
    if count > first:
        target[start + first : start + count] += sound[first:count]


def peak_normalise(sound: FloatArray, peak: float = 1.0) -> FloatArray:
    """Scale to an absolute peak; silence stays silence."""
    highest = float(np.max(np.abs(sound), initial=0.0))
    return sound if highest < 1e-9 else (sound * (peak / highest)).astype(sound.dtype)


def rms_normalise(sound: FloatArray, rms: float) -> FloatArray:
    """Scale to a root mean square; silence stays silence."""
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0
    return sound if level < 1e-9 else (sound * (rms / level)).astype(sound.dtype)


@dataclass(frozen=True)
class Envelope:
    """Attack, decay, sustain, release in seconds (sustain as a fraction).

    ``decay_s`` is the time constant of the exponential fall to ``sustain``; ``release_s`` the whole release.
    """

    attack_s: float
    decay_s: float
    sustain: float
    release_s: float

    def curve(self, hold_s: float) -> FloatArray:
        """Level per sample over ``hold_s`` + ``release_s``, starting and ending at 0."""
        hold = max(1, sample_count(hold_s))
        attack = max(2, sample_count(self.attack_s))
        level = np.empty(hold, dtype=np.float32)
        rise = min(attack, hold)
        level[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise, dtype=np.float32) / attack)
        fall = np.exp(-seconds(hold - rise) / np.float32(self.decay_s))
        level[rise:] = self.sustain + (1.0 - self.sustain) * fall
        release = max(2, sample_count(self.release_s))
        # Five time constants, then shifted so that the last sample is exactly silent.
        tail = np.exp(np.linspace(0.0, -5.0, release, dtype=np.float32))
        tail = (tail - tail[-1]) / (1.0 - tail[-1])
        return np.concatenate([level, level[-1] * tail])


def decay(count: int, time_constant_s: float) -> FloatArray:
    """exp(−t/τ) over ``count`` samples."""
    return np.exp(-seconds(count) / np.float32(time_constant_s))


def white_noise(count: int, rng: np.random.Generator) -> FloatArray:
    """Gaussian noise of unit variance, float32."""
    return rng.standard_normal(count, dtype=np.float32)


def filtered(sound: FloatArray, magnitude: Callable[[FloatArray], FloatArray], pad_s: float = 0.05) -> FloatArray:
    """Zero-phase filter: multiply the spectrum by ``magnitude`` of frequency in Hz.

    The sound is padded so that the ringing before an onset does not wrap around to the end.
    """
    from scipy import fft

    length = int(np.asarray(fft.next_fast_len(len(sound) + 2 * sample_count(pad_s), real=True)))
    spectrum = np.asarray(fft.rfft(sound, n=length))
    hz = fft.rfftfreq(length, 1.0 / SAMPLE_RATE_HZ).astype(np.float32)
    shaped = np.asarray(fft.irfft(spectrum * magnitude(hz).astype(np.float32), n=length))
    return shaped[: len(sound)].astype(np.float32)


def butterworth(sound: FloatArray, kind: str, cutoff_hz: float | tuple[float, float], order: int = 2) -> FloatArray:
    """Causal Butterworth filter (``lowpass``, ``highpass`` or ``bandpass``): keeps onsets where they are."""
    from scipy import signal

    sections = signal.butter(order, cutoff_hz, btype=kind, fs=SAMPLE_RATE_HZ, output="sos")
    return np.asarray(signal.sosfilt(sections, sound), dtype=np.float32)


def low_pass(hz: FloatArray, cutoff_hz: float | FloatArray, order: float = 2.0) -> FloatArray:
    """Butterworth magnitude 1 / √(1 + (f/fc)^2n); broadcasts over a cutoff per frame."""
    return 1.0 / np.sqrt(1.0 + (hz / cutoff_hz) ** (2.0 * order))


def high_pass(hz: FloatArray, cutoff_hz: float | FloatArray, order: float = 2.0) -> FloatArray:
    """Butterworth high-pass magnitude."""
    return 1.0 / np.sqrt(1.0 + (cutoff_hz / np.maximum(hz, 1.0)) ** (2.0 * order))


def bell(hz: FloatArray, centre_hz: float | FloatArray, width_octaves: float | FloatArray) -> FloatArray:
    """Gaussian on a log-frequency axis, 1 at the centre."""
    octaves = np.log2(np.maximum(hz, 1.0) / centre_hz)
    return np.exp(-0.5 * np.square(octaves / width_octaves))


def frame_times(count: int) -> FloatArray:
    """Centre of each noise frame, s, as a column ``[frames, 1]``, for :func:`shaped_noise`."""
    frames = count // _HOP + 1 + _FRAME // _HOP
    return ((np.arange(frames) * _HOP - _FRAME // 2) / SAMPLE_RATE_HZ).astype(np.float32)[:, None]


def frame_hz() -> FloatArray:
    """Frequency of each bin of a noise frame, Hz, as a row ``[1, bins]``."""
    return np.fft.rfftfreq(_FRAME, 1.0 / SAMPLE_RATE_HZ).astype(np.float32)[None, :]


def shaped_noise(count: int, magnitude: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Gaussian noise whose spectrum follows ``magnitude[frames, bins]`` in time.

    Frames of independent complex Gaussian bins, windowed and overlap-added (four-fold): white noise of unit
    variance for a magnitude of 1. The first axis is :func:`frame_times`, the second :func:`frame_hz`.
    """
    from scipy import fft

    frames = len(frame_times(count))
    magnitude = np.broadcast_to(magnitude, (frames, _FRAME // 2 + 1))
    bins = rng.standard_normal((frames, _FRAME + 2), dtype=np.float32).view(np.complex64)
    window = np.hanning(_FRAME + 1)[:-1].astype(np.float32)
    # Variance: bins of 2·σ² over N samples give 1/N; the squared Hann windows of four frames add to 1.5.
    scale = np.float32(np.sqrt(_FRAME / 2.0 / 1.5))
    blocks = np.asarray(fft.irfft(bins * magnitude.astype(np.float32), n=_FRAME, axis=1)) * (window * scale)
    overlap = _FRAME // _HOP
    out = np.zeros((frames + overlap, _HOP), dtype=np.float32)
    for part in range(overlap):
        out[part : part + frames] += blocks[:, part * _HOP : (part + 1) * _HOP]
    # Frame 0 is centred at −N/2 … so sample 0 sits one frame into the overlap-added signal.
    return out.reshape(-1)[_FRAME : _FRAME + count]


def wander(count_or_times: FloatArray, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """A smooth random curve in about −1..1 that changes ``rate_hz`` times a second, sampled at the given times."""
    times = np.asarray(count_or_times, dtype=np.float32)
    first = float(times.min(initial=0.0))
    knots = int((float(times.max(initial=0.0)) - first) * rate_hz) + 4
    values = rng.uniform(-1.0, 1.0, knots)
    place = (times - first) * rate_hz
    index = np.clip(place.astype(int), 0, knots - 2)
    blend = 0.5 - 0.5 * np.cos(np.pi * np.clip(place - index, 0.0, 1.0))
    return (values[index] * (1.0 - blend) + values[index + 1] * blend).astype(np.float32)


def scatter(count: int, starts: NDArray[np.integer], grains: FloatArray) -> FloatArray:
    """Add one grain (row of ``grains [events, length]``) at each start; what falls outside is dropped."""
    places = starts[:, None] + np.arange(grains.shape[1])[None, :]
    inside = (places >= 0) & (places < count)
    return np.bincount(places[inside], weights=grains[inside], minlength=count).astype(np.float32)


def diffuse(sound: FloatArray, decay_s: float, wet: float, rng: np.random.Generator) -> FloatArray:
    """A hall: convolution with darkening noise that falls by 60 dB in ``decay_s``; as long as the input."""
    from scipy import signal

    count = sample_count(decay_s)
    times, hz = frame_times(count), frame_hz()
    tail = shaped_noise(count, low_pass(hz, 7000.0 * np.exp(-1.5 * times / decay_s), 1.0) * high_pass(hz, 120.0), rng)
    tail = tail * decay(count, decay_s / 6.9)
    tail = fade(tail / np.sqrt(np.sum(np.square(tail))), 0.01, 0.05)
    echo = signal.oaconvolve(sound, tail)[: len(sound)]
    return ((1.0 - wet) * sound + wet * echo).astype(np.float32)
