"""Loudness and peaks as broadcasters measure them: ITU-R BS.1770-4 integrated loudness and true peak.

Audio is ``[frames]`` or ``[frames, channels]``; every channel has weight 1 (no surround). Levels of silence
are ``-inf``, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from noisician.parallel import ignore_step

BLOCK_S = 0.4  # gating block of BS.1770-4, advanced by a quarter of its length
STEP_S = 0.1
STEPS_PER_BLOCK = 4
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
OVERSAMPLING = 4
TILE = 21  # samples whose true peak is found at a time
#: So few that OpenBLAS multiplies on the caller's thread (it takes another for each 2¹⁸ products): chunks are measured
#: side by side already, threads that wait for each other's cost several times the product, and how it is shared out
#: among them shows in its last bits.
_TILES_AT_ONCE = 144
PEAK_REACH = 16  # samples of the interpolation kernel on either side
_CHUNK = 1 << 18


def power_db(power: float) -> float:
    """10 · log10 of a power, ``-inf`` for 0."""
    return 10.0 * float(np.log10(power)) if power > 0 else -np.inf


def amplitude_db(amplitude: float) -> float:
    """20 · log10 of an amplitude, ``-inf`` for 0."""
    return 20.0 * float(np.log10(amplitude)) if amplitude > 0 else -np.inf


@cache
def k_weighting_sos(rate_hz: float) -> np.ndarray:
    """The two filters of BS.1770-4 (head shelf, low cut) at any rate, ``[2, 6]`` second-order sections.

    The standard tabulates 48 kHz only; these analogue parameters reproduce its table and the bilinear
    transform carries them to other rates.
    """
    tan = np.tan(np.pi * 1681.974450955533 / rate_hz)
    gain, q = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    middle = gain**0.4996667741545416
    a0 = 1 + tan / q + tan**2
    shelf = [
        (gain + middle * tan / q + tan**2) / a0,
        2 * (tan**2 - gain) / a0,
        (gain - middle * tan / q + tan**2) / a0,
        1.0,
        2 * (tan**2 - 1) / a0,
        (1 - tan / q + tan**2) / a0,
    ]
    tan, q = np.tan(np.pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    a0 = 1 + tan / q + tan**2
    low_cut = [1.0, -2.0, 1.0, 1.0, 2 * (tan**2 - 1) / a0, (1 - tan / q + tan**2) / a0]
    return np.array([shelf, low_cut])


def loudness_lufs(mean_square: float) -> float:
    """Loudness of a K-weighted mean square summed over channels (BS.1770-4, eq. 2)."""
    return -0.691 + power_db(mean_square)


def gated_loudness_lufs(step_mean_squares: np.ndarray) -> float:
    """Integrated loudness of K-weighted mean squares ``[steps]``, one per 100 ms, summed over channels.

    Fewer steps than a gating block count as one ungated block.
    """
    steps = np.asarray(step_mean_squares, np.float64)
    if len(steps) == 0:
        return -np.inf
    if len(steps) < STEPS_PER_BLOCK:
        return loudness_lufs(float(steps.mean()))
    blocks = np.convolve(steps, np.full(STEPS_PER_BLOCK, 1 / STEPS_PER_BLOCK), "valid")
    loud = blocks[blocks > 10 ** ((ABSOLUTE_GATE_LUFS + 0.691) / 10)]
    if len(loud) == 0:
        return -np.inf
    gate = loud.mean() * 10 ** (RELATIVE_GATE_LU / 10)
    return loudness_lufs(float(loud[loud > gate].mean()))


def _channels(audio: np.ndarray) -> Iterator[np.ndarray]:
    yield from (np.asarray(audio).reshape(len(audio), -1)).T


def _step_mean_squares(audio: np.ndarray, rate_hz: float, on_step: Callable[[], None] = ignore_step) -> np.ndarray:
    """K-weighted mean squares of whole 100 ms steps ``[steps]``, summed over channels; filtered in chunks."""
    from scipy.signal import sosfilt

    step = round(STEP_S * rate_hz)
    steps = len(audio) // step
    total = np.zeros(steps)
    sos = k_weighting_sos(rate_hz)
    chunk = max(1, _CHUNK // step) * step
    for channel in _channels(audio):
        state = np.zeros((len(sos), 2))
        for start in range(0, steps * step, chunk):
            piece = np.asarray(channel[start : min(start + chunk, steps * step)], np.float64)
            weighted, state = sosfilt(sos, piece, zi=state)
            squares = np.square(weighted).reshape(-1, step).mean(axis=1)
            total[start // step : start // step + len(squares)] += squares
            on_step()
    return total


def momentary_loudness_lufs(audio: np.ndarray, rate_hz: float) -> np.ndarray:
    """Loudness of every 400 ms block, ``[blocks]``, one each 100 ms."""
    steps = _step_mean_squares(audio, rate_hz)
    if len(steps) < STEPS_PER_BLOCK:
        return np.zeros(0)
    blocks = np.convolve(steps, np.full(STEPS_PER_BLOCK, 1 / STEPS_PER_BLOCK), "valid")
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(blocks)


def integrated_loudness_lufs(audio: np.ndarray, rate_hz: float, on_step: Callable[[], None] = ignore_step) -> float:
    """Gated loudness of BS.1770-4 in LUFS; ``-inf`` for silence.

    Audio shorter than one 400 ms block is measured whole, without gate. ``on_step`` is called after each few seconds.
    """
    if len(audio) == 0:
        return -np.inf
    if len(audio) < round(BLOCK_S * rate_hz):
        from scipy.signal import sosfilt

        weighted = (sosfilt(k_weighting_sos(rate_hz), np.asarray(c, np.float64)) for c in _channels(audio))
        return loudness_lufs(sum(float(np.mean(np.square(w))) for w in weighted))
    return gated_loudness_lufs(_step_mean_squares(audio, rate_hz, on_step))


@cache
def _interpolator() -> np.ndarray:
    """Matrix ``[3 · TILE, TILE + 2 · reach]`` from a tile and its surroundings to the points between its samples.

    Rows are shifted Kaiser-windowed sincs. One product of matrices is several times faster than a polyphase
    filter run along the samples.
    """
    columns = np.arange(TILE + 2 * PEAK_REACH)[None, :] - PEAK_REACH
    between = np.arange(TILE)[:, None] + np.arange(1, OVERSAMPLING) / OVERSAMPLING
    distance = between.reshape(-1, 1) - columns
    inside = np.sqrt(np.clip(1 - (distance / PEAK_REACH) ** 2, 0, 1))
    window = np.where(np.abs(distance) < PEAK_REACH, np.i0(7.0 * inside) / np.i0(7.0), 0.0)
    return (np.sinc(distance) * window).astype(np.float32)


def tile_true_peaks(channel: np.ndarray, *, loop: bool = False) -> np.ndarray:
    """Greatest magnitude at and between the samples of each ``TILE``, ``[ceil(frames / TILE)]``, linear.

    The signal continues with its other end when ``loop``, else with silence.
    """
    count = -(-len(channel) // TILE)
    return true_peaks_at(lambda start, stop: read(channel, start, stop, loop=loop), 0, count)


def true_peaks_at(reader: Callable[[int, int], np.ndarray], start_tile: int, stop_tile: int) -> np.ndarray:
    """:func:`tile_true_peaks` of some tiles only; ``PEAK_REACH`` samples on either side are read as well."""
    peaks = np.empty(stop_tile - start_tile, np.float32)
    kernel = _interpolator()
    for first in range(0, len(peaks), _TILES_AT_ONCE):
        last = min(first + _TILES_AT_ONCE, len(peaks))
        piece = reader((start_tile + first) * TILE - PEAK_REACH, (start_tile + last) * TILE + PEAK_REACH)
        windows = np.lib.stride_tricks.sliding_window_view(piece, TILE + 2 * PEAK_REACH)[::TILE]
        between = kernel @ windows.T
        at = np.abs(windows[:, PEAK_REACH : PEAK_REACH + TILE].T)
        peaks[first:last] = np.maximum(np.abs(between, out=between).max(axis=0), at.max(axis=0))
    return peaks


def read(signal: np.ndarray, start: int, stop: int, *, loop: bool) -> np.ndarray:
    """``signal[start:stop]`` in float32 where both may lie outside: wrapped when ``loop``, else silence."""
    frames = len(signal)
    if start >= 0 and stop <= frames:
        return np.asarray(signal[start:stop], np.float32)
    if loop and frames:
        return signal[np.arange(start, stop) % frames].astype(np.float32, copy=False)
    piece = np.zeros(stop - start, np.float32)
    inside = slice(max(start, 0), max(min(stop, frames), max(start, 0)))
    piece[inside.start - start : inside.stop - start] = signal[inside]
    return piece


def true_peak_dbtp(audio: np.ndarray) -> float:
    """True peak over all channels in dBTP, from 4 times oversampling (BS.1770-4, annex 2)."""
    if len(audio) == 0:
        return -np.inf
    return amplitude_db(max(float(tile_true_peaks(channel).max()) for channel in _channels(audio)))


def dc_offset(audio: np.ndarray) -> float:
    """Greatest mean of any channel, linear."""
    if len(audio) == 0:
        return 0.0
    return max(abs(float(np.mean(channel, dtype=np.float64))) for channel in _channels(audio))
