"""A premaster's way through the colour of the bus, and its levels from hop to hop, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from noisician.loudness import PEAK_REACH, TILE, true_peaks_at
from noisician.mix.filters import SAMPLE_RATE_HZ, Reader, impulse_response
from noisician.mix.grid import CHUNK, CHUNK_HOPS, COLOUR_ROWS, Pieces, kept
from noisician.mix.mastering import (
    SWAYS,
    drive_of,
    hop_mean_squares,
    hop_peaks,
    saturated,
    saturated_share,
    sway_reader,
    tone_sections,
)
from noisician.mix.numbers import Mix
from noisician.mix.sources import Threads, fill

_TILES = CHUNK // TILE


def colour_span(settings_lofi: float) -> tuple[int, int]:
    """Frames that the colour reads before and after a row: its filter's, and what a worn tape sways by."""
    sway_ms = sum(2 * depth_ms for _, depth_ms in SWAYS) * settings_lofi
    sway = 3 + int(np.ceil(sway_ms / 1000 * SAMPLE_RATE_HZ)) if settings_lofi > 0 else 0
    blocks = COLOUR_ROWS
    return blocks.fft - blocks.valid - blocks.guard + sway, blocks.guard + (3 if settings_lofi > 0 else 0)


class Bus:
    """``coloured`` ``[2, frames]`` and, at any chunk, before the start and past the end too, its hops' mean squares
    (summed over channels) and true peaks. ``premaster`` reads ``[2, frames]``.
    """

    def __init__(self, mix: Mix, frames: int, premaster: Reader) -> None:
        self._settings, self._loop, self._premaster = mix.settings, mix.finish.loop, premaster
        self._reference = np.float32(10 ** (mix.master.reference_db / 20))
        self._tone = COLOUR_ROWS.response(impulse_response(tone_sections(mix.settings), COLOUR_ROWS.taps))
        self.coloured = Pieces(2, frames, self._loop)
        self.squares: dict[int, np.ndarray] = {}
        self.peaks: dict[int, np.ndarray] = {}
        self._levels: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def work_out(self, levels: Iterable[int], premaster: Callable[[Sequence[int]], None], threads: Threads) -> None:
        """Makes the levels of these chunks; ``premaster`` is asked to make what will be read."""
        coloured, sources = self.needs(levels)
        if any(chunk not in self.coloured.at for chunk in coloured):
            premaster(sources)
        fill(self.coloured.at, coloured, self._colour, threads)
        fill(self._levels, levels, self._measure, threads)

    def needs(self, levels: Iterable[int]) -> tuple[list[int], list[int]]:
        """The chunks of the coloured signal and of the premaster that levels need."""
        coloured = {
            each
            for chunk in levels
            for each in self.coloured.touched(chunk * CHUNK - PEAK_REACH, (chunk + 1) * CHUNK + PEAK_REACH)
        }
        before, after = colour_span(self._settings.lofi)
        missing = (chunk for chunk in coloured if chunk not in self.coloured.at)
        sources = {
            each
            for chunk in missing
            for each in self.coloured.touched(chunk * CHUNK - before, (chunk + 1) * CHUNK + after)
        }
        return sorted(coloured), sorted(sources)

    def forget(self, before: int, levels: Sequence[int]) -> list[int]:
        """Lets go of what lies before a chunk and these levels do not need; the premaster that they will need."""
        coloured, sources = self.needs(levels)
        self.coloured.forget(before, coloured)
        self._levels = kept(self._levels, before, levels)
        return sources

    def levels(self, chunks: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Mean squares and peaks of consecutive chunks, ``[hops]`` each."""
        squares, peaks = zip(*(self._levels[chunk] for chunk in chunks), strict=True)
        return np.concatenate(squares), np.concatenate(peaks)

    def _colour(self, chunk: int) -> np.ndarray:
        start, stop = self.coloured.span(chunk)
        out = np.empty((2, stop - start), np.float32)
        drive = drive_of(self._settings)
        for channel, coloured in enumerate(out):
            spectra = COLOUR_ROWS.spectra(self._source(channel), start, start + CHUNK)
            if drive > 0:
                spectra = saturated(spectra, drive)
            coloured[:] = COLOUR_ROWS.signal(spectra * self._tone, stop - start)
        return out

    def share(self, part: Bus, chunk: int) -> np.ndarray:
        """What becomes of the premaster of ``part`` as a part of this one, ``[2, frames]``: shares of parts that sum to
        this premaster sum to ``coloured``.
        """
        start, stop = self.coloured.span(chunk)
        out = np.empty((2, stop - start), np.float32)
        drive = drive_of(self._settings)
        for channel, coloured in enumerate(out):
            spectra = COLOUR_ROWS.spectra(part._source(channel), start, start + CHUNK)
            if drive > 0:
                whole = COLOUR_ROWS.spectra(self._source(channel), start, start + CHUNK)
                spectra = saturated_share(spectra, whole, drive)
            coloured[:] = COLOUR_ROWS.signal(spectra * self._tone, stop - start)
        return out

    def _source(self, channel: int) -> Reader:
        def reader(start: int, stop: int) -> np.ndarray:
            return self._reference * self._premaster(start, stop)[channel]

        lofi = self._settings.lofi
        if lofi <= 0:
            return reader
        # Fitted to a loop's length, else to none, or a longer piece would sway otherwise.
        return sway_reader(reader, self.coloured.frames if self._loop else SAMPLE_RATE_HZ, lofi, loop=self._loop)

    def _measure(self, chunk: int) -> tuple[np.ndarray, np.ndarray]:
        if not self.coloured.touched(chunk * CHUNK, (chunk + 1) * CHUNK):
            return np.zeros(CHUNK_HOPS), np.zeros(CHUNK_HOPS, np.float32)
        window = self.coloured.read(chunk * CHUNK - PEAK_REACH, (chunk + 1) * CHUNK + PEAK_REACH)
        squares, peaks = np.zeros(CHUNK_HOPS), np.zeros(CHUNK_HOPS, np.float32)
        for channel in window:
            squares += hop_mean_squares(channel[PEAK_REACH:-PEAK_REACH])
            tiles = true_peaks_at(lambda start, stop: channel[start + PEAK_REACH : stop + PEAK_REACH], 0, _TILES)  # noqa: B023
            peaks = np.maximum(peaks, hop_peaks(tiles))
        return squares, peaks
