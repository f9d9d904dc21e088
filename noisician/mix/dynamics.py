"""Gain over time. Every curve is sampled once a hop (``HOP`` frames, 1.43 ms) and ramps linearly between.

A curve for ``frames`` samples has ``hops + 1`` points: one at each hop's start and one at the very end. Curves
are a 63rd of the audio's size, so the compressor, the limiter and the search for the loudness target cost next
to nothing; none of them needs a loop over samples.

Envelopes have a ``memory`` in time constants. None is the recursion, which never quite forgets, started from the first
value. With a number they are the same exponentials, cut: what lies longer back than :func:`memory_hops` changes no bit,
so a stretch with that much before it is a pure function of what it was given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from noisician.loudness import gated_loudness_lufs
from noisician.mix.filters import HOP, SAMPLE_RATE_HZ

HOP_S = HOP / SAMPLE_RATE_HZ
HOPS_PER_STEP = 70  # 100 ms
LOOKAHEAD_HOPS = 4
LIMITER_RELEASE_S = 0.09
GLIDE_S = 0.15
SILENCE_DB = -120.0
VOICE_RANGE_DB = (-30.0, -15.0)  # against its own loud parts: from where the band hears a voice, from where fully
VOICE_ATTACK_S, VOICE_RELEASE_S = 0.08, 0.3
_VOICE_DETECTOR_S, _SIBILANT_DETECTOR_S = 0.01, 0.003


@dataclass(frozen=True)
class Compression:
    """How a compressor works. ``threshold_db`` counts from the signal's own loud parts, so one setting suits all."""

    threshold_db: float
    ratio: float
    knee_db: float
    detector_s: float
    attack_s: float
    release_s: float


@dataclass(frozen=True)
class Deesser:
    """When and how far sibilants are lowered in ``low_hz … high_hz``.

    ``share_db`` is the band's level against the whole, ``level_db`` against the voice's loud parts, from which each
    decibel more costs ``slope`` dB, up to ``limit_db``.
    """

    low_hz: float
    high_hz: float
    share_db: float
    level_db: float
    slope: float
    limit_db: float
    attack_s: float
    release_s: float


BUS = Compression(threshold_db=-1.0, ratio=2.0, knee_db=3.0, detector_s=0.03, attack_s=0.02, release_s=0.18)


def hops_of(frames: int) -> int:
    """Hops that cover ``frames``, the last one perhaps short."""
    return -(-frames // HOP)


def curve_times_s(frames: int) -> np.ndarray:
    """When each point of a curve is, ``[hops + 1]``."""
    return np.minimum(np.arange(hops_of(frames) + 1) * HOP, frames) / SAMPLE_RATE_HZ


def ramps(curve: np.ndarray, start: int, stop: int, frames: int) -> np.ndarray:
    """The curve's linear ramps at frames ``start … stop``, float32. ``start`` lies on a hop."""
    first = start // HOP
    points = curve[first : first + hops_of(stop - start) + 1].astype(np.float32)
    ramp = np.arange(HOP, dtype=np.float32) / HOP
    gains = (points[:-1, None] + np.diff(points)[:, None] * ramp).reshape(-1)[: stop - start]
    short = frames % HOP
    if stop == frames and short:
        gains[-short:] = points[-2] + (points[-1] - points[-2]) * np.arange(short, dtype=np.float32) / short
    return gains


def duck_shape(onsets_s: np.ndarray, frames: int, release_s: float, *, loop: bool) -> np.ndarray:
    """Side-chain curve from known kick times: 1 at each onset, back to 0 ``release_s`` later, ``[hops + 1]``.

    It starts 4 ms before the onset, which a detector could not, so that nothing masks the attack.
    """
    attack_s, hold_s = 0.004, 0.012
    times = curve_times_s(frames)
    shape = np.zeros(len(times))
    if len(onsets_s) == 0:
        return shape
    duration_s = frames / SAMPLE_RATE_HZ
    onsets = np.asarray(onsets_s, np.float64)
    if loop:
        onsets = np.concatenate([onsets - duration_s, onsets, onsets + duration_s])
    width = int((attack_s + hold_s + release_s) / HOP_S) + 2
    at = np.floor((onsets - attack_s) / HOP_S).astype(int)[:, None] + np.arange(width)
    inside = (at >= 0) & (at < len(times))
    since = np.where(inside, times[np.clip(at, 0, len(times) - 1)], -1e9) - onsets[:, None]
    rise = np.clip((since + attack_s) / attack_s, 0, 1)
    fall = 0.5 + 0.5 * np.cos(np.pi * np.clip((since - hold_s) / release_s, 0, 1))
    np.maximum.at(shape, at[inside], (rise * fall)[inside])
    if loop:
        shape[0] = shape[-1] = max(shape[0], shape[-1])
    return shape


def duck_gain(shape: np.ndarray, depth_db: float) -> np.ndarray:
    """Gain curve of a stem ducked by ``depth_db`` where the shape is 1."""
    return 10 ** (-depth_db * shape / 20)


def voice_shape(
    mean_squares: np.ndarray, *, loop: bool, loud: float | None = None, memory: float | None = None
) -> np.ndarray:
    """1 where a voice sings, 0 where it rests, ``[hops + 1]``, from its mean squares per hop.

    ``loud`` is the mean square of its loud parts, None to measure it. It rises within ``VOICE_ATTACK_S`` and falls
    within ``VOICE_RELEASE_S``, the time constants of what gives way.
    """
    hops = len(mean_squares)
    loud = loud_mean_square(mean_squares) if loud is None else loud
    if loud == 0:
        return np.zeros(hops + 1)
    level = _smooth(_settled(mean_squares, loop=loop), _VOICE_DETECTOR_S, memory)
    level_db = 10 * np.log10(np.maximum(level / loud, 1e-12))
    none_db, full_db = VOICE_RANGE_DB
    sung = np.clip((level_db - none_db) / (full_db - none_db), 0, 1)
    return _points(_smooth(_release(sung, VOICE_RELEASE_S, memory), VOICE_ATTACK_S, memory)[-hops:], loop=loop)


def voice_shape_hops(memory: float) -> int:
    """How far back :func:`voice_shape` looks."""
    return memory_hops(memory, _VOICE_DETECTOR_S, VOICE_RELEASE_S, VOICE_ATTACK_S)


def deesser_gain(
    band: np.ndarray,
    whole: np.ndarray,
    settings: Deesser,
    *,
    loop: bool,
    loud: float | None = None,
    memory: float | None = None,
) -> np.ndarray:
    """Gain curve ``[hops + 1]`` for the sibilant band, from mean squares per hop of the band and of the whole voice.

    It acts only where the band both carries most of the moment's sound and is loud against the voice itself: a
    bright vowel fails the first test, a soft consonant the second. ``loud`` is the mean square of the voice's loud
    parts, None to measure it.
    """
    hops = len(band)
    loud = loud_mean_square(whole) if loud is None else loud
    if loud == 0:
        return np.ones(hops + 1)
    sibilant, total = (_smooth(_settled(each, loop=loop), _SIBILANT_DETECTOR_S, memory) for each in (band, whole))
    share_db = 10 * np.log10(np.maximum(sibilant, 1e-16) / np.maximum(total, 1e-16))
    level_db = 10 * np.log10(np.maximum(sibilant / loud, 1e-12))
    excess_db = np.minimum(share_db - settings.share_db, level_db - settings.level_db)
    reduction_db = np.clip(settings.slope * excess_db, 0, settings.limit_db)
    reduction_db = _smooth(_release(reduction_db, settings.release_s, memory), settings.attack_s, memory)[-hops:]
    return 10 ** (-_points(reduction_db, loop=loop) / 20)


def deesser_hops(settings: Deesser, memory: float) -> int:
    """How far back :func:`deesser_gain` looks."""
    return memory_hops(memory, _SIBILANT_DETECTOR_S, settings.release_s, settings.attack_s)


def memory_hops(memory: float, *times_s: float) -> int:
    """Hops after which envelopes of these time constants, one behind the other, have forgotten."""
    return sum(int(np.ceil(memory * time_s / HOP_S)) for time_s in times_s)


def _smooth(values: np.ndarray, time_s: float, memory: float | None = None) -> np.ndarray:
    """One-pole low-pass starting from the first value; with a ``memory`` its impulse response is cut there."""
    if memory is not None:
        taps = memory_hops(memory, time_s) + 1
        kernel = np.exp(-np.arange(taps) * (HOP_S / time_s))
        padded = np.concatenate([np.full(taps - 1, values[0]), values])
        return np.convolve(padded, kernel / kernel.sum(), "valid")
    from scipy.signal import lfilter

    keep = np.exp(-HOP_S / time_s)
    smoothed, _ = lfilter([1 - keep], [1, -keep], values, zi=[keep * values[0]])
    return smoothed


def _release(values: np.ndarray, time_s: float, memory: float | None = None) -> np.ndarray:
    """Instant rise, exponential fall: y[k] = max(x[k], y[k − 1] · exp(−hop / time)), without recursion.

    In logarithms the fall is a straight line, so a running maximum of ``log x + k · hop / time`` is the answer.
    With a ``memory`` it runs over that long.
    """
    slope = np.arange(len(values)) * (HOP_S / time_s)
    with np.errstate(divide="ignore"):
        rising = np.log(values) + slope
    if memory is None:
        return np.exp(np.maximum.accumulate(rising) - slope)
    from scipy.ndimage import maximum_filter1d

    back = memory_hops(memory, time_s)
    held = maximum_filter1d(rising, back + 1, mode="constant", cval=-np.inf, origin=back // 2)
    return np.exp(held - slope)


def _settled(curve: np.ndarray, *, loop: bool) -> np.ndarray:
    """A loop's values twice over: what comes out of the second pass has forgotten the start."""
    return np.concatenate([curve, curve]) if loop else curve


def _points(per_hop: np.ndarray, *, loop: bool) -> np.ndarray:
    """Values of hops to values of the points between them, the greater of both neighbours."""
    before = per_hop[-1:] if loop else per_hop[:1]
    after = per_hop[:1] if loop else per_hop[-1:]
    return np.maximum(np.concatenate([before, per_hop]), np.concatenate([per_hop, after]))


def loud_mean_square(mean_squares: np.ndarray) -> float:
    """Mean of the loud parts: of what lies at most 10 dB under the mean of all that sounds; 0 for silence."""
    sounding = mean_squares[mean_squares > 10 ** (SILENCE_DB / 10)]
    return float(sounding[sounding > sounding.mean() * 0.1].mean()) if len(sounding) else 0.0


def compressor_gain(
    mean_squares: np.ndarray,
    amount: float,
    *,
    loop: bool,
    compression: Compression = BUS,
    loud: float | None = None,
    memory: float | None = None,
) -> np.ndarray:
    """Compressor with a soft knee, as a gain curve ``[hops + 1]``; by default the slow 2:1 of the bus.

    ``mean_squares`` are the signal's per hop; ``amount`` 0 … 1 scales the reduction, on the bus typically 1 to 3 dB.
    ``loud`` is the mean square of the signal's loud parts, None to measure it.
    """
    hops = len(mean_squares)
    loud = loud_mean_square(mean_squares) if loud is None else loud
    if amount <= 0 or loud == 0:
        return np.ones(hops + 1)
    threshold_db = 10 * np.log10(loud) + compression.threshold_db
    level = _smooth(_settled(mean_squares, loop=loop), compression.detector_s, memory)
    over_db = 10 * np.log10(np.maximum(level, 1e-12)) - threshold_db
    knee_db, slope = compression.knee_db, 1 - 1 / compression.ratio
    reduction_db = np.minimum(slope * amount * knee_db * np.logaddexp(0, over_db / knee_db), 12.0)
    reduction_db = _smooth(_release(reduction_db, compression.release_s, memory), compression.attack_s, memory)
    return 10 ** (-_points(reduction_db[-hops:], loop=loop) / 20)


def compressor_hops(memory: float, compression: Compression = BUS) -> int:
    """How far back :func:`compressor_gain` looks."""
    return memory_hops(memory, compression.detector_s, compression.release_s, compression.attack_s)


def limiter_gain(
    peaks: np.ndarray,
    ceiling: float,
    *,
    loop: bool,
    release_s: float = LIMITER_RELEASE_S,
    memory: float | None = None,
) -> np.ndarray:
    """Look-ahead limiter as a gain curve ``[hops + 1]`` that keeps ``peaks`` per hop under ``ceiling``.

    The reduction in dB is held over the look-ahead, released exponentially, then averaged over the look-ahead
    again: at any hop the mean covers only values at least as large as that hop needs.
    """
    hops = len(peaks)
    needed_db = np.maximum(20 * np.log10(np.maximum(peaks, 1e-9) / ceiling), 0)
    if not needed_db.any():
        return np.ones(hops + 1)
    wide = 2 * LOOKAHEAD_HOPS
    looped = _settled(needed_db, loop=loop)
    tail = np.resize(needed_db, wide) if loop else np.zeros(wide)
    ahead = np.lib.stride_tricks.sliding_window_view(np.concatenate([looped, tail]), wide + 1).max(axis=1)
    held = _release(ahead, release_s, memory)
    for length in (LOOKAHEAD_HOPS, LOOKAHEAD_HOPS):
        padded = np.concatenate([np.full(length, held[0]), held])
        held = np.convolve(padded, np.full(length + 1, 1 / (length + 1)), "valid")
    return 10 ** (-_points(held[-hops:], loop=loop) / 20)


def limiter_hops(memory: float) -> int:
    """How far back :func:`limiter_gain` looks; ahead it looks ``2 · LOOKAHEAD_HOPS``."""
    return memory_hops(memory, LIMITER_RELEASE_S) + 2 * LOOKAHEAD_HOPS


def hop_loudness_lufs(energies: np.ndarray, gain: np.ndarray) -> float:
    """Integrated loudness after a gain curve, from K-weighted mean squares per hop summed over channels."""
    power = energies * np.square((gain[:-1] + gain[1:]) / 2)
    steps = len(power) // HOPS_PER_STEP
    if steps < 4:
        return gated_loudness_lufs(power.mean(keepdims=True))
    return gated_loudness_lufs(power[: steps * HOPS_PER_STEP].reshape(steps, -1).mean(axis=1))


def energy_gain(
    sections: tuple[tuple[float, float], ...],
    frames: int,
    range_db: float,
    *,
    loop: bool,
    reference: float | None = None,
    memory: float | None = None,
) -> np.ndarray:
    """Gentle automation: a section of energy 1 lies ``range_db`` above one of energy 0, ``[hops + 1]``.

    ``sections`` are (start in seconds, energy 0 … 1) in order; ``reference`` is the energy that stays at 0 dB, None for
    the mean. Changes glide over a third of a second.
    """
    times = curve_times_s(frames)
    if not sections or range_db == 0:
        return np.ones(len(times))
    each = _energies_at(sections, times)
    gain_db = range_db * (each - (each.mean() if reference is None else reference))
    smooth_db = _smooth(_settled(gain_db, loop=loop), GLIDE_S, memory)[-len(times) :]
    if loop:
        smooth_db[-1] = smooth_db[0]
    return 10 ** (smooth_db / 20)


def mean_energy(sections: tuple[tuple[float, float], ...], frames: int) -> float:
    """Mean over time of the sections' energy, 0 without sections."""
    return float(_energies_at(sections, curve_times_s(frames)).mean()) if sections else 0.0


def _energies_at(sections: tuple[tuple[float, float], ...], times_s: np.ndarray) -> np.ndarray:
    starts = np.array([start for start, _ in sections])
    energies = np.array([energy for _, energy in sections])
    return energies[np.clip(np.searchsorted(starts, times_s, "right") - 1, 0, None)]


def fade_gain(frames: int, fade_out_s: float, fade_in_s: float = 0.0) -> np.ndarray:
    """Fades over the first and last seconds as a gain curve ``[hops + 1]``, quarter cosines."""
    times = curve_times_s(frames)
    gain = np.ones(len(times))
    if fade_out_s > 0:
        gain = np.sin(np.pi / 2 * np.clip((frames / SAMPLE_RATE_HZ - times) / fade_out_s, 0, 1))
    if fade_in_s > 0:
        gain = gain * np.sin(np.pi / 2 * np.clip(times / fade_in_s, 0, 1))
    return gain
