"""From the sum of the stems to the finished track: colour, glue, loudness, limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.analysis.sound import OCTAVES_HZ, balance_of
from noisician.loudness import (
    ABSOLUTE_GATE_LUFS,
    TILE,
    amplitude_db,
    gated_loudness_lufs,
    integrated_loudness_lufs,
    k_weighting_sos,
    tile_true_peaks,
)
from noisician.mix import dynamics
from noisician.mix.filters import (
    HOP,
    SAMPLE_RATE_HZ,
    Band,
    Blocks,
    Reader,
    impulse_response,
    interpolate,
    power_response,
    reader_of,
    sections,
)
from noisician.mix.settings import OPEN_HZ, MixSettings
from noisician.parallel import ignore_step

TARGET_LUFS = -14.0
CEILING_DBTP = -1.0
#: Equalising towards a reference: an octave's width, how much of the difference is made up, within how many dB (at the
#: lowest and the highest octave, where rooms and codecs differ most, fewer), and how little of an octave says nothing.
OCTAVE_Q, MATCH_SHARE, MATCH_LIMIT_DB, MATCH_ENDS_LIMIT_DB, MATCH_FLOOR_DB = 1.41, 0.7, 6.0, 3.0, -50.0
REFERENCE_LUFS = -18.0  # what the colour stage is set for, whatever the stems' own level
MAX_GAIN_DB = 30.0
SEARCH_STEPS = 12
SWAYS = ((0.55, 0.9), (6.3, 0.022))  # rate in Hz and depth in ms of a worn tape's wow and flutter
_EDGE_S = (0.001, 0.02)  # shortest fade in and out, against clicks
_COLOUR = Blocks(valid=HOP * 376, guard=480)
_K_TAPS = 2048


@dataclass(frozen=True)
class Finish:
    """How a track begins and ends. ``loudness_lufs`` None sets the level by true peak alone; a loop never fades."""

    loop: bool = False
    loudness_lufs: float | None = TARGET_LUFS
    ceiling_dbtp: float = CEILING_DBTP
    fade_out_s: float = 0.0
    fade_in_s: float = 0.0


def master(
    channels: np.ndarray,
    settings: MixSettings,
    energies: tuple[tuple[float, float], ...] = (),
    finish: Finish = Finish(),
) -> np.ndarray:
    """Pre-master ``[2, frames]`` float32, changed in place, to the mastered track ``[frames, 2]`` float32.

    ``energies`` are (start in seconds, energy 0 … 1) of the sections, for the gentle automation.
    Silence stays silence. Otherwise the result has no DC, a true peak of at most ``ceiling_dbtp`` and, as far
    as ``MAX_GAIN_DB`` allows, the loudness asked for within 0.5 LU.
    """
    return master_parts(channels, (), settings, energies, finish)[0]


def master_parts(
    channels: np.ndarray,
    parts: Sequence[np.ndarray],
    settings: MixSettings,
    energies: tuple[tuple[float, float], ...],
    finish: Finish,
) -> list[np.ndarray]:
    """:func:`master`'s track and, after it, each of ``parts`` as it sits in that track, ``[frames, 2]`` each.

    Parts of the mix, ``[2, frames]`` each and changed in place, get the mix's own gain from moment to moment. Only
    one that peaks over the ceiling without the others is trimmed to it.
    """
    frames = channels.shape[1]
    level = measured_loudness_lufs(channels)
    if not np.isfinite(level):
        return [np.zeros((frames, 2), np.float32) for _ in range(1 + len(parts))]
    reference = np.float32(10 ** ((REFERENCE_LUFS - level) / 20))
    channels *= reference
    loudness = colour(channels, settings, loop=finish.loop)
    static = dynamics.energy_gain(energies, frames, settings.automation_db, loop=finish.loop)
    static *= fades(frames, finish)
    gain = _gain(channels, loudness, static, settings.glue, finish)
    tracks = [_finished(channels, gain, finish)]
    for part in parts:
        part *= reference
        colour(part, settings, loop=finish.loop)
        tracks.append(_finished(part, gain, finish))
    return tracks


def _finished(channels: np.ndarray, gain: np.ndarray, finish: Finish) -> np.ndarray:
    """Coloured ``[2, frames]`` times the gain curve, without clicks at its ends or peaks over the ceiling."""
    frames = channels.shape[1]
    out = np.empty((frames, 2), np.float32)
    for start, stop in Blocks().spans(frames):
        ramp = dynamics.ramps(gain, start, stop, frames)
        np.multiply(channels[:, start:stop].T, ramp[:, None], out=out[start:stop])
    if not finish.loop:
        soften_edges(out, 0, frames)
    _trim(out, finish)
    return out


def fades(frames: int, finish: Finish) -> np.ndarray:
    """The fades of a track as a gain curve ``[hops + 1]``."""
    return dynamics.fade_gain(frames, *((0.0, 0.0) if finish.loop else (finish.fade_out_s, finish.fade_in_s)))


def measured_loudness_lufs(channels: np.ndarray, on_step: Callable[[], None] = ignore_step) -> float:
    """Integrated loudness of ``[channels, frames]``; ``-inf`` for anything under the absolute gate."""
    level = integrated_loudness_lufs(channels.T, SAMPLE_RATE_HZ, on_step)
    return level if level > ABSOLUTE_GATE_LUFS else -np.inf


def tone_sections(settings: MixSettings) -> np.ndarray:
    """The bus's own equaliser: no DC, warmth, tilt, the band a tape or a dark style leaves, nothing over 20 kHz.

    The last keeps energy away from half the rate, where "the peak between the samples" is ill-defined.
    """
    low_cut_hz = 22.0 * (3.2**settings.lofi)
    bands = [
        Band("high_pass", low_cut_hz),
        Band("low_shelf", 180.0, 1.6 * settings.warmth - 0.3 * settings.tilt_db),
        Band("high_shelf", 6500.0, settings.tilt_db - 2.2 * settings.warmth),
        Band("low_pass", 20500.0, q=0.54),
        Band("low_pass", 20500.0, q=1.31),
    ]
    bands += [
        Band("peak", hz, gain_db, OCTAVE_Q)
        for hz, gain_db in zip(OCTAVES_HZ, settings.balance_db, strict=False)
        if gain_db != 0
    ]
    lowpass_hz = min(settings.lowpass_hz, OPEN_HZ * 0.36**settings.lofi)
    if lowpass_hz < 18000:
        bands.append(Band("low_pass", lowpass_hz))
    return sections(bands)


def matching_gains_db(towards_db: Sequence[float], premaster: np.ndarray) -> tuple[float, ...]:
    """Gains in dB, one an octave, that lead the sum of the stems ``[2, frames]`` towards a balance: most of the way,
    within MATCH_LIMIT_DB, and none where the reference has nothing to say (under MATCH_FLOOR_DB)."""
    target, own = np.asarray(towards_db, np.float64), balance_of(premaster.T)
    says = target > MATCH_FLOOR_DB
    if not says.any():
        return ()
    wish = np.where(says, target - own, 0.0)
    wish -= np.average(wish, weights=np.where(says, 10 ** (target / 20), 0))
    gains = np.clip(MATCH_SHARE * wish, -MATCH_LIMIT_DB, MATCH_LIMIT_DB)
    gains[[0, -1]] = np.clip(gains[[0, -1]], -MATCH_ENDS_LIMIT_DB, MATCH_ENDS_LIMIT_DB)
    return tuple(round(float(gain), 2) for gain in np.where(says, gains, 0.0))


def colour(channels: np.ndarray, settings: MixSettings, *, loop: bool) -> np.ndarray:
    """Wow, saturation and tone, in place; returns K-weighted mean squares per hop, summed, ``[hops]``."""
    tone = impulse_response(tone_sections(settings), _COLOUR.taps - _K_TAPS + 1)
    response = _COLOUR.response(tone)
    weighted = response * _COLOUR.response(impulse_response(k_weighting_sos(SAMPLE_RATE_HZ), _K_TAPS))
    frames = channels.shape[1]
    energies = np.zeros(dynamics.hops_of(frames))
    drive = drive_of(settings)
    for channel in channels:
        source = _swayed(channel, settings.lofi, loop=loop) if settings.lofi > 0 else channel.copy()
        reader = reader_of(source, loop=loop)
        for start, stop in _COLOUR.spans(frames):
            spectra = _COLOUR.spectra(reader, start, stop)
            if drive > 0:
                spectra = saturated(spectra, drive)
            channel[start:stop] = _COLOUR.signal(spectra * response, stop - start)
            energies[start // HOP : dynamics.hops_of(stop)] += hop_mean_squares(
                _COLOUR.signal(spectra * weighted, stop - start)
            )
    return energies


def drive_of(settings: MixSettings) -> float:
    """How hard the bus is driven into saturation; 0 is not at all."""
    return settings.saturation + 0.25 * settings.warmth


def saturated(spectra: np.ndarray, drive: float) -> np.ndarray:
    """tanh at twice the rate of blocks' transforms: padded to double length, shaped in time, and cut back.

    Small signals pass unchanged. Harmonics up to three times half the rate fold into the discarded octave.
    """
    from scipy.fft import irfft, rfft

    fft = 2 * (spectra.shape[1] - 1)
    slope = saturation_slope(drive)
    fine = np.asarray(irfft(spectra, 2 * fft, axis=1))
    fine *= 2 * slope
    shaped = np.asarray(rfft(np.tanh(fine, out=fine), axis=1))
    return shaped[:, : fft // 2 + 1] / (2 * slope)


def saturation_slope(drive: float) -> np.float32:
    """How steep the saturation's curve is for what a signal of full scale would be."""
    return np.float32(0.55 + 2.2 * drive)


def saturated_share(part: np.ndarray, whole: np.ndarray, drive: float) -> np.ndarray:
    """:func:`saturated` of a part of ``whole``, both transforms of blocks: it is turned down from moment to moment as
    the whole is. Shares of parts that sum to the whole sum to the saturated whole.
    """
    from scipy.fft import irfft, rfft

    fft = 2 * (whole.shape[1] - 1)
    fine = np.asarray(irfft(whole, 2 * fft, axis=1))
    fine *= 2 * saturation_slope(drive)
    # tanh(x) / x is 1 at 0, where it cannot be calculated; below this it is 1 to the last bit.
    small = np.abs(fine) < 1e-4
    gain = np.divide(np.tanh(fine), fine, out=np.ones_like(fine), where=~small)
    shaped = np.asarray(rfft(np.asarray(irfft(part, 2 * fft, axis=1)) * gain, axis=1))
    return shaped[:, : fft // 2 + 1]


def _swayed(channel: np.ndarray, lofi: float, *, loop: bool) -> np.ndarray:
    moved = np.empty_like(channel)
    sway = sway_reader(reader_of(channel, loop=loop), len(channel), lofi, loop=loop)
    for start, stop in Blocks().spans(len(channel)):
        moved[start:stop] = sway(start, stop)
    return moved


def sway_reader(steady: Reader, frames: int, lofi: float, *, loop: bool) -> Reader:
    """Tape wow and flutter, a few cents; in a loop of ``frames`` both fit a whole number of times."""
    duration_s = frames / SAMPLE_RATE_HZ
    sways = []
    for rate_hz, depth_ms in SWAYS:
        cycles = rate_hz * duration_s
        sways.append((2 * np.pi * (max(1.0, round(cycles)) if loop else cycles) / frames, depth_ms))

    def reader(start: int, stop: int) -> np.ndarray:
        at = np.arange(start, stop)
        delay_ms = sum(depth_ms * (1 + np.sin(step * at)) for step, depth_ms in sways)
        return interpolate(steady, at - lofi * delay_ms * (SAMPLE_RATE_HZ / 1000))

    return reader


def hop_mean_squares(signal: np.ndarray) -> np.ndarray:
    """Mean square of each hop, ``[hops]``; a short last hop counts as if filled up with silence."""
    whole = len(signal) // HOP * HOP
    rows = signal[:whole].reshape(-1, HOP)
    squares = np.einsum("ij,ij->i", rows, rows) / HOP
    rest = signal[whole:]
    return np.append(squares, np.dot(rest, rest) / HOP) if len(rest) else squares


def hop_true_peaks(channel: np.ndarray, *, loop: bool) -> np.ndarray:
    """True peak of each hop, ``[hops]``, linear."""
    return hop_peaks(tile_true_peaks(channel, loop=loop))


def hop_peaks(tile_peaks: np.ndarray) -> np.ndarray:
    """Peaks of tiles to peaks of the hops that they make up, the first tile beginning a hop."""
    return np.maximum.reduceat(tile_peaks, np.arange(0, len(tile_peaks), HOP // TILE))


def _gain(channels: np.ndarray, energies: np.ndarray, static: np.ndarray, glue: float, finish: Finish) -> np.ndarray:
    """Compressor, automation and fade (``static``), make-up and limiter as one curve ``[hops + 1]``."""
    squares = np.zeros(len(energies))
    peaks = np.zeros(len(energies))
    for channel in channels:
        squares += hop_mean_squares(channel)
        peaks = np.maximum(peaks, hop_true_peaks(channel, loop=finish.loop))
    gain = static * dynamics.compressor_gain(squares, glue, loop=finish.loop)
    peaks *= np.maximum(gain[:-1], gain[1:])
    ceiling = 10 ** (finish.ceiling_dbtp / 20)
    if finish.loudness_lufs is None:
        return gain * full_scale_gain(peaks, ceiling)
    energies = energies * np.square((gain[:-1] + gain[1:]) / 2)
    return gain * loud_enough(energies, peaks, finish.loudness_lufs, ceiling, loop=finish.loop)[1]


def full_scale_gain(peaks: np.ndarray, ceiling: float) -> float:
    """The gain that brings the highest of the peaks to the ceiling, as far as ``MAX_GAIN_DB`` allows."""
    return min(ceiling / max(float(peaks.max()), 1e-9), 10 ** (MAX_GAIN_DB / 20))


def loud_enough(
    energies: np.ndarray,
    peaks: np.ndarray,
    target_lufs: float,
    ceiling: float,
    *,
    loop: bool,
    memory: float | None = None,
) -> tuple[float, np.ndarray]:
    """Make-up gain in dB that reaches the loudness, and it times the limiter as a curve ``[hops + 1]``.

    ``energies`` are K-weighted mean squares per hop. Each step of the search adds what the limiter took, lengthened by
    the slope seen last, because a limited decibel buys less than one LU.
    """
    makeup_db, slope, used_db = 0.0, 1.0, 0.0
    last: tuple[float, float] | None = None
    curve = np.ones(len(peaks) + 1)
    for _ in range(SEARCH_STEPS):
        makeup, used_db = 10 ** (makeup_db / 20), makeup_db
        curve = makeup * dynamics.limiter_gain(peaks * makeup, ceiling, loop=loop, memory=memory)
        loudness = dynamics.hop_loudness_lufs(energies, curve)
        missing = target_lufs - loudness
        if not np.isfinite(missing) or abs(missing) < 0.02:
            break
        if last is not None and abs(makeup_db - last[0]) > 1e-6:
            slope = min(max((loudness - last[1]) / (makeup_db - last[0]), 0.15), 1.0)
        last = (makeup_db, loudness)
        makeup_db = min(makeup_db + missing / slope, MAX_GAIN_DB)
    return used_db, curve


def soften_edges(out: np.ndarray, start: int, frames: int) -> None:
    """The shortest fades of a track of ``frames``, on its stretch ``out`` ``[n, 2]`` from ``start``, in place."""
    rise, fall = (min(round(s * SAMPLE_RATE_HZ), frames) for s in _EDGE_S)
    for first, ramp in ((0, np.linspace(0, 1, rise)), (frames - fall, np.linspace(1, 0, fall))):
        low, high = max(first, start), min(first + len(ramp), start + len(out))
        if low < high:
            out[low - start : high - start] *= ramp.astype(np.float32)[low - first : high - first, None]


def _trim(out: np.ndarray, finish: Finish) -> None:
    """The last hundredth of a decibel: gain ramps can lift a peak between samples by a hair."""
    peak = max(float(tile_true_peaks(channel, loop=finish.loop).max()) for channel in out.T)
    over_db = amplitude_db(peak) - finish.ceiling_dbtp
    if over_db > 0:
        out *= np.float32(10 ** (-over_db / 20))


def stem_loudness_lufs(samples: np.ndarray, sos: np.ndarray) -> float:
    """Gated loudness a mono stem will have after the equaliser ``sos``, without filtering it first.

    Each 100 ms is transformed once and its power spectrum weighted by both responses (Parseval).
    """
    from scipy.fft import rfft

    step = SAMPLE_RATE_HZ // 10
    frequencies = np.fft.rfftfreq(step, 1 / SAMPLE_RATE_HZ)
    weights = power_response(np.concatenate([sos, k_weighting_sos(SAMPLE_RATE_HZ)]), frequencies)
    weights[1 : (step + 1) // 2] *= 2
    weights = (weights / step**2).astype(np.float32)
    steps = -(-len(samples) // step)
    powers = np.zeros(steps)
    for first in range(0, steps, 64):
        piece = samples[first * step : (first + 64) * step]
        rows = np.zeros((-(-len(piece) // step), step), np.float32)
        rows.reshape(-1)[: len(piece)] = piece
        spectrum = np.asarray(rfft(rows, axis=1))
        powers[first : first + len(rows)] = np.square(np.abs(spectrum)) @ weights
    return gated_loudness_lufs(powers)
