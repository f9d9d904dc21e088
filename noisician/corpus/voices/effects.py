"""Timbre tags as sound treatments: bright, dark, driven, lofi. They change the colour, never level, pitch or time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from noisician.audio import db_to_gain
from noisician.corpus.voices.common import (
    FloatArray,
    butterworth,
    filtered,
    frame_hz,
    high_pass,
    low_pass,
    shaped_noise,
)
from noisician.errors import CorpusError
from noisician.mel import SAMPLE_RATE_HZ

_CEILING = 0.98

Treatment = Callable[[FloatArray, np.random.Generator], FloatArray]


def apply_timbre_tags(audio: FloatArray, tags: Sequence[str], seed: int) -> FloatArray:
    """Treat ``audio`` (mono float32, 44.1 kHz) with each tag, in a fixed order, at unchanged RMS and length.

    Raises:
        CorpusError: a tag that is not one of ``TIMBRE_TAGS``.
    """
    unknown = sorted(set(tags) - set(_TREATMENTS))
    if unknown:
        raise CorpusError(f"unknown timbre tag {unknown[0]!r}: known are {', '.join(_TREATMENTS)}")
    audio = np.asarray(audio, dtype=np.float32)
    level = _rms(audio)
    if level < 1e-7:
        return audio.copy()
    out = audio / np.float32(level)
    for index, (tag, treat) in enumerate(_TREATMENTS.items()):
        if tag in tags:
            out = treat(out, np.random.default_rng([seed, index]))
            out = out / np.float32(max(_rms(out), 1e-9))
    ceiling = max(_CEILING, float(np.abs(audio).max()))
    return _limited((out * np.float32(level)).astype(np.float32), ceiling)


def _limited(sound: FloatArray, ceiling: float) -> FloatArray:
    """Bend what passes 80 % of ``ceiling`` so that nothing passes it; all the rest is untouched."""
    knee, size = 0.8 * ceiling, np.abs(sound)
    over = np.tanh((size - knee) / (ceiling - knee)) * (ceiling - knee) + knee
    return np.where(size > knee, np.sign(sound) * over, sound).astype(np.float32) if size.max() > ceiling else sound


def _rms(sound: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0


def _centre_hz(sound: FloatArray) -> float:
    """Power-weighted mean frequency, Hz: where a treatment has to bite to be heard on this sound."""
    power = np.square(np.abs(np.fft.rfft(sound)))
    hz = np.fft.rfftfreq(len(sound), 1.0 / SAMPLE_RATE_HZ)
    return float(np.sum(power * hz) / max(float(np.sum(power)), 1e-12))


def _bright(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """High shelf of 8 to 12 dB above the sound's middle, and some new harmonics where there were none."""
    corner_hz = float(np.clip(2.5 * _centre_hz(sound), 700.0, 2500.0) * rng.uniform(0.8, 1.2))
    gain = db_to_gain(rng.uniform(8.0, 12.0))
    sound = sound + 0.25 * _saturated(butterworth(sound, "highpass", 0.5 * corner_hz), 2.5)

    def shelf(hz: FloatArray) -> FloatArray:
        blend = high_pass(hz, corner_hz, 1.0)
        return (1.0 + (gain - 1.0) * blend) * low_pass(hz, 19_000.0, 8.0)

    return filtered(sound, shelf)


def _dark(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Low-pass of 12 dB an octave: 1.2 to 2.8 kHz, lower for a sound that has little up there."""
    cutoff_hz = float(rng.uniform(1200.0, 2800.0))
    return butterworth(sound, "lowpass", min(cutoff_hz, max(350.0, 1.3 * _centre_hz(sound))))


def _driven(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A tube stage: soft, slightly lopsided clipping, then a cabinet's gentle roll-off."""
    peak = float(np.quantile(np.abs(sound), 0.999)) + 1e-9
    bent = _saturated(sound / np.float32(peak), float(rng.uniform(4.0, 8.0)), 0.15)
    bent = butterworth(bent, "highpass", 25.0)
    return filtered(bent, lambda hz: low_pass(hz, 9000.0, 1.0))


def _saturated(sound: FloatArray, drive: float, bias: float = 0.0) -> FloatArray:
    """tanh(drive·x + bias) − tanh(bias), at twice the sample rate."""
    from scipy import signal

    doubled = np.asarray(signal.resample_poly(sound, 2, 1), dtype=np.float32)
    bent = np.tanh(np.float32(drive) * doubled + np.float32(bias)) - np.float32(np.tanh(bias))
    return np.asarray(signal.resample_poly(bent, 1, 2)[: len(sound)], dtype=np.float32)


def _lofi(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A worn cassette: 200 Hz to 5 kHz, saturation, wow under 4 cents and 1 ms, coarse steps and a breath of hiss."""
    from scipy import ndimage

    narrow = butterworth(
        butterworth(sound, "highpass", float(rng.uniform(150.0, 260.0))),
        "lowpass",
        float(rng.uniform(4000.0, 6000.0)),
        4,
    )
    peak = float(np.quantile(np.abs(narrow), 0.999)) + 1e-9
    warm = _saturated(narrow / np.float32(peak), float(rng.uniform(1.2, 2.0)))
    wavering = _wow(warm, rng)
    steps = 2.0 ** rng.uniform(6.5, 8.0)
    quiet = np.abs(wavering) < 1e-6
    stepped = np.where(quiet, wavering, np.round(wavering * steps + rng.uniform(-0.5, 0.5, len(sound))) / steps)
    hz = frame_hz()
    hiss = shaped_noise(len(sound), high_pass(hz, 1200.0) * low_pass(hz, 5500.0, 3.0), rng)
    follow = ndimage.uniform_filter1d(np.abs(wavering), SAMPLE_RATE_HZ // 20)
    breath = 0.012 * hiss * follow / max(float(follow.max()), 1e-9)
    return butterworth((stepped + breath).astype(np.float32), "lowpass", 7000.0)


def _wow(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Slow speed change of at most 3.5 cents: the read position sways by less than 0.6 ms."""
    rate_hz = float(rng.uniform(0.55, 1.1))
    deviation = 2.0 ** (float(rng.uniform(2.0, 3.5)) / 1200.0) - 1.0
    sway_s = deviation / (2.0 * np.pi * rate_hz)
    times = np.arange(len(sound), dtype=np.float64)
    turn = 2.0 * np.pi * (rate_hz * times / SAMPLE_RATE_HZ + rng.random())
    place = np.clip(times + SAMPLE_RATE_HZ * sway_s * np.sin(turn), 0.0, max(0, len(sound) - 1))
    return np.interp(place, times, sound).astype(np.float32)


_TREATMENTS: dict[str, Treatment] = {"bright": _bright, "driven": _driven, "dark": _dark, "lofi": _lofi}
