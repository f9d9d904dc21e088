"""Filters: second-order sections by the Audio EQ Cookbook, and fast convolution in overlapping blocks.

Everything linear that happens to a stem is gathered into one impulse response and applied by overlap-save
(Oppenheim & Schafer, *Discrete-Time Signal Processing*, 8.7): a batch of float32 transforms is several times
faster than as many recursive filters, carries no state across blocks, and is circular when a loop is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.errors import RequestError
from noisician.loudness import read
from noisician.mel import SAMPLE_RATE_HZ

HOP = 63  # frames a step of every control curve; 70 hops are the 100 ms step of BS.1770 exactly

Reader = Callable[[int, int], np.ndarray]


@dataclass(frozen=True)
class Band:
    """One equaliser band. ``kind``: peak, low_shelf, high_shelf; or, without gain, high_pass, low_pass, band_pass."""

    kind: str
    hz: float
    gain_db: float = 0.0
    q: float = 0.7071


def biquad(band: Band, rate_hz: float = SAMPLE_RATE_HZ) -> np.ndarray:
    """One section ``[b0, b1, b2, 1, a1, a2]`` by R. Bristow-Johnson, *Cookbook formulae for audio EQ*."""
    if not 0 < band.hz < rate_hz / 2:
        raise RequestError(
            f"{band.kind} filter at {band.hz:g} Hz; must lie between 0 and {rate_hz / 2:g} Hz (half the rate)"
        )
    a = 10 ** (band.gain_db / 40)
    w0 = 2 * np.pi * band.hz / rate_hz
    cos, alpha = np.cos(w0), np.sin(w0) / (2 * band.q)
    root = 2 * np.sqrt(a) * alpha
    if band.kind == "peak":
        b = (1 + alpha * a, -2 * cos, 1 - alpha * a)
        d = (1 + alpha / a, -2 * cos, 1 - alpha / a)
    elif band.kind == "high_pass":
        b = ((1 + cos) / 2, -(1 + cos), (1 + cos) / 2)
        d = (1 + alpha, -2 * cos, 1 - alpha)
    elif band.kind == "low_pass":
        b = ((1 - cos) / 2, 1 - cos, (1 - cos) / 2)
        d = (1 + alpha, -2 * cos, 1 - alpha)
    elif band.kind == "band_pass":
        b = (alpha, 0.0, -alpha)
        d = (1 + alpha, -2 * cos, 1 - alpha)
    elif band.kind in ("low_shelf", "high_shelf"):
        c = cos if band.kind == "low_shelf" else -cos
        sign = 1 if band.kind == "low_shelf" else -1
        b = (
            a * ((a + 1) - (a - 1) * c + root),
            sign * 2 * a * ((a - 1) - (a + 1) * c),
            a * ((a + 1) - (a - 1) * c - root),
        )
        d = ((a + 1) + (a - 1) * c + root, -sign * 2 * ((a - 1) + (a + 1) * c), (a + 1) + (a - 1) * c - root)
    else:
        raise RequestError(f"filter kind {band.kind!r}; known: peak low_shelf high_shelf high_pass low_pass band_pass")
    return np.array([*b, *d]) / d[0]


def sections(bands: Iterable[Band]) -> np.ndarray:
    """Bands in series, ``[bands, 6]``; no band is a wire."""
    rows = [biquad(band) for band in bands]
    return np.array(rows) if rows else np.array([[1.0, 0, 0, 1.0, 0, 0]])


def impulse_response(sos: np.ndarray, taps: int) -> np.ndarray:
    """The first ``taps`` samples of what second-order sections answer to an impulse, float64."""
    from scipy.signal import sosfilt

    impulse = np.zeros(taps)
    impulse[0] = 1.0
    return np.asarray(sosfilt(sos, impulse))


def power_response(sos: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    """|H(f)|² of second-order sections at each frequency."""
    z = np.exp(-2j * np.pi * np.asarray(frequencies_hz) / SAMPLE_RATE_HZ)[:, None]
    numerator = sos[:, 0] + sos[:, 1] * z + sos[:, 2] * z**2
    denominator = sos[:, 3] + sos[:, 4] * z + sos[:, 5] * z**2
    return np.square(np.abs(np.prod(numerator / denominator, axis=1)))


@dataclass(frozen=True)
class Blocks:
    """How a signal is cut for overlap-save. Responses of up to ``taps`` samples are exact.

    ``guard`` samples after the wanted ones are read as well, so that interpolation inside a block does not
    hear its circular edge. The first ``unread`` samples of a block are taken as silence, so that what lies further
    back than the responses reach does not even change the rounding.
    """

    fft: int = 32768
    valid: int = HOP * 390
    guard: int = 0
    batch: int = 8
    unread: int = 0

    @property
    def taps(self) -> int:
        return self.fft - self.valid - 2 * self.guard - self.unread + 1

    def spans(self, frames: int) -> Iterator[tuple[int, int]]:
        """(start, stop) of the stretches processed at a time; all but the last are whole hops."""
        step = self.batch * self.valid
        for start in range(0, frames, step):
            yield start, min(start + step, frames)

    def spectra(self, reader: Reader, start: int, stop: int) -> np.ndarray:
        """Transforms ``[blocks, fft // 2 + 1]`` of the blocks that cover ``start … stop``."""
        from scipy.fft import rfft

        count = -(-(stop - start) // self.valid)
        first = start + self.valid + self.guard - self.fft
        piece = reader(first, first + self.fft + (count - 1) * self.valid)
        windows = np.empty((count, self.fft), np.float32)
        for window, at in zip(windows, range(0, count * self.valid, self.valid), strict=True):
            window[:] = piece[at : at + self.fft]
        windows[:, : self.unread] = 0
        return np.asarray(rfft(windows, axis=1))

    def signal(self, spectra: np.ndarray, length: int) -> np.ndarray:
        """The wanted ``length`` samples of filtered blocks, float32."""
        from scipy.fft import irfft

        blocks = np.asarray(irfft(spectra, self.fft, axis=1), np.float32)
        end = self.fft - self.guard
        return blocks[:, end - self.valid : end].reshape(-1)[:length]

    def response(self, impulse: np.ndarray) -> np.ndarray:
        """The transform of an impulse response, complex64, for multiplying :meth:`spectra`."""
        if len(impulse) > self.taps:
            raise ValueError(f"impulse response of {len(impulse)} samples; these blocks take {self.taps}")
        return np.fft.rfft(impulse, self.fft).astype(np.complex64)


def reader_of(signal: np.ndarray, *, loop: bool) -> Reader:
    """Reads stretches of a signal that may reach past its ends."""
    return lambda start, stop: read(signal, start, stop, loop=loop)


def filtered(
    signal: np.ndarray,
    filters: Sequence[np.ndarray],
    *,
    loop: bool,
    blocks: Blocks = Blocks(),
) -> list[np.ndarray]:
    """The signal ``[frames]`` through each of several filters (second-order sections), float32.

    Their responses are cut after ``blocks.taps``, by default 0.19 s.
    """
    responses = [blocks.response(impulse_response(sos, blocks.taps)) for sos in filters]
    outputs = [np.empty(len(signal), np.float32) for _ in filters]
    reader = reader_of(signal, loop=loop)
    for start, stop in blocks.spans(len(signal)):
        spectra = blocks.spectra(reader, start, stop)
        for output, response in zip(outputs, responses, strict=True):
            output[start:stop] = blocks.signal(spectra * response, stop - start)
    return outputs


def interpolate(reader: Reader, positions: np.ndarray) -> np.ndarray:
    """A signal at fractional, nearly consecutive ``positions`` (frames), by 4-point cubic Hermite."""
    whole = np.floor(positions).astype(np.int64)
    t = (positions - whole).astype(np.float32)
    first = int(whole.min()) - 1
    piece = reader(first, int(whole.max()) + 3)
    at = whole - first
    before, here, after, beyond = piece[at - 1], piece[at], piece[at + 1], piece[at + 2]
    slope = (after - before) * np.float32(0.5)
    cubic = np.float32(1.5) * (here - after) + np.float32(0.5) * (beyond - before)
    square = before - np.float32(2.5) * here + np.float32(2) * after - np.float32(0.5) * beyond
    return ((cubic * t + square) * t + slope) * t + here
