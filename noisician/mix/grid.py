"""The grid on which a mix is worked out, and signals that are known piece by piece.

Every number of the track is a pure function of the stems around it because all that is done to it is done on this grid:
the transforms of a row see that row and what its responses reach back to, whoever asks for it and in which order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from noisician.mix.filters import HOP, SAMPLE_RATE_HZ, Blocks

ROW = 64 * HOP  # frames, 91.4 ms: what a change is rounded out to wherever it is filtered
_ROWS = 12  # transformed at a time; a batch has the same shape always, or its rounding would depend on who asks
_FFT = 8192
ROWS = Blocks(_FFT, ROW, batch=_ROWS, unread=_FFT - 2 * ROW + 1)
COLOUR_ROWS = Blocks(_FFT, ROW, guard=480, batch=_ROWS)
CHUNK = _ROWS * ROW  # frames, 1.097 s: what is worked out at a time
CHUNK_HOPS = CHUNK // HOP
STRETCH = 2 * CHUNK  # for what needs much before it: voices and what gives way to them
MEMORY = 2.2  # time constants after which every envelope has forgotten; a release is then down to a twelfth
LOOKBACK = _FFT - ROW + round(0.02 * SAMPLE_RATE_HZ)  # frames before a row that it reads, a chorus's delay included

Value = TypeVar("Value")


def kept(store: dict[int, Value], before: int, needed: Collection[int]) -> dict[int, Value]:
    """What lies at ``before`` or later, or is needed."""
    return {index: value for index, value in store.items() if index >= before or index in needed}


@dataclass
class Pieces:
    """A signal ``[channels, frames]`` known in pieces of ``size`` frames, ``at`` each index; the last may be short.

    Past its ends lies silence, or the other end of a loop.
    """

    channels: int
    frames: int
    loop: bool
    size: int = CHUNK
    at: dict[int, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, signal: np.ndarray, loop: bool) -> Pieces:
        """A signal ``[channels, frames]`` that is known already."""
        pieces = cls(len(signal), signal.shape[1], loop)
        pieces.at = {index: signal[:, slice(*pieces.span(index))] for index in range(pieces.count)}
        return pieces

    @property
    def count(self) -> int:
        return -(-self.frames // self.size)

    def span(self, index: int) -> tuple[int, int]:
        """(start, stop) of a piece in frames."""
        return index * self.size, min((index + 1) * self.size, self.frames)

    def touched(self, start: int, stop: int) -> Sequence[int]:
        """The indices of the pieces that a stretch needs."""
        if not self.loop:
            return range(max(start, 0) // self.size, -(-max(min(stop, self.frames), 0) // self.size))
        if stop - start >= self.frames:
            return range(self.count)
        first, last = start % self.frames, (stop - 1) % self.frames
        if first <= last:
            return range(first // self.size, last // self.size + 1)
        return [*range(last // self.size + 1), *range(first // self.size, self.count)]

    def read(self, start: int, stop: int) -> np.ndarray:
        """``[channels, stop − start]`` float32."""
        if self.loop and self.count == 1:
            return self.at[0][:, np.arange(start, stop) % self.frames]
        out = np.zeros((self.channels, stop - start), np.float32)
        at = start if self.loop else max(start, 0)
        end = stop if self.loop else min(stop, self.frames)
        while at < end:
            inside = at % self.frames
            piece = self.at[inside // self.size]
            offset = inside % self.size
            length = min(piece.shape[1] - offset, end - at)
            out[:, at - start : at - start + length] = piece[:, offset : offset + length]
            at += length
        return out

    def forget(self, before: int, needed: Collection[int]) -> None:
        """Lets go of the pieces before an index that nobody needs any more."""
        self.at = kept(self.at, before, needed)

    def whole(self) -> np.ndarray:
        return self.read(0, self.frames)
