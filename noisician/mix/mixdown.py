"""Stems in, track out. Stems are taken one at a time and summed into the mix as they come, so the memory in use
beyond one stem is the stereo sum and the reverb send of the players and of the voices, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.errors import RequestError
from noisician.mix import dynamics
from noisician.mix.deciding import FirstMix, planned
from noisician.mix.drive import drive_peak, driven
from noisician.mix.filters import HOP, Blocks, reader_of
from noisician.mix.mastering import Finish, hop_mean_squares, master_parts
from noisician.mix.numbers import ENGINE, WHOLE_ENGINE, Mix
from noisician.mix.plan import MixPlan, StemPlan
from noisician.mix.sources import ALL_CORES, Threads, mono_of
from noisician.mix.space import ECHO_FEEDBACK, Room, echo_impulse, echo_taps, reverb_impulse
from noisician.mix.strips import StripFilters, kick_shape, pan_gains, stem_gain_db, sway_of
from noisician.mix.timing import Timing
from noisician.mix.vocals import give_way, treat

_BLOCKS = Blocks()
_EQ_TAPS = _BLOCKS.taps - 2048


@dataclass(frozen=True)
class StemAudio:
    """One player as the vocoder leaves it, or one dry voice: ``samples`` mono ``[frames]`` at 44.1 kHz, of a kit whose
    pieces have places ``[2, frames]``: mono and side.
    """

    role: str
    instrument: str
    samples: np.ndarray
    timbre_tags: tuple[str, ...] = ()

    @property
    def mono(self) -> np.ndarray:
        """The samples without their side, ``[frames]``."""
        return mono_of(self.samples)


@dataclass(frozen=True)
class Mixdown:
    """``stereo`` is the mastered track ``[frames, 2]`` float32; ``gains_db`` what each stem was turned up by.

    ``stems``, when asked for, are the stereo stems ``[frames, 2]`` as they sit in the mix, with their share of
    reverb and echo: they sum to the mix before mastering. ``instrumental``, when asked for, is ``stereo`` with the
    voices muted, ``[frames, 2]`` float32: the players as loud from moment to moment as they are in it. Without voices
    it is ``stereo`` itself. ``mix`` are the numbers that were decided, None where the engine keeps none.
    """

    stereo: np.ndarray
    gains_db: tuple[float, ...]
    stems: tuple[np.ndarray, ...] | None = None
    mix: Mix | None = None
    instrumental: np.ndarray | None = None


def mix_stems(
    stems: Iterable[StemAudio],
    plan: MixPlan,
    *,
    seed: int,
    timing: Timing = Timing(),  # noqa: B008
    finish: Finish = Finish(),  # noqa: B008
    keep_stems: bool = False,
    split_vocals: bool = False,
    engine: int = WHOLE_ENGINE,
    keys: Sequence[str] | None = None,
) -> Mixdown:
    """Mixes and masters stems that come in the plan's order, voices first; ``split_vocals`` asks for the instrumental.

    ``engine`` is the arithmetic. ``ENGINE`` decides numbers that can be kept (``Mixdown.mix``) and played again by
    :class:`noisician.mix.mixer.Mixer`; ``keys`` then name the players, by default ``"1"``, ``"2"``, … ``WHOLE_ENGINE``
    is the one of pieces that were made before there were any.

    With ``finish.loop`` every tail that passes the end comes back at the start and all dynamics are circular,
    so the track repeats without a seam. The same input gives the same bits, kept stems and split vocals or not.

    Raises :class:`RequestError` if stems and plan disagree, lengths differ or a sample is not finite.
    """
    if engine == ENGINE:
        mix = planned(plan, keys or [str(number + 1) for number in range(len(plan.stems))], seed, finish)
        heard: list[np.ndarray] = []
        keep = heard.append if keep_stems else None
        mixdown = decide_mix(stems, plan, mix, timing, on_stem=keep, split_vocals=split_vocals)
        return replace(mixdown, stems=tuple(heard) if keep_stems else None)
    if engine != WHOLE_ENGINE:
        raise RequestError(
            f"mix engine {engine}; there are {WHOLE_ENGINE} and {ENGINE}, a newer noisician may have more"
        )
    studio: _Studio | None = None
    gains_db: list[float] = []
    kept: list[np.ndarray] = []
    for stem, place in zip(_checked(stems, plan), plan.stems, strict=True):
        if studio is None:
            studio = _Studio.empty(len(stem.mono), plan, timing, seed, loop=finish.loop)
        samples, gain_db = studio.prepared(stem.mono, place)
        desk = studio.desk_of(place)
        desk.add(samples, place, gain_db)
        gains_db.append(gain_db)
        if keep_stems:
            alone = desk.cleared()
            alone.add(samples, place, gain_db)
            kept.append(np.ascontiguousarray(alone.closed().T))
    assert studio is not None
    channels, parts = studio.closed(split_vocals=split_vocals)
    del studio
    tracks = master_parts(channels, parts, plan.settings, timing.energies, finish)
    return Mixdown(
        tracks[0],
        tuple(gains_db),
        tuple(kept) if keep_stems else None,
        instrumental=tracks[-1] if split_vocals else None,
    )


def decide_mix(
    stems: Iterable[StemAudio],
    plan: MixPlan,
    undecided: Mix,
    timing: Timing,
    *,
    on_stem: Callable[[np.ndarray], None] | None = None,
    split_vocals: bool = False,
    threads: Threads = ALL_CORES,
) -> Mixdown:
    """:func:`mix_stems` of today's engine: ``undecided`` is the plan as numbers, before a stem has been measured.

    ``on_stem`` hears each stereo stem as soon as it is there, in the plan's order, so that nobody has to hold them all.
    ``threads`` hears of every step, also while the stems come in.
    """
    first: FirstMix | None = None
    for stem in _checked(stems, plan):
        if first is None:
            first = FirstMix(undecided, timing, len(stem.mono), threads)
        strip = first.add(stem.samples)
        if on_stem is not None:
            on_stem(first.alone(strip))
        first.next()
    assert first is not None
    mixer = first.closed()
    track, instrumental = mixer.track_and_instrumental() if split_vocals else (mixer.track(), None)
    gains_db = tuple(strip.gain_db for strip in mixer.mix.strips)
    return Mixdown(track, gains_db, mix=mixer.mix, instrumental=instrumental)


def _checked(stems: Iterable[StemAudio], plan: MixPlan) -> Iterator[StemAudio]:
    """The stems as they come, one for each in the plan."""
    count, frames = 0, 0
    for stem in stems:
        frames = frames or stem.samples.shape[-1]
        _check(stem, count, plan, frames)
        count += 1
        yield stem
    if count != len(plan.stems) or count == 0:
        raise RequestError(f"{count} stems for a mix planned with {len(plan.stems)}; each part of the roster needs one")


def _check(stem: StemAudio, index: int, plan: MixPlan, frames: int) -> None:
    if index >= len(plan.stems):
        raise RequestError(f"more than the {len(plan.stems)} stems the mix was planned with; plan it anew")
    expected = plan.stems[index]
    name = f"stem {index + 1} ({stem.role}, {stem.instrument})"
    if (stem.role, stem.instrument) != (expected.role, expected.instrument):
        raise RequestError(f"{name} stands where the plan has {expected.role}, {expected.instrument}")
    if stem.samples.shape not in ((frames,), (2, frames)) or frames == 0:
        raise RequestError(
            f"{name} has shape {stem.samples.shape}; stems are mono, or mono and side, and of one length ({frames})"
        )
    if not np.isfinite(np.sum(stem.samples, dtype=np.float64)):
        raise RequestError(f"{name} has samples that are not finite numbers; its rendering diverged")


@dataclass
class _Studio:
    """A desk for the players and, if there are any, one for the voices; ``sung`` is what the lead voices did so far."""

    players: _Desk
    voices: _Desk | None
    sung: np.ndarray

    @classmethod
    def empty(cls, frames: int, plan: MixPlan, timing: Timing, seed: int, *, loop: bool) -> _Studio:
        players = _Desk.empty(frames, plan, timing, seed, loop=loop)
        voices = replace(players.cleared(), room=plan.voice_room) if any(stem.chain for stem in plan.stems) else None
        return cls(players, voices, np.zeros(dynamics.hops_of(frames) + 1))

    @property
    def frames(self) -> int:
        return self.players.frames

    def desk_of(self, stem: StemPlan) -> _Desk:
        return self.voices if stem.chain is not None and self.voices is not None else self.players

    def prepared(self, samples: np.ndarray, stem: StemPlan) -> tuple[np.ndarray, float]:
        """A stem ready for its desk and its gain in dB: a voice treated, a player driven and out of the voices' way.

        A player's gain is measured before, or it would make up for giving way.
        """
        loop = self.players.loop
        if stem.chain is not None:
            if stem.leads:
                self.sung = np.maximum(self.sung, dynamics.voice_shape(hop_mean_squares(samples), loop=loop))
            samples = treat(samples, stem.chain, loop=loop)
            return samples, stem_gain_db(samples, stem)
        if stem.drive is not None:
            samples = driven(samples, stem.drive, drive_peak(samples))
        gain_db = stem_gain_db(samples, stem)
        if stem.give_way_db > 0 and self.sung.any():
            samples = give_way(samples, self.sung, stem.give_way_db, loop=loop)
        return samples, gain_db

    def closed(self, *, split_vocals: bool) -> tuple[np.ndarray, list[np.ndarray]]:
        """The pre-master mix ``[2, frames]`` and, if there are voices to split off, the same without them."""
        band = self.players.closed()
        if self.voices is None:
            return band, []
        mix = self.voices.closed()
        mix += band
        return mix, [band] if split_vocals else []


@dataclass
class _Desk:
    """The running sums: dry stereo ``[2, frames]`` and what goes to the reverb ``[frames]``."""

    plan: MixPlan
    timing: Timing
    room: Room
    seed: int
    loop: bool
    duck: np.ndarray
    stereo: np.ndarray
    send: np.ndarray

    @classmethod
    def empty(cls, frames: int, plan: MixPlan, timing: Timing, seed: int, *, loop: bool) -> _Desk:
        duck = kick_shape(timing.kicks_s, timing.tempo_bpm, frames, loop=loop)
        stereo, send = np.zeros((2, frames), np.float32), np.zeros(frames, np.float32)
        return cls(plan, timing, plan.room, seed, loop, duck, stereo, send)

    def cleared(self) -> _Desk:
        """An empty desk with the same setting."""
        return replace(self, stereo=np.zeros_like(self.stereo), send=np.zeros_like(self.send))

    @property
    def frames(self) -> int:
        return len(self.send)

    def add(self, samples: np.ndarray, stem: StemPlan, gain_db: float) -> None:
        """Puts a mono stem in its place."""
        gain = dynamics.duck_gain(self.duck, stem.sidechain_db) * 10 ** (gain_db / 20)
        filters = StripFilters.of(stem, self.seed, _BLOCKS, _EQ_TAPS)
        to_echo = filters.to_mid * _BLOCKS.response(echo_impulse())
        dry = reader_of(samples, loop=self.loop)
        sway = sway_of(stem, dry, self.frames, loop=self.loop)
        for start, stop in _BLOCKS.spans(self.frames):
            ramp = dynamics.ramps(gain, start, stop, self.frames)
            spectra, mid, side = filters.mid_and_side(stem, dry, sway, start, stop)
            mid *= ramp
            if side is not None:
                side *= ramp
            self._place(mid, side, stem, start)
            if stem.delay_send > 0:
                self._echo(_BLOCKS.signal(spectra * to_echo, stop - start) * ramp, stem.delay_send, start)

    def _place(self, mid: np.ndarray, side: np.ndarray | None, stem: StemPlan, start: int) -> None:
        span = slice(start, start + len(mid))
        left, right, across = (np.float32(gain) for gain in pan_gains(stem))
        self.stereo[0, span] += left * mid
        self.stereo[1, span] += right * mid
        if side is not None:
            side *= across
            self.stereo[0, span] += side
            self.stereo[1, span] -= side
        if stem.reverb_send > 0:
            self.send[span] += np.float32(stem.reverb_send) * mid

    def _echo(self, repeat: np.ndarray, amount: float, start: int) -> None:
        delay_s = self.plan.settings.delay_beats * 60 / self.timing.tempo_bpm
        for delay, channel, gain in echo_taps(delay_s, ECHO_FEEDBACK):
            wet = np.float32(amount * gain) * repeat
            at = start + delay
            while self.loop and len(wet):
                at %= self.frames
                room = min(len(wet), self.frames - at)
                self.stereo[channel, at : at + room] += wet[:room]
                wet, at = wet[room:], at + room
            if not self.loop and at < self.frames:
                self.stereo[channel, at : at + len(wet)] += wet[: self.frames - at]

    def closed(self) -> np.ndarray:
        """The pre-master mix ``[2, frames]``: the reverb's return is added to the dry sum. The desk is spent."""
        if self.send.any():
            impulse = reverb_impulse(self.room, self.seed)
            fft = max(1 << 17, 1 << int(np.ceil(np.log2(2.5 * impulse.shape[1]))))
            blocks = Blocks(fft, (fft - impulse.shape[1]) // HOP * HOP, batch=1)
            responses = [blocks.response(channel * np.sqrt(0.5)) for channel in impulse]
            reader = reader_of(self.send, loop=self.loop)
            for start, stop in blocks.spans(self.frames):
                spectra = blocks.spectra(reader, start, stop)
                for channel, response in zip(self.stereo, responses, strict=True):
                    channel[start:stop] += blocks.signal(spectra * response, stop - start)
        return self.stereo
