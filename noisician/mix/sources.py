"""Dry stems on their way to the desk: voices treated, players out of the lead voices' way. Worked out in stretches.

A dry stem is mono ``[frames]``, or that of a kit whose pieces have places, ``[2, frames]``: its mono and its side, half
of what is on the left and not on the right.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from noisician.mix import dynamics
from noisician.mix.drive import REACH, driven, driven_side
from noisician.mix.filters import HOP, Reader, reader_of
from noisician.mix.grid import CHUNK, LOOKBACK, MEMORY, ROW, ROWS, STRETCH, Pieces
from noisician.mix.mastering import hop_mean_squares
from noisician.mix.numbers import Mix, Strip
from noisician.mix.vocals import give_way, treated, treated_hops
from noisician.parallel import Steps, ignore_step, map_in_order

_STRETCH_HOPS = STRETCH // HOP
_ROW_HOPS = ROW // HOP

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True)
class Threads:
    """On how many threads things are worked out, None for one a core, and who hears of each of them.

    ``on_step`` is called after every second or so of a signal, on the thread that worked it out; it may take its time,
    while the others stop at their own next step, and may raise to stop them.
    """

    workers: int | None = None
    on_step: Callable[[], None] = ignore_step


ALL_CORES = Threads()


def fill(store: dict[Key, Value], keys: Iterable[Key], work: Callable[[Key], Value], threads: Threads) -> None:
    """Works out what the store lacks."""
    missing = [key for key in dict.fromkeys(keys) if key not in store]
    steps = Steps(len(missing), lambda share: threads.on_step())

    def step(key: Key) -> Value:
        value = work(key)
        steps()
        return value

    for key, value in zip(missing, map_in_order(step, missing, steps, threads.workers), strict=True):
        store[key] = value


def mono_of(stem: np.ndarray) -> np.ndarray:
    """A dry stem without its side, ``[frames]``."""
    return stem if stem.ndim == 1 else stem[0]


@dataclass(frozen=True)
class Source:
    """What the desk reads of a player: its mono and, if its pieces have places, its side."""

    mono: Reader
    side: Reader | None = None


def treated_rows(strip: Strip) -> int:
    """Rows before a stretch that a voice's chain needs: its filters' and its envelopes'."""
    assert strip.place.chain is not None
    return 1 + -(-treated_hops(strip.place.chain, MEMORY) // _ROW_HOPS)


def _stretches(ready: Pieces, chunks: Iterable[int]) -> list[int]:
    """The stretches that these chunks read."""
    spans = ((chunk * CHUNK - LOOKBACK, (chunk + 1) * CHUNK) for chunk in chunks)
    return sorted({each for start, stop in spans for each in ready.touched(start, stop)})


class Sources:
    """Gives each heard strip's samples ready for the desk. ``stems`` are dry, by key, and may still be coming in."""

    def __init__(self, mix: Mix, stems: Mapping[str, np.ndarray], frames: int, threads: Threads) -> None:
        self.stems, self._frames, self._threads = stems, frames, threads
        self._loop = mix.finish.loop
        self._leads = [strip for strip in mix.strips if strip.place.leads and not strip.muted]
        self._sung: dict[str, Pieces] = {}
        self._ready: dict[str, Pieces] = {}

    def work_out(self, strips: Iterable[Strip], chunks: Sequence[int]) -> None:
        """Makes what :meth:`source` of these strips will be asked for at these chunks."""
        for strip in strips:
            if not chunks or not self._is_prepared(strip):
                continue
            channels = self.stems[strip.key].ndim
            ready = self._ready.setdefault(strip.key, Pieces(channels, self._frames, self._loop, STRETCH))
            stretches = _stretches(ready, chunks)
            if self._gives_way(strip):
                self.work_out_sung(stretches, self._leads)
            fill(ready.at, stretches, partial(self._prepared, strip), self._threads)

    def work_out_sung(self, stretches: Iterable[int], leads: Iterable[Strip]) -> None:
        """Makes the curves of where lead voices sing, as players who give way in these stretches will read them."""
        hops = dynamics.hops_of(self._frames)
        for lead in leads:
            sung = self._sung.setdefault(lead.key, Pieces(1, hops, self._loop, _STRETCH_HOPS))
            needed = {
                each
                for stretch in stretches
                for each in sung.touched(stretch * _STRETCH_HOPS - _ROW_HOPS, (stretch + 1) * _STRETCH_HOPS + 1)
            }
            fill(sung.at, sorted(needed), partial(self._shape, lead), self._threads)

    def source(self, strip: Strip) -> Source:
        """What was worked out of a player, or its dry stem where there was nothing to do."""
        stem = self.stems[strip.key]
        if not self._is_prepared(strip):
            mono = reader_of(mono_of(stem), loop=self._loop)
            return Source(mono, reader_of(stem[1], loop=self._loop) if stem.ndim == 2 else None)
        ready = self._ready[strip.key]
        side: Reader = lambda start, stop: ready.read(start, stop)[1]  # noqa: E731
        return Source(lambda start, stop: ready.read(start, stop)[0], side if stem.ndim == 2 else None)

    def forget(self, key: str) -> None:
        """Lets go of what was made of a player."""
        self._ready.pop(key, None)

    def decided(self, strip: Strip) -> None:
        """Takes note of what was decided about a lead voice."""
        self._leads = [strip if lead.key == strip.key else lead for lead in self._leads]

    def forget_before(self, before: int, chunks: Sequence[int]) -> None:
        """Lets go of what lies before a chunk and these do not need."""
        for ready in self._ready.values():
            ready.forget(before * CHUNK // STRETCH, _stretches(ready, chunks))

    def _is_prepared(self, strip: Strip) -> bool:
        place = strip.place
        return place.chain is not None or place.drive is not None or self._gives_way(strip)

    def _gives_way(self, strip: Strip) -> bool:
        return strip.place.chain is None and strip.place.give_way_db > 0 and bool(self._leads)

    def _shape(self, lead: Strip, stretch: int) -> np.ndarray:
        """Where a lead sings, at the hops of a stretch, ``[1, hops]``."""
        assert lead.levels is not None
        before = dynamics.voice_shape_hops(MEMORY)
        first = stretch * _STRETCH_HOPS
        dry = reader_of(self.stems[lead.key], loop=self._loop)
        squares = hop_mean_squares(dry((first - before) * HOP, (first + _STRETCH_HOPS + 1) * HOP))
        shape = dynamics.voice_shape(squares, loop=False, loud=lead.levels.dry_power, memory=MEMORY)
        left = dynamics.hops_of(self._frames) - first
        return shape[None, before : before + min(_STRETCH_HOPS, left)].astype(np.float32)

    def _prepared(self, strip: Strip, stretch: int) -> np.ndarray:
        """A stretch ``[1 or 2, frames]`` of a voice through its chain or of a player who is driven or gives way."""
        stem = self.stems[strip.key]
        dry = reader_of(mono_of(stem), loop=self._loop)
        start, length = stretch * STRETCH, min(STRETCH, self._frames - stretch * STRETCH)
        if strip.place.chain is not None:
            before = treated_rows(strip) * ROW
            window = dry(start - before, start + STRETCH + ROW)  # its envelopes look a hop ahead
            whole, _ = treated(window, strip.place.chain, loop=False, levels=strip.levels, memory=MEMORY, blocks=ROWS)
            return whole[None, before : before + length]
        side = reader_of(stem[1], loop=self._loop) if stem.ndim == 2 else None
        windows = self._driven(strip, Source(dry, side), start)
        if self._gives_way(strip):
            first = stretch * _STRETCH_HOPS - _ROW_HOPS
            last = (stretch + 1) * _STRETCH_HOPS + 1
            sung = np.max([self._sung[lead.key].read(first, last)[0] for lead in self._leads], axis=0)
            depth_db = strip.place.give_way_db
            windows = [give_way(window, sung, depth_db, loop=False, blocks=ROWS) for window in windows]
        return np.stack([window[ROW : ROW + length] for window in windows])

    def _driven(self, strip: Strip, dry: Source, start: int) -> list[np.ndarray]:
        """A stretch and a row before it, mono and side, through the player's own drive."""
        drive, peak = strip.place.drive, strip.drive_peak
        if drive is None:
            return [read(start - ROW, start + STRETCH) for read in (dry.mono, dry.side) if read is not None]
        around = start - ROW - REACH, start + STRETCH + REACH
        mono = dry.mono(*around)
        windows = [driven(mono, drive, peak)]
        if dry.side is not None:
            windows.append(driven_side(mono, dry.side(*around), drive, peak))
        return [window[REACH:-REACH] for window in windows]
