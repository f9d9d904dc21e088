"""Paints every part's mel spectrogram out of noise.

The renderer is shown the instrument: recordings of single notes, laid out as the score asks, are the sketch that it
refines. Each part is cut into overlapping windows. A window starts from the noise of its own place, is denoised
knowing only its own notes (and what still rings), and joins its neighbours by a crossfade: the same window gives the
same frames whatever is rendered beside it, which is what lets an edit touch only what it must.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from noisician.cache import NO_CACHE, ArrayCache, NoCache, key_of
from noisician.diffusion.flow import euler, shift_for, shifted_times
from noisician.diffusion.noise import NoiseField
from noisician.diffusion.windows import WindowPlan, join
from noisician.mel import LOG_FLOOR, MEL_BANDS, SAMPLE_RATE_HZ
from noisician.parallel import Steps, map_in_order
from noisician.renderer.conditions import MEL_MEAN, MEL_STD, marking_notes, note_roll
from noisician.renderer.kit import side_of
from noisician.renderer.preview import Canvas, Preview
from noisician.renderer.references import References
from noisician.renderer.sketch import Heard, Sketcher
from noisician.renderer.traits import traits
from noisician.score.played import NoteEvent
from noisician.styles import Instrument
from noisician.weights import Network, manifest, open_network

SILENCE = float(np.log(LOG_FLOOR))
OVERLAP_FRAMES = 64
FADE_FRAMES = 40
#: Instruments whose moved and blended notes are kept ready.
SKETCHERS_AT_HAND = 16


@dataclass(frozen=True)
class Part:
    """What one player plays on what. ``noise`` is its own, by mel frame: the same noise gives the same take."""

    instrument: Instrument
    references: References
    notes: tuple[NoteEvent, ...]
    noise: NoiseField


@dataclass(frozen=True)
class RenderSettings:
    """``last_time`` is the t of the last evaluation: the later it comes, the more texture the sound gets.

    The sketch says most of what there is to decide: two to six steps are equally far from the truth and equally rough.
    """

    steps: int = 2
    last_time: float = 0.2


@dataclass(frozen=True)
class _Laid:
    """A part and what there is to hear of it."""

    part: Part
    sketcher: Sketcher
    heard: tuple[Heard, ...]

    @property
    def is_painted(self) -> bool:
        """Noises are kept frame by frame: their sketch is their sound, and there is nothing to learn of how to play."""
        return self.part.references.kind != "noise"

    def sounds(self, first: int, frames: int) -> bool:
        """Whether a window hears anything; silence need not be painted."""
        return any(one.within(first, frames) for one in self.heard)


@dataclass(frozen=True)
class _Job:
    """One window of one part."""

    part: int
    window: int


class Renderer:
    """Holds the network; renders any number of parts."""

    def __init__(self, network: Network | None = None) -> None:
        # One thread a call: windows are painted side by side on all cores instead.
        self._network = network or open_network("renderer", threads=1)
        self._identity = manifest()["renderer"]["sha256"] if network is None else f"network {id(network)}"
        config = manifest()["renderer"]["config"]
        self.window_frames: int = config["frames_per_token"] * config["window_tokens"]
        self._sketchers: OrderedDict[str, Sketcher] = OrderedDict()
        self._lock = Lock()

    def plan(self, frames: int) -> WindowPlan:
        return WindowPlan(frames, self.window_frames, OVERLAP_FRAMES)

    def render(
        self,
        parts: Sequence[Part],
        frames: int,
        settings: RenderSettings,
        on_step: Callable[[float], None] = lambda share: None,
        preview: Preview | None = None,
        cache: ArrayCache = NO_CACHE,
    ) -> list[np.ndarray]:
        """Log-mels ``[frames, 128]``, one a part. ``on_step`` hears the share done and may raise to cancel.

        ``preview`` shows the windows while they clear up; it has to be as long as ``frames``. Windows that ``cache``
        has are not painted again.
        """
        plan = self.plan(frames)
        preview = preview or Preview(frames)
        laid = [self._laid(part) for part in parts]
        jobs = [
            _Job(part, window)
            for part in range(len(parts))
            for window in range(plan.count)
            if laid[part].is_painted and laid[part].sounds(plan.start(window), plan.length)
        ]
        silence = np.full((plan.count, plan.length, MEL_BANDS), SILENCE, np.float32)
        windows = {number: silence.copy() for number, one in enumerate(laid) if one.is_painted}
        keys = (
            {}
            if isinstance(cache, NoCache)
            else {job: self._key(laid[job.part], plan.start(job.window), settings) for job in jobs}
        )
        for job, key in keys.items():
            kept = cache.get(key)
            if kept is not None:
                windows[job.part][job.window] = kept
                jobs.remove(job)
        steps = Steps(len(jobs) * settings.steps, on_step)
        if not jobs:
            on_step(1.0)

        def paint(job: _Job) -> np.ndarray:
            canvas = preview.canvas(plan, [job.window])
            return self._paint(laid[job.part], plan.start(job.window), settings, steps, canvas)

        for job, mel in zip(jobs, map_in_order(paint, jobs, steps), strict=True):
            windows[job.part][job.window] = mel
            if job in keys:
                cache.put(keys[job], mel.copy())
        return [
            _hush(join(windows[number], plan), one.heard) if one.is_painted else one.sketcher.lay_out(one.heard, frames)
            for number, one in enumerate(laid)
        ]

    def side(
        self,
        part: Part,
        samples: np.ndarray,
        pans: Mapping[int, float],
        on_piece: Callable[[float], None] = lambda share: None,
        cache: ArrayCache = NO_CACHE,
    ) -> np.ndarray:
        """What lies between left and right of a kit's ``samples [n]``, see :mod:`noisician.renderer.kit`."""
        laid = self._laid(part)
        return side_of(samples, laid.sketcher, laid.heard, pans, part.references.identity, cache, on_piece)

    def changed_windows(
        self, before: tuple[Part | None, int, RenderSettings], after: tuple[Part, int, RenderSettings]
    ) -> list[tuple[int, int, bool]]:
        """(first frame, last + 1, whether it has to be painted) of the windows that differ between two parts.

        Both are (part, frames, settings); None is a part that was not there. A window that falls silent differs, and
        so does one of a noise, whose sketch is its sound: nothing has to be painted for them.
        """
        part, old_frames, old_settings = before
        old = None if part is None else self._laid(part)
        new, frames, settings = self._laid(after[0]), *after[1:]
        plan, old_plan = self.plan(frames), self.plan(old_frames)
        changed = []
        for window in range(plan.count):
            first = plan.start(window)
            sounds = new.sounds(first, plan.length)
            sounded = old is not None and window < old_plan.count and old.sounds(first, plan.length)
            if not sounds and not sounded:
                continue
            if sounds != sounded or self._key(old, first, old_settings) != self._key(new, first, settings):  # type: ignore[arg-type]
                changed.append((first, first + plan.length, sounds and new.is_painted))
        return changed

    def _laid(self, part: Part) -> _Laid:
        sketcher = self._sketcher(part.references)
        return _Laid(part, sketcher, tuple(sketcher.heard(_playable(part))))

    def _sketcher(self, references: References) -> Sketcher:
        """The sketcher of an instrument, with all it has prepared, or a new one in the place of the least used."""
        with self._lock:
            sketcher = self._sketchers.pop(references.identity, None) or Sketcher(references)
            self._sketchers[references.identity] = sketcher
            if len(self._sketchers) > SKETCHERS_AT_HAND:
                self._sketchers.popitem(last=False)
            return sketcher

    def _key(self, laid: _Laid, first: int, settings: RenderSettings) -> str:
        """Names all that a window's frames depend on."""
        part, frames = laid.part, self.window_frames
        return key_of(
            "mel",
            self._identity,
            part.references.identity,
            traits(part.instrument),
            marking_notes(part.notes, frames, first),
            [one.seen_from(first, frames) for one in laid.heard if one.within(first, frames)],
            first,
            part.noise.named(first, frames),
            settings,
        )

    def _paint(self, laid: _Laid, first: int, settings: RenderSettings, steps: Steps, canvas: Canvas) -> np.ndarray:
        """The log-mel ``[window_frames, 128]`` of a part from a frame on.

        Always alone: the arithmetic is then the same for every window. More at a time make each only a twenty-fifth
        cheaper, and an edit of one note would have to wait for all of them.
        """
        conditions = self._conditions(laid, first)
        noise = laid.part.noise.rows(first, self.window_frames, MEL_BANDS)[None]

        def denoise(x: np.ndarray, t: float) -> np.ndarray:
            canvas.show(x)
            return self._network(mel_t=x, t=np.full(1, t, np.float32), **conditions)[0]

        clean = euler(
            denoise,
            noise,
            shifted_times(settings.steps, shift_for(settings.steps, settings.last_time)),
            lambda done: steps(),
        )
        painted = np.maximum(clean * MEL_STD + MEL_MEAN, SILENCE).astype(np.float32)
        canvas.finish(painted)
        return painted[0]

    def _conditions(self, laid: _Laid, first: int) -> dict[str, np.ndarray]:
        """What the network is told about a window, a batch of one."""
        part, frames = laid.part, self.window_frames
        sketch = laid.sketcher.lay_out(laid.heard, frames, first)
        return {
            "sketch": ((sketch - np.float32(MEL_MEAN)) / np.float32(MEL_STD))[None],
            "roll": note_roll(part.notes, frames, first)[None],
            "traits": traits(part.instrument)[None],
        }


def attacks_of(part: Part) -> list[tuple[int, np.ndarray]]:
    """The sample at which each note of a kit begins and how it was recorded to begin, ascending; empty for others."""
    found = [
        (round(note.start_s * SAMPLE_RATE_HZ), part.references.attack_of(note.pitch, note.velocity))
        for note in sorted(_playable(part), key=lambda note: (note.start_s, note.pitch))
    ]
    return [(start, attack) for start, attack in found if attack is not None]


def _playable(part: Part) -> Sequence[NoteEvent]:
    """The notes as the instrument can play them: a piece that a kit lacks is struck on the piece of the nearest key."""
    keys = part.references.keys
    if part.references.kind != "drum" or len(keys) == 0:
        return part.notes
    return [replace(note, pitch=int(keys[np.argmin(np.abs(keys - note.pitch))])) for note in part.notes]


def _hush(log_mel: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
    """Silence where nothing is to be heard. What rings fades out over its last FADE_FRAMES, so that nothing is cut."""
    level = _level(heard, len(log_mel))[:, None].astype(np.float32)
    return SILENCE + level * (log_mel - np.float32(SILENCE))


def _level(heard: Sequence[Heard], frames: int) -> np.ndarray:
    """``[frames]``: 0 in silence, 1 where something sounds, a line from one to the other before each silence.

    It begins no earlier than half-way from the latest onset before the silence, or short hits would fade from their
    first frame on. A part that sounds to its end never fades.
    """
    sounding, latest = np.zeros(frames + 1, bool), np.zeros(frames + 1, int)
    for one in heard:
        first, last = max(0, one.first), max(0, one.last)
        sounding[first:last] = True
        latest[first : first + 1] = first
    latest = np.maximum.accumulate(latest)
    sounding[frames] = sounding[frames - 1] if frames else False
    level = sounding[:frames].astype(np.float64)
    for end in np.flatnonzero(sounding[:-1] & ~sounding[1:]) + 1:
        length = min(FADE_FRAMES, max(1, (end - latest[end - 1]) // 2))
        first = max(0, end - length)
        level[first:end] = np.minimum(level[first:end], (end - np.arange(first, end)) / length)
    return level
