"""A mix with its numbers given: any stretch of the track, bit for bit the same stretch of the whole.

    dry stems ─ sources ─▶ desks (sums, echo, room) ─▶ premaster ─ bus ─▶ coloured ─ gain ─▶ track

Each stage is worked out in chunks of :mod:`noisician.mix.grid`, each a pure function of the chunks around it in the
stage before, so they can be made in any order and on any number of threads. A loop's chunks go round.

>>> mixer = Mixer.of(mix, stems, timing)  # doctest: +SKIP
>>> for start, block in mixer.blocks(from_s=12.0):  # doctest: +SKIP
...     play(block)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from noisician.errors import RequestError
from noisician.loudness import k_weighting_sos
from noisician.mix import dynamics
from noisician.mix.bus import Bus
from noisician.mix.desk import Desk
from noisician.mix.filters import HOP, SAMPLE_RATE_HZ, filtered
from noisician.mix.grid import CHUNK, CHUNK_HOPS, MEMORY, Pieces, kept
from noisician.mix.mastering import (
    MAX_GAIN_DB,
    REFERENCE_LUFS,
    fades,
    full_scale_gain,
    hop_mean_squares,
    loud_enough,
    matching_gains_db,
    measured_loudness_lufs,
    soften_edges,
)
from noisician.mix.numbers import MasterNumbers, Mix
from noisician.mix.sources import ALL_CORES, Sources, Threads, fill
from noisician.mix.timing import Timing

HEADROOM_DB = 0.05  # the limiter aims that much lower: gain ramps can lift a peak between samples by a hair
AFTER_HOPS = 2 * dynamics.LOOKAHEAD_HOPS + 4
BEFORE_HOPS = dynamics.compressor_hops(MEMORY) + dynamics.limiter_hops(MEMORY) + 2
_BEFORE_CHUNKS = -(-BEFORE_HOPS // CHUNK_HOPS)
_AT_ONCE = (1, 8)  # chunks worked out before the first block is given, and from then on


class Mixer:
    """Gives any stretch of a mix. What has been worked out is kept as long as the stretches that follow need it."""

    def __init__(self, mix: Mix, sources: Sources, desks: Sequence[Desk], timing: Timing, threads: Threads) -> None:
        """``desks`` are the voices', if there are any, and the players'; use :meth:`of`."""
        self.mix, self.frames = mix, desks[-1].premaster.frames
        self._sources, self._desks, self._timing, self._threads = sources, desks, timing, threads
        self._loop = mix.finish.loop
        self._bus = Bus(mix, self.frames, partial(self._premaster, desks))
        self._band_bus = Bus(mix, self.frames, partial(self._premaster, desks[-1:])) if len(desks) > 1 else self._bus
        self._curves: dict[int, np.ndarray] = {}
        self._band_curves: dict[int, np.ndarray] = {}
        self._curve_frames = np.minimum(np.arange(dynamics.hops_of(self.frames) + 1) * HOP, self.frames)
        self._static = self._static_gain()

    @classmethod
    def of(cls, mix: Mix, stems: Mapping[str, np.ndarray], timing: Timing, *, threads: Threads = ALL_CORES) -> Mixer:
        """``stems`` are the dry players by their keys, mono ``[frames]`` or mono and side, of one length at 44.1 kHz.

        Raises :class:`RequestError` when a player who is heard has no stem, or lengths differ.
        """
        for strip in mix.strips:
            if not strip.muted and strip.key not in stems:
                raise RequestError(f"no stem for {strip.key!r}; a mix needs the samples of every player who is heard")
        lengths = {stem.shape[-1] for stem in stems.values()}
        if len(lengths) != 1 or 0 in lengths:
            raise RequestError(f"stems of {sorted(lengths)} samples; a mix needs stems of one length, and not of 0")
        frames = lengths.pop()
        return cls(mix, Sources(mix, stems, frames, threads), desks_of(mix, timing, frames), timing, threads)

    @classmethod
    def of_premaster(cls, mix: Mix, premaster: np.ndarray, timing: Timing, *, threads: Threads = ALL_CORES) -> Mixer:
        """A mix whose sum before mastering is there already, ``[2, frames]`` float32: for :meth:`share`."""
        frames = premaster.shape[1]
        desk = Desk(mix, [], mix.room, timing, frames)
        desk.premaster = Pieces.of(premaster, mix.finish.loop)
        return cls(mix, Sources(mix, {}, frames, threads), [desk], timing, threads)

    def share(self, part: np.ndarray) -> np.ndarray:
        """What a part of the mix before mastering, ``[frames, 2]``, is in the track, ``[frames, 2]`` float32.

        It gets the gain that the whole gets from moment to moment, so shares of parts that sum to the mix sum to the
        track.
        """
        chunks = range(self._bus.coloured.count)
        curves = self._curves_of(chunks, True)
        self._bus.work_out(self._levels_of(curves), self._work_out_desks, self._threads)
        fill(self._curves, curves, self._curve, self._threads)
        own = Bus(self.mix, self.frames, Pieces.of(np.ascontiguousarray(part.T), self._loop).read)

        def finished(chunk: int) -> np.ndarray:
            return self._at_its_level(self._bus.share(own, chunk), chunk, self._curves)

        done: dict[int, np.ndarray] = {}
        fill(done, chunks, finished, self._threads)
        return np.concatenate([done[chunk] for chunk in chunks])

    def blocks(self, from_s: float = 0.0, *, voices: bool = True) -> Iterator[tuple[int, np.ndarray]]:
        """The track from the block that holds ``from_s`` to its end: (first frame, stereo ``[frames, 2]`` float32).

        Without ``voices`` it is the instrumental: the players as loud from moment to moment as they are in the track,
        under the ceiling.
        """
        first = min(max(int(from_s * SAMPLE_RATE_HZ), 0), self.frames - 1) // CHUNK
        for chunk, (block,) in self._through(first, (voices,)):
            yield chunk * CHUNK, block

    def _through(self, first: int, kinds: Sequence[bool]) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
        """Chunks from the first on, each with (True) and without voices (False), as asked for."""
        at, count, ready = first, self._bus.coloured.count, _AT_ONCE[0]
        while at < count:
            chunks = range(at, min(at + ready, count))
            yield from zip(chunks, zip(*(self._finished(chunks, voices) for voices in kinds), strict=True), strict=True)
            at, ready = chunks.stop, _AT_ONCE[1]
            self._forget(range(at, min(at + ready, count)), all(kinds))

    def span(self, start: int, stop: int, *, voices: bool = True) -> np.ndarray:
        """Frames ``start … stop`` of the track, ``[stop − start, 2]`` float32."""
        if not 0 <= start < stop <= self.frames:
            raise RequestError(f"frames {start} to {stop} of a track of {self.frames}; ask for a part of it")
        chunks = range(start // CHUNK, -(-stop // CHUNK))
        whole = np.concatenate(self._finished(chunks, voices))
        return whole[start - chunks.start * CHUNK : stop - chunks.start * CHUNK]

    def track(self) -> np.ndarray:
        """The whole track, ``[frames, 2]`` float32."""
        return self._tracks((True,))[0]

    def track_and_instrumental(self) -> tuple[np.ndarray, np.ndarray]:
        """The whole track and, from one pass, the same without its voices, ``[frames, 2]`` float32 each."""
        track, instrumental = self._tracks((True, False))
        return track, instrumental

    def _tracks(self, kinds: Sequence[bool]) -> list[np.ndarray]:
        tracks = [np.empty((self.frames, 2), np.float32) for _ in kinds]
        for chunk, blocks in self._through(0, kinds):
            for track, block in zip(tracks, blocks, strict=True):
                track[chunk * CHUNK : chunk * CHUNK + len(block)] = block
        return tracks

    def stem(self, key: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """A player's stereo stem as it sits in the mix before mastering, with its share of room and echo; the stems sum
        to the mix before mastering. ``[stop − start, 2]`` float32.
        """
        strip = self.mix.strip(key)
        stop = self.frames if stop is None else stop
        if strip.muted:
            return np.zeros((stop - start, 2), np.float32)
        room = self.mix.voice_room if strip.place.chain else self.mix.room
        alone = Desk(self.mix, [strip], room, self._timing, self.frames)
        alone.work_out(range(start // CHUNK, -(-stop // CHUNK)), self._sources, self._threads)
        return np.ascontiguousarray(alone.premaster.read(start, stop).T)

    def premaster(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """The mix before mastering, ``[stop − start, 2]`` float32."""
        stop = self.frames if stop is None else stop
        self._work_out_desks(range(start // CHUNK, -(-stop // CHUNK)))
        return np.ascontiguousarray(self._premaster(self._desks, start, stop).T)

    # ------------------------------------------------------------------------------------------- deciding

    def remastered(self) -> Mixer:
        """Measures the whole and decides the master's numbers anew, the strips as they are: the new mix's mixer."""
        energies, finish = self._timing.energies, self.mix.finish
        energy = dynamics.mean_energy(energies, self.frames)
        premaster = self._whole_premaster()
        level = measured_loudness_lufs(premaster, self._threads.on_step)
        towards_db = self.mix.settings.towards_db
        if towards_db:
            gains = matching_gains_db(towards_db, premaster)
            self.mix = replace(self.mix, settings=replace(self.mix.settings, balance_db=gains))
        del premaster
        if not np.isfinite(level):
            return self._with_master(MasterNumbers(0.0, 0.0, energy, 0.0))
        mixer = self._with_master(MasterNumbers(REFERENCE_LUFS - level, 0.0, energy, 0.0))
        power, makeup_db = mixer._glue_and_makeup(finish.loudness_lufs)
        # What was coloured stays good: only the reference decides it.
        mixer.mix = replace(mixer.mix, master=replace(mixer.mix.master, glue_power=power, makeup_db=makeup_db))
        return mixer

    def _with_master(self, master: MasterNumbers) -> Mixer:
        return Mixer(replace(self.mix, master=master), self._sources, self._desks, self._timing, self._threads)

    def _glue_and_makeup(self, loudness_lufs: float | None) -> tuple[float, float]:
        """The mean square that the glue's threshold counts from, and the make-up gain in dB."""
        chunks, hops = range(self._bus.coloured.count), dynamics.hops_of(self.frames)
        self._bus.work_out(chunks, self._work_out_desks, self._threads)
        squares, peaks = (each[:hops] for each in self._bus.levels(chunks))
        power = dynamics.loud_mean_square(squares)
        gain = self._static * self._glue(squares, power, loop=self._loop)
        peaks = peaks * np.maximum(gain[:-1], gain[1:])
        if loudness_lufs is None:
            return power, float(20 * np.log10(full_scale_gain(peaks, self._aim)))
        self._threads.on_step()
        heard = self._weighted() * np.square((gain[:-1] + gain[1:]) / 2)
        return power, loud_enough(heard, peaks, loudness_lufs, self._aim, loop=self._loop, memory=MEMORY)[0]

    def _whole_premaster(self) -> np.ndarray:
        for desk in self._desks:
            desk.work_out_whole(self._sources, self._threads)
        return self._premaster(self._desks, 0, self.frames)

    def _weighted(self) -> np.ndarray:
        """K-weighted mean squares per hop of the coloured signal, summed over channels."""
        squares = np.zeros(dynamics.hops_of(self.frames))
        for channel in self._bus.coloured.whole():
            (weighted,) = filtered(channel, [k_weighting_sos(SAMPLE_RATE_HZ)], loop=self._loop)
            squares += hop_mean_squares(weighted)
            self._threads.on_step()
        return squares

    # ------------------------------------------------------------------------------------------- working out

    def _work_out_desks(self, chunks: Sequence[int]) -> None:
        for desk in self._desks:
            desk.work_out(chunks, self._sources, self._threads)

    def _premaster(self, desks: Sequence[Desk], start: int, stop: int) -> np.ndarray:
        total = desks[0].premaster.read(start, stop)
        for desk in desks[1:]:
            total = total + desk.premaster.read(start, stop)
        return total

    def _levels_of(self, curves: Iterable[int]) -> list[int]:
        return sorted({each for chunk in curves for each in range(chunk - _BEFORE_CHUNKS, chunk + 2)})

    def _curves_of(self, chunks: Sequence[int], voices: bool) -> list[int]:
        """A loop's last chunk leads to the first; the instrumental's own limiter sees the chunks around."""
        first = [0] if self._loop and self._bus.coloured.count - 1 in chunks else []
        return sorted({*chunks, *first}) if voices else _around([*chunks, *first])

    def _finished(self, chunks: Sequence[int], voices: bool) -> list[np.ndarray]:
        split = not voices and self._band_bus is not self._bus
        curves = self._curves_of(chunks, not split)
        missing = [chunk for chunk in curves if chunk not in self._curves]
        self._bus.work_out(self._levels_of(missing), self._work_out_desks, self._threads)
        fill(self._curves, curves, self._curve, self._threads)
        if split:
            own = self._curves_of(chunks, True)
            missing = [chunk for chunk in own if chunk not in self._band_curves]
            self._band_bus.work_out(_around(missing), self._work_out_desks, self._threads)
            fill(self._band_curves, own, self._band_curve, self._threads)
        done: dict[int, np.ndarray] = {}
        fill(done, chunks, partial(self._finish, split), self._threads)
        return [done[chunk] for chunk in chunks]

    def _forget(self, chunks: range, voices: bool) -> None:
        """Lets go of what lies before the next chunks and they do not need."""
        curves = self._curves_of(chunks, voices)
        # The end of a loop leads back to its start, which is made first and read last.
        closing = self._curves_of([self._bus.coloured.count - 1], voices) if self._loop else ()
        levels = self._levels_of({*curves, *closing})
        before = chunks.start
        sources = {*self._bus.forget(before, levels), *(() if voices else self._band_bus.forget(before, levels))}
        sums = {each for desk in self._desks for each in desk.forget(before, sorted(sources))}
        self._sources.forget_before(before, sorted(sums))
        needed = {*curves, *(self._curves_of([0], voices) if self._loop else ())}  # a loop leads back to its first
        self._curves, self._band_curves = (kept(each, before, needed) for each in (self._curves, self._band_curves))

    # ------------------------------------------------------------------------------------------- gain

    @property
    def _aim(self) -> float:
        return 10 ** ((self.mix.finish.ceiling_dbtp - HEADROOM_DB) / 20)

    def _static_gain(self) -> np.ndarray:
        """Automation and fades, ``[hops + 1]``."""
        master, settings = self.mix.master, self.mix.settings
        automation = dynamics.energy_gain(
            self._timing.energies,
            self.frames,
            settings.automation_db,
            loop=self._loop,
            reference=master.automation_energy,
            memory=MEMORY,
        )
        return automation * fades(self.frames, self.mix.finish)

    def _static_at(self, first_hop: int, hops: int) -> np.ndarray:
        """Automation and fades at ``hops + 1`` points from ``first_hop`` on, which may lie outside."""
        frames = np.arange(first_hop, first_hop + hops + 1) * HOP
        return np.interp(frames % self.frames if self._loop else frames, self._curve_frames, self._static)

    def _glue(self, squares: np.ndarray, power: float, *, loop: bool) -> np.ndarray:
        return dynamics.compressor_gain(squares, self.mix.settings.glue, loop=loop, loud=power, memory=MEMORY)

    def _curve(self, chunk: int) -> np.ndarray:
        """Automation, fades, compressor, make-up and limiter as one gain curve ``[hops + 1]`` of a chunk."""
        first = chunk - _BEFORE_CHUNKS
        before, window = _BEFORE_CHUNKS * CHUNK_HOPS, (_BEFORE_CHUNKS + 1) * CHUNK_HOPS + AFTER_HOPS
        squares, peaks = (each[:window] for each in self._bus.levels(range(first, chunk + 2)))
        static = self._static_at(first * CHUNK_HOPS, window)
        makeup = 10 ** (min(self.mix.master.makeup_db, MAX_GAIN_DB) / 20)
        gain = makeup * static * self._glue(squares, self.mix.master.glue_power, loop=False)
        peaks = peaks * np.maximum(gain[:-1], gain[1:])
        gain = gain * dynamics.limiter_gain(peaks, self._aim, loop=False, memory=MEMORY)
        return gain[before : before + CHUNK_HOPS + 1]

    def _band_curve(self, chunk: int) -> np.ndarray:
        """The track's gain for the players alone, and a limiter where without the voices they peak higher."""
        around = range(chunk - 1, chunk + 2)
        window = 2 * CHUNK_HOPS + AFTER_HOPS
        gain = np.concatenate([*(self._curves[each][:-1] for each in around)])[: window + 1]
        peaks = self._band_bus.levels(around)[1][:window] * np.maximum(gain[:-1], gain[1:])
        gain = gain * dynamics.limiter_gain(peaks, self._aim, loop=False, memory=MEMORY)
        return gain[CHUNK_HOPS : 2 * CHUNK_HOPS + 1]

    def _finish(self, split: bool, chunk: int) -> np.ndarray:
        """A chunk of the track, ``[frames, 2]``."""
        bus, curves = (self._band_bus, self._band_curves) if split else (self._bus, self._curves)
        return self._at_its_level(bus.coloured.at[chunk], chunk, curves)

    def _at_its_level(self, coloured: np.ndarray, chunk: int, curves: Mapping[int, np.ndarray]) -> np.ndarray:
        """A coloured chunk ``[2, frames]`` times its gain curve, without clicks at the ends of the track."""
        frames = coloured.shape[1]
        points = curves[chunk][: dynamics.hops_of(frames) + 1].copy()
        if self._loop and chunk == self._bus.coloured.count - 1:
            points[-1] = curves[0][0]
        out = np.empty((frames, 2), np.float32)
        np.multiply(coloured.T, dynamics.ramps(points, 0, frames, frames)[:, None], out=out)
        if not self._loop:
            soften_edges(out, chunk * CHUNK, self.frames)
        return out


def _around(chunks: Iterable[int]) -> list[int]:
    """The chunks and those beside them."""
    return sorted({each + step for each in chunks for step in (-1, 0, 1)})


def desks_of(mix: Mix, timing: Timing, frames: int) -> list[Desk]:
    """The desks of all who are heard: the voices', if there are any, then the players'."""
    heard = [strip for strip in mix.strips if not strip.muted]
    voices = [strip for strip in heard if strip.place.chain is not None]
    players = [strip for strip in heard if strip.place.chain is None]
    desks = [Desk(mix, players, mix.room, timing, frames)]
    return [Desk(mix, voices, mix.voice_room, timing, frames), *desks] if voices else desks
