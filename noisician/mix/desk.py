"""One group of strips and its room: their sums, and what comes back from echo and room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache, partial

import numpy as np

from noisician.mix import dynamics
from noisician.mix.filters import SAMPLE_RATE_HZ, Reader
from noisician.mix.grid import CHUNK, LOOKBACK, ROW, ROWS, Pieces, kept
from noisician.mix.numbers import Mix, Strip
from noisician.mix.sources import Source, Sources, Threads, fill
from noisician.mix.space import ECHO_FEEDBACK, Room, echo_impulse, echo_taps, ending_impulse
from noisician.mix.strips import StripFilters, kick_shape, pan_gains, side_gain, sway_of
from noisician.mix.timing import Timing

_EQ_TAPS = ROWS.taps - 1024
_LEFT, _RIGHT, _REVERB, _ECHO = range(4)
_AT_ONCE = 8  # chunks whose transforms are kept at a time


def mix_echo_taps(mix: Mix, timing: Timing) -> list[tuple[int, int, float]]:
    """The repeats of a mix's echo: (frames, channel, gain)."""
    return echo_taps(mix.settings.delay_beats * 60 / timing.tempo_bpm, ECHO_FEEDBACK)[: mix.echo_repeats]


@lru_cache(maxsize=8)
def room_responses(room: Room, seed: int) -> np.ndarray:
    """Transforms ``[partitions, 2, bins]`` of a room, a row's length each."""
    impulse = ending_impulse(room, seed) * np.sqrt(0.5)
    starts = range(0, impulse.shape[1], ROW)
    return np.array([[ROWS.response(channel[at : at + ROW]) for channel in impulse] for at in starts])


@cache
def echo_response() -> np.ndarray:
    return ROWS.response(echo_impulse())


class Desk:
    """Sums strips chunk by chunk: left, right, what goes to the room and what goes to the echo, ``[4, frames]``.

    ``premaster`` ``[2, frames]`` is the dry sum with its echoes and its room, as :meth:`work_out` made it.
    """

    def __init__(self, mix: Mix, strips: Sequence[Strip], room: Room, timing: Timing, frames: int) -> None:
        self.strips, self._mix, self._room = tuple(strips), mix, room
        self._loop = mix.finish.loop
        self._duck = kick_shape(timing.kicks_s, timing.tempo_bpm, frames, loop=self._loop)
        self.sums = Pieces(4, frames, self._loop)
        self.premaster = Pieces(2, frames, self._loop)
        self._spectra: dict[int, np.ndarray] = {}
        self._repeats = Pieces(1, frames, self._loop)
        self._echoes = mix_echo_taps(mix, timing) if any(strip.place.delay_send > 0 for strip in strips) else []
        self._rings = any(strip.place.reverb_send > 0 for strip in strips)
        self._filters: dict[str, StripFilters] = {}

    # ------------------------------------------------------------------------------------------- dry sums

    def open(self) -> None:
        """Empty sums everywhere, for :meth:`add`."""
        for chunk in range(self.sums.count):
            start, stop = self.sums.span(chunk)
            self.sums.at[chunk] = np.zeros((4, stop - start), np.float32)

    def add(self, strip: Strip, source: Source, threads: Threads) -> None:
        """Adds a strip to all sums."""
        self._filters_of(strip)
        fill({}, range(self.sums.count), lambda chunk: self._add(strip, source, chunk, self.sums.at[chunk]), threads)

    def _filters_of(self, strip: Strip) -> StripFilters:
        if strip.key not in self._filters:
            self._filters[strip.key] = StripFilters.of(strip.place, self._mix.seed, ROWS, _EQ_TAPS)
        return self._filters[strip.key]

    def _add(self, strip: Strip, source: Source, chunk: int, out: np.ndarray) -> None:
        place, (start, stop) = strip.place, self.sums.span(chunk)
        frames = self.sums.frames
        # A wow that fits the loop depends on its length; else on nothing, or a longer piece would sound otherwise.
        sway = sway_of(place, source.mono, frames if self._loop else SAMPLE_RATE_HZ, loop=self._loop)
        filters = self._filters_of(strip)
        _, mid, side = filters.mid_and_side(place, source.mono, sway, start, start + CHUNK)
        left, right, across = (np.float32(each) for each in pan_gains(place))
        mid = mid[: stop - start]
        side = None if side is None else across * side[: stop - start]
        if source.side is not None:
            own = filters.equalised(source.side, start, start + CHUNK)[: stop - start]
            own *= side_gain(place)
            side = own if side is None else side + own
        gain = np.float32(10 ** ((strip.gain_db + strip.fader_db) / 20))
        if place.sidechain_db > 0:
            hops = slice(start // dynamics.HOP, start // dynamics.HOP + dynamics.hops_of(stop - start) + 1)
            ramp = dynamics.ramps(
                dynamics.duck_gain(self._duck[hops], place.sidechain_db), 0, stop - start, stop - start
            )
            mid *= ramp
            if side is not None:
                side *= ramp
        out[_LEFT] += (left * gain) * mid
        out[_RIGHT] += (right * gain) * mid
        if side is not None:
            side *= gain
            out[_LEFT] += side
            out[_RIGHT] -= side
        for send, which in ((place.reverb_send, _REVERB), (place.delay_send, _ECHO)):
            if send > 0:
                out[which] += (np.float32(send) * gain) * mid

    def _sum(self, sources: Sources, chunk: int) -> np.ndarray:
        start, stop = self.sums.span(chunk)
        out = np.zeros((4, stop - start), np.float32)
        for strip in self.strips:
            self._add(strip, sources.source(strip), chunk, out)
        return out

    def settle(self) -> None:
        """Lets go of all but the premaster."""
        self.sums.at, self._repeats.at, self._spectra = {}, {}, {}

    # ------------------------------------------------------------------------------------------- echo and room

    def work_out(self, chunks: Iterable[int], sources: Sources, threads: Threads) -> None:
        """Makes ``premaster`` at these chunks."""
        missing = [chunk for chunk in dict.fromkeys(chunks) if chunk not in self.premaster.at]
        groups = [missing[at : at + _AT_ONCE] for at in range(0, len(missing), _AT_ONCE)]
        for group in groups:
            self._work_out(group, sources, threads)

    def work_out_whole(self, sources: Sources, threads: Threads) -> None:
        """Makes all of ``premaster`` and lets go of all else, as soon as nothing that follows needs it."""
        count = self.premaster.count
        for first in range(0, count, _AT_ONCE):
            last = min(first + _AT_ONCE, count)
            self.work_out(range(first, last), sources, threads)
            _, _, sums = self._needs(range(last, count))
            self.sums.forget(last, sums)
        self.settle()

    def _work_out(self, chunks: Sequence[int], sources: Sources, threads: Threads) -> None:
        rung, repeats, sums = self._needs(chunks)
        self._spectra = kept(self._spectra, chunks[0], rung)
        missing = [chunk for chunk in sums if chunk not in self.sums.at]
        sources.work_out(self.strips, missing)
        for strip in self.strips:
            self._filters_of(strip)
        fill(self.sums.at, missing, partial(self._sum, sources), threads)
        fill(self._spectra, rung, self._spectrum, threads)
        fill(self._repeats.at, repeats, self._repeat, threads)
        fill(self.premaster.at, chunks, self._premaster, threads)

    def _needs(self, chunks: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
        """The chunks of the room's transforms, of the echo and of the sums that these of the premaster need."""
        rung, repeats, sums = set(), set(), set(chunks)
        for chunk in chunks:
            start, stop = self.premaster.span(chunk)
            rung.update(range(chunk - self._chunks_back, chunk + 1) if self._rings else ())
            for delay, _, _ in self._echoes:
                repeats.update(self._repeats.touched(start - delay, stop - delay))
        rung = {chunk for chunk in rung if self._loop or chunk >= 0}
        for chunk in rung | repeats:
            sums.update(self.sums.touched(chunk * CHUNK - LOOKBACK, (chunk + 1) * CHUNK))
        return sorted(rung), sorted(repeats), sorted(sums)

    def forget(self, before: int, chunks: Sequence[int]) -> list[int]:
        """Lets go of what lies before a chunk and these of the premaster do not need; the sums that they will need."""
        _, repeats, sums = self._needs(chunks)
        for pieces, needed in ((self._repeats, repeats), (self.sums, sums), (self.premaster, chunks)):
            pieces.forget(before, needed)
        return [chunk for chunk in sums if chunk not in self.sums.at]

    @property
    def _responses(self) -> np.ndarray:
        return room_responses(self._room, self._mix.seed)

    @property
    def _chunks_back(self) -> int:
        """How many chunks before its own one hears through the room."""
        return -(-(len(self._responses) - 1) * ROW // CHUNK)

    def _send(self, which: int) -> Reader:
        return lambda start, stop: self.sums.read(start, stop)[which]

    def _spectrum(self, chunk: int) -> np.ndarray:
        return ROWS.spectra(self._send(_REVERB), chunk * CHUNK, (chunk + 1) * CHUNK)

    def _repeat(self, chunk: int) -> np.ndarray:
        start, stop = self._repeats.span(chunk)
        spectra = ROWS.spectra(self._send(_ECHO), start, start + CHUNK)
        return ROWS.signal(spectra * echo_response(), stop - start)[None]

    def _premaster(self, chunk: int) -> np.ndarray:
        """The dry sum and, in this order, its echoes and its room."""
        start, stop = self.premaster.span(chunk)
        out = self.sums.at[chunk][: _RIGHT + 1].copy()
        for delay, channel, gain in self._echoes:
            out[channel] += np.float32(gain) * self._repeats.read(start - delay, stop - delay)[0]
        if self._rings:
            for channel, rung in enumerate(self._rung(chunk)):
                out[channel] += ROWS.signal(rung, stop - start)
        return out

    def _rung(self, chunk: int) -> np.ndarray:
        """Transforms ``[2, rows, bins]`` of the room's answer: uniformly partitioned convolution (Wefers,
        *Partitioned convolution algorithms for real-time auralization*, 2015, 5.2)."""
        silence = np.zeros((ROWS.batch, ROWS.fft // 2 + 1), np.complex64)
        rows = np.concatenate(
            [self._spectra.get(each, silence) for each in range(chunk - self._chunks_back, chunk + 1)]
        )
        newest = len(rows) - ROWS.batch
        total = np.zeros((2, *silence.shape), np.complex64)
        product = np.empty_like(silence)
        for age, responses in enumerate(self._responses):
            sent = rows[newest - age : newest - age + ROWS.batch]
            for channel, response in enumerate(responses):
                total[channel] += np.multiply(sent, response, out=product)
        return total
