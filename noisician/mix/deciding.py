"""The first mix of a piece: its numbers are decided while its stems come in, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from noisician.mix.desk import Desk
from noisician.mix.drive import drive_peak, driven
from noisician.mix.grid import CHUNK, STRETCH
from noisician.mix.mastering import Finish
from noisician.mix.mixer import Mixer, desks_of
from noisician.mix.numbers import MasterNumbers, Mix, Strip
from noisician.mix.plan import MixPlan, StemPlan, later_place
from noisician.mix.sources import Sources, Threads, mono_of
from noisician.mix.space import ECHO_FEEDBACK, echo_taps
from noisician.mix.strips import stem_gain_db
from noisician.mix.timing import Timing
from noisician.mix.vocals import treated

ECHO_FLOOR_DB = -44.0  # under the dry sound; softer repeats are left out
_AT_ONCE = 8  # chunks of a stem that are worked out at a time


def planned(plan: MixPlan, keys: Sequence[str], seed: int, finish: Finish) -> Mix:
    """A mix of which only the plan is known: no stem has been measured yet."""
    strips = tuple(Strip(key, place, 0.0) for key, place in zip(keys, plan.stems, strict=True))
    loudest_send = max((place.delay_send for place in plan.stems), default=0.0)
    repeats = sum(loudest_send * gain > 10 ** (ECHO_FLOOR_DB / 20) for _, _, gain in echo_taps(1.0, ECHO_FEEDBACK))
    master = MasterNumbers(0.0, 0.0, 0.0, 0.0)
    return Mix(strips, plan.settings, plan.room, plan.voice_room, seed, finish, repeats, master)


def decided_strip(key: str, place: StemPlan, samples: np.ndarray, *, loop: bool) -> Strip:
    """The strip of a player of these dry samples ``[frames]`` (or mono and side): its gain and, if it is sung, what its
    thresholds count from, by itself alone.
    """
    samples = mono_of(samples)
    if place.chain is None:
        peak = 0.0 if place.drive is None else drive_peak(samples)
        heard = samples if place.drive is None else driven(samples, place.drive, peak)
        return Strip(key, place, stem_gain_db(heard, place), drive_peak=peak)
    voice, levels = treated(samples, place.chain, loop=loop)
    return Strip(key, place, stem_gain_db(voice, place), levels=levels)


def new_strip(
    mix: Mix, key: str, role: str, instrument: str, samples: np.ndarray, timbre_tags: Sequence[str] = ()
) -> Strip:
    """The strip of one more player, for :meth:`Mix.with_player`: on the stage's lighter side, with noise of its own.

    Raises :class:`RequestError` for a role or instrument that no table knows.
    """
    place = later_place([strip.place for strip in mix.strips], role, instrument, mix.settings, timbre_tags)
    return decided_strip(key, place, samples, loop=mix.finish.loop)


class FirstMix:
    """Takes dry stems in the plan's order and keeps only their sums; then :meth:`closed`."""

    def __init__(self, mix: Mix, timing: Timing, frames: int, threads: Threads) -> None:
        self._mix, self._timing, self._frames, self._threads = mix, timing, frames, threads
        self._stems: dict[str, np.ndarray] = {}
        self._strips: list[Strip] = []
        self._sources = Sources(mix, self._stems, frames, threads)
        self._desks = desks_of(mix, timing, frames)
        for desk in self._desks:
            desk.open()

    def add(self, samples: np.ndarray) -> Strip:
        """The next player: decided, and added to the sums."""
        planned_strip = self._mix.strips[len(self._strips)]
        strip = decided_strip(planned_strip.key, planned_strip.place, samples, loop=self._mix.finish.loop)
        self._strips.append(strip)
        self._stems[strip.key] = samples
        if strip.place.leads:
            self._sources.decided(strip)
            self._sources.work_out_sung(range(-(-self._frames // STRETCH)), [strip])
        self._add(self._desks[0 if strip.place.chain is not None else -1], strip)
        return strip

    def alone(self, strip: Strip) -> np.ndarray:
        """The stereo stem of the player added last, as :meth:`Mixer.stem` gives it, ``[frames, 2]``."""
        room = self._mix.voice_room if strip.place.chain is not None else self._mix.room
        desk = Desk(self._mix, [strip], room, self._timing, self._frames)
        out = np.empty((self._frames, 2), np.float32)
        # Its sums are as large as those of everybody: they go as soon as they have been heard.
        for first in range(0, desk.premaster.count, _AT_ONCE):
            last = min(first + _AT_ONCE, desk.premaster.count)
            desk.work_out(range(first, last), self._sources, self._threads)
            out[first * CHUNK : last * CHUNK] = desk.premaster.read(first * CHUNK, min(last * CHUNK, self._frames)).T
            desk.forget(last, range(last, min(last + _AT_ONCE, desk.premaster.count)))
        return out

    def next(self) -> None:
        """Lets go of the samples of the player added last."""
        key = self._strips[-1].key
        self._sources.forget(key)
        del self._stems[key]

    def closed(self) -> Mixer:
        """The mixer of the mix with all numbers decided. It can go through the track once."""
        mix = replace(self._mix, strips=tuple(self._strips))
        return Mixer(mix, self._sources, self._desks, self._timing, self._threads).remastered()

    def _add(self, desk: Desk, strip: Strip) -> None:
        self._sources.work_out([strip], range(desk.sums.count))
        desk.add(strip, self._sources.source(strip), self._threads)
