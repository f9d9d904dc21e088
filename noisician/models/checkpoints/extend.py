"""Music longer than one call: stretches that overlap, each continuing what came before.

What a checkpoint makes has an ending, so the last seconds of every stretch but the last are dropped, and the next one
continues from before them. A checkpoint that can repaint hears the end of the music so far and makes the rest anew;
one that can only start from audio varies the music so far, moved by whole bars, so that tempo and key go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from noisician.audio import db_to_gain
from noisician.errors import RequestError
from noisician.models.checkpoints.family import Job, OnStep
from noisician.models.protocol import Capabilities
from noisician.request import BEATS_PER_BAR

#: Share of one call that is heard before the new, and that is dropped as an ending; and the most of each.
CONTEXT_SHARE, CONTEXT_LIMIT_S = 0.25, 20.0
TAIL_SHARE, TAIL_LIMIT_S = 0.1, 6.0
#: How two takes of the same moment go into each other.
CROSSFADE_S = 0.5
#: How far a stretch is varied that continues by variation.
CONTINUE_STRENGTH = 0.75
#: A stretch is brought to the level of the one before by at most this.
LEVEL_LIMIT_DB = 3.0
#: A call shorter than this has no room for what was before.
_FEWEST_S = 1.5

Sample = Callable[[Job, OnStep], np.ndarray]


@dataclass(frozen=True)
class Source:
    """What a job starts from in full length, ``[frames, channels]`` each, or nothing."""

    init: np.ndarray | None = None
    morph_init: np.ndarray | None = None


@dataclass(frozen=True)
class Stretch:
    """Frames ``start … stop`` of the music; the first ``overlap`` of them are there already."""

    start: int
    stop: int
    overlap: int

    @property
    def frames(self) -> int:
        return self.stop - self.start


def can_extend(capabilities: Capabilities) -> bool:
    """Whether :func:`extended` has a way to go beyond one call."""
    longest_s = capabilities.duration_range_s[1]
    return bool(capabilities.features & {"repaint", "init_audio"}) and longest_s >= _FEWEST_S


def plan_stretches(frames: int, longest: int, context: int, tail: int) -> list[Stretch]:
    """Equally long stretches of at most ``longest`` frames that cover ``frames``.

    Each begins ``context + tail`` before the end of the one before, whose last ``tail`` frames it replaces.
    """
    if frames <= longest:
        return [Stretch(0, frames, 0)]
    back = context + tail
    if back >= longest:
        raise ValueError(f"a stretch of {longest} frames cannot begin {back} frames before the last one's end")
    count = -(-(frames - back) // (longest - back))
    length = -(-(frames + (count - 1) * back) // count)
    step = length - back
    starts = [number * step for number in range(count)]
    return [
        Stretch(start, min(start + length, frames), context if number else 0) for number, start in enumerate(starts)
    ]


def extended(job: Job, source: Source, capabilities: Capabilities, sample: Sample, on_step: OnStep) -> np.ndarray:
    """``[frames, channels]`` of exactly ``job.duration_s``, of one call or of several.

    ``job.init`` and ``job.morph_init`` are taken from ``source``. Raises RequestError where one call does not suffice
    and the checkpoint can do nothing about it.
    """
    rate = capabilities.sample_rate_hz
    frames = round(job.duration_s * rate)
    longest_s = capabilities.duration_range_s[1]
    if job.duration_s <= longest_s:
        return sample(replace(job, init=source.init, morph_init=source.morph_init), on_step)
    if not can_extend(capabilities):
        raise RequestError(f"length {job.duration_s:g} s is over the {longest_s:g} s that {capabilities.name} can make")
    context = round(min(CONTEXT_SHARE * longest_s, CONTEXT_LIMIT_S) * rate)
    tail = 0 if source.init is not None else round(min(TAIL_SHARE * longest_s, TAIL_LIMIT_S) * rate)
    stretches = plan_stretches(frames, int(longest_s * rate), context, tail)
    music = np.zeros((0, 0), np.float32)
    for number, stretch in enumerate(stretches):
        part = _part_of(job, stretch, number, rate)
        if source.init is not None:
            part = _slice_of(part, stretch, source)
        elif number:
            continuing = _repainting if "repaint" in capabilities.features else _varying
            part = continuing(part, stretch, music[: stretch.start + stretch.overlap], rate)
        untouched = source.init is not None and bool(job.repaint) and not part.repaint
        made = np.asarray(part.init) if untouched else sample(part, _share_of(on_step, number, len(stretches)))
        music = _joined(music, made, stretch, rate) if number else made
    on_step(1.0)
    return music


def _share_of(on_step: OnStep, number: int, count: int) -> OnStep:
    return lambda share: on_step((number + share) / count)


def _part_of(job: Job, stretch: Stretch, number: int, rate: int) -> Job:
    """The job of one stretch: its own length, seed, share of the repainting and of the way from start to goal."""
    start, end = job.morph
    start_s, stop_s = stretch.start / rate, stretch.stop / rate
    way = (start + (end - start) * start_s / job.duration_s, start + (end - start) * stop_s / job.duration_s)
    spans = [(max(a, start_s) - start_s, min(b, stop_s) - start_s) for a, b in job.repaint]
    return replace(
        job,
        duration_s=stretch.frames / rate,
        seed=seed_of(job.seed, number),
        morph=way,
        repaint=tuple((a, b) for a, b in spans if a < b),
    )


def seed_of(seed: int, number: int) -> int:
    """The seed of a stretch; the first one has the piece's own."""
    return seed if number == 0 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _slice_of(part: Job, stretch: Stretch, source: Source) -> Job:
    """The same stretch of what the whole starts from."""
    there = slice(stretch.start, stretch.stop)
    morph_init = None if source.morph_init is None else source.morph_init[there]
    assert source.init is not None
    return replace(part, init=source.init[there], morph_init=morph_init)


def _repainting(part: Job, stretch: Stretch, music: np.ndarray, rate: int) -> Job:
    """Hears the end of the music so far and goes on from there."""
    init = np.zeros((stretch.frames, music.shape[1]), np.float32)
    init[: stretch.overlap] = music[stretch.start :]
    return replace(part, init=init, repaint=((stretch.overlap / rate, stretch.frames / rate),), strength=None)


def _varying(part: Job, stretch: Stretch, music: np.ndarray, rate: int) -> Job:
    """Varies what lies whole bars before the end of the music so far, and over again where it is short."""
    fade = min(round(0.02 * rate), stretch.overlap, len(music) // 2)
    shift = _whole_bars(part, len(music) - fade, rate)
    after = np.arange(-fade, stretch.frames - stretch.overlap)
    earlier = music[len(music) - shift + np.where(after < 0, after, after % shift)]
    init = crossfade(music[stretch.start :], earlier, fade, alike=False)
    return replace(part, init=init, strength=CONTINUE_STRENGTH)


def _whole_bars(job: Job, frames: int, rate: int) -> int:
    """The most frames, at most ``frames``, that are whole bars of the tempo asked for, where one was."""
    tempo_bpm = job.song.tempo_bpm
    if tempo_bpm is None:
        return frames
    beats = BEATS_PER_BAR[job.song.time_signature or "4/4"]
    bar = beats * 60 / tempo_bpm * rate
    return round(bar * (frames // bar)) if frames >= bar else frames


def _joined(music: np.ndarray, made: np.ndarray, stretch: Stretch, rate: int) -> np.ndarray:
    """The music so far up to the end of the overlap, then what is new, at the level that went before."""
    before = music[: stretch.start + stretch.overlap]
    heard = before[stretch.start :]
    made = made * np.float32(_level_match(heard, made[: len(heard)]))
    fade = min(round(CROSSFADE_S * rate), stretch.overlap)
    alike = _alike(heard[-fade:], made[stretch.overlap - fade : stretch.overlap])
    return crossfade(before, made[stretch.overlap - fade :], fade, alike=alike)


def _level_match(heard: np.ndarray, made: np.ndarray) -> float:
    """Gain that gives two takes of one moment the same power, within a limit: takes must not spiral up or down."""
    powers = [float(np.mean(np.square(take, dtype=np.float64))) for take in (heard, made)]
    if min(powers) < 1e-8:
        return 1.0
    limit = db_to_gain(LEVEL_LIMIT_DB)
    return float(np.clip(np.sqrt(powers[0] / powers[1]), 1 / limit, limit))


def _alike(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two takes are the same wave, so that their sum needs no make-up in the middle of a crossfade."""
    power = float(np.sqrt(np.sum(np.square(first)) * np.sum(np.square(second))))
    return power < 1e-6 or float(np.sum(first * second)) / power > 0.5


def crossfade(before: np.ndarray, after: np.ndarray, frames: int, *, alike: bool) -> np.ndarray:
    """``before`` into ``after`` over ``frames`` of both: by amplitude for the same wave, by power for others."""
    if frames == 0:
        return np.concatenate([before, after])
    rise = (np.arange(frames, dtype=np.float32)[:, None] + 0.5) / frames
    fall = 1 - rise
    if not alike:
        rise, fall = np.sin(np.pi / 2 * rise), np.sin(np.pi / 2 * fall)
    mixed = before[len(before) - frames :] * fall + after[:frames] * rise
    return np.concatenate([before[: len(before) - frames], mixed, after[frames:]]).astype(np.float32)
