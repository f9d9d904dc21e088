"""Paints every part's mel spectrogram out of noise.

Each part is cut into overlapping windows. A window starts from the noise of its own place, is denoised knowing only
its own notes (and what still rings), and joins its neighbours by a crossfade: the same window gives the same frames
whatever is rendered beside it, which is what lets an edit touch only what it must.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.cache import NO_CACHE, ArrayCache, NoCache, key_of
from noisician.diffusion.flow import euler, guided, shift_for, shifted_times
from noisician.diffusion.noise import NoiseField
from noisician.diffusion.windows import WindowPlan, join
from noisician.mel import FRAME_RATE_HZ, LOG_FLOOR, MEL_BANDS
from noisician.parallel import Steps, map_in_order
from noisician.renderer.conditions import FEATURES, MEL_MEAN, MEL_STD, RINGING_S, marking_notes, note_roll
from noisician.renderer.preview import Canvas, Preview
from noisician.score.played import NoteEvent
from noisician.styles import TIMBRE_TAGS, Instrument
from noisician.weights import Network, manifest, open_network

SILENCE = float(np.log(LOG_FLOOR))
OVERLAP_FRAMES = 64
FADE_FRAMES = 40
#: Windows denoised together, always this many: the arithmetic is then the same for every window.
BATCH = 4
#: Guidance acts while there is structure to decide; outside it would only burn.
GUIDANCE_INTERVAL = (0.2, 0.9)


@dataclass(frozen=True)
class Part:
    """What one player plays. ``noise`` is its own, by mel frame: the same noise gives the same take."""

    instrument: Instrument
    notes: tuple[NoteEvent, ...]
    timbre_tags: tuple[str, ...]
    noise: NoiseField


@dataclass(frozen=True)
class RenderSettings:
    """``last_time`` is the t of the last evaluation: the later it comes, the more texture the sound gets."""

    steps: int = 6
    guidance_scale: float = 1.0
    last_time: float = 0.32


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
        jobs = [
            _Job(part, window)
            for part in range(len(parts))
            for window in range(plan.count)
            if _sounds(parts[part], plan, window)
        ]
        silence = np.full((plan.count, plan.length, MEL_BANDS), SILENCE, np.float32)
        windows = [silence.copy() for _ in parts]
        keys = (
            {}
            if isinstance(cache, NoCache)
            else {job: self._key(parts[job.part], plan.start(job.window), settings) for job in jobs}
        )
        for job, key in keys.items():
            kept = cache.get(key)
            if kept is not None:
                windows[job.part][job.window] = kept
                jobs.remove(job)
        batches = [jobs[first : first + BATCH] for first in range(0, len(jobs), BATCH)]
        steps = Steps(len(batches) * settings.steps, on_step)
        if not jobs:
            on_step(1.0)

        def paint(batch: Sequence[_Job]) -> np.ndarray:
            places = [(parts[job.part], plan.start(job.window)) for job in batch]
            return self._paint(places, settings, steps, preview.canvas(plan, [job.window for job in batch]))

        for batch, painted in zip(batches, map_in_order(paint, batches, steps), strict=True):
            for job, mel in zip(batch, painted, strict=False):
                windows[job.part][job.window] = mel
                if job in keys:
                    cache.put(keys[job], mel.copy())
        return [_hush(join(made, plan), part) for made, part in zip(windows, parts, strict=True)]

    def changed_windows(
        self, before: tuple[Part | None, int, RenderSettings], after: tuple[Part, int, RenderSettings]
    ) -> list[tuple[int, int, bool]]:
        """(first frame, last + 1, whether it has to be painted) of the windows that differ between two parts.

        Both are (part, frames, settings); None is a part that was not there. A window that falls silent differs, and
        nothing has to be painted for it.
        """
        old, old_frames, old_settings = before
        new, frames, settings = after
        plan, old_plan = self.plan(frames), self.plan(old_frames)
        changed = []
        for window in range(plan.count):
            first, sounds = plan.start(window), _sounds(new, plan, window)
            sounded = old is not None and window < old_plan.count and _sounds(old, old_plan, window)
            if not sounds and not sounded:
                continue
            if sounds != sounded or self._key(old, first, old_settings) != self._key(new, first, settings):  # type: ignore[arg-type]
                changed.append((first, first + plan.length, sounds))
        return changed

    def _key(self, part: Part, first: int, settings: RenderSettings) -> str:
        """Names all that a window's frames depend on."""
        frames = self.window_frames
        return key_of(
            "mel",
            self._identity,
            part.instrument.index,
            [tag in part.timbre_tags for tag in TIMBRE_TAGS],
            marking_notes(part.notes, frames, first),
            first,
            part.noise.named(first, frames),
            settings,
        )

    def _paint(
        self, jobs: Sequence[tuple[Part, int]], settings: RenderSettings, steps: Steps, canvas: Canvas
    ) -> np.ndarray:
        """Log-mels ``[BATCH, window_frames, 128]`` of (part, first frame) pairs."""
        jobs = [*jobs, *[jobs[-1]] * (BATCH - len(jobs))]
        frames = self.window_frames
        conditions = {
            "roll": np.stack([note_roll(part.notes, frames, first) for part, first in jobs]),
            "instrument": np.array([part.instrument.index for part, _ in jobs], np.int64),
            "articulations": np.array(
                [[tag in part.timbre_tags for tag in TIMBRE_TAGS] for part, _ in jobs], np.float32
            ),
        }
        noise = np.stack([part.noise.rows(first, frames, MEL_BANDS) for part, first in jobs])

        def denoise(x: np.ndarray, t: float, cond_mask: float) -> np.ndarray:
            everywhere = np.full(BATCH, t, np.float32), np.full(BATCH, cond_mask, np.float32)
            return self._network(mel_t=x, t=everywhere[0], known=everywhere[1], **conditions)[0]

        model = guided(
            lambda x, t: denoise(x, t, 1.0), lambda x, t: denoise(x, t, 0.0), settings.guidance_scale, GUIDANCE_INTERVAL
        )

        def shown(x: np.ndarray, t: float) -> np.ndarray:
            canvas.show(x)
            return model(x, t)

        clean = euler(
            shown,
            noise,
            shifted_times(settings.steps, shift_for(settings.steps, settings.last_time)),
            lambda done: steps(),
        )
        painted = np.maximum(clean * MEL_STD + MEL_MEAN, SILENCE).astype(np.float32)
        canvas.finish(painted)
        return painted


def _sounds(part: Part, plan: WindowPlan, window: int) -> bool:
    """Whether anything sounds or rings in a window; silence need not be painted."""
    first_s = plan.start(window) / FRAME_RATE_HZ
    last_s = (plan.start(window) + plan.length) / FRAME_RATE_HZ
    return any(note.start_s < last_s and note.end_s + RINGING_S > first_s for note in part.notes)


def _hush(log_mel: np.ndarray, part: Part) -> np.ndarray:
    """Silence where the score is silent: before the first note, and once the last one's ringing is over.

    The ringing fades out over its last FADE_FRAMES, so that a long cymbal is not cut off.
    """
    roll = note_roll(part.notes, len(log_mel)).reshape(len(log_mel), 3, FEATURES // 3)
    sounding: np.ndarray = np.any(roll[:, 1:] > 0, axis=(1, 2))
    before = np.zeros_like(sounding)
    before[:-1] = sounding[1:]  # the frame before an onset already holds the attack's first samples
    level = np.minimum(1, _frames_left(sounding | before) / FADE_FRAMES)[:, None].astype(np.float32)
    return SILENCE + level * (log_mel - np.float32(SILENCE))


def _frames_left(sounding: np.ndarray) -> np.ndarray:
    """How many frames until the next silence (0 in it); a part that sounds to its end never fades."""
    left = np.empty(len(sounding))
    count = np.inf
    for frame in range(len(sounding) - 1, -1, -1):
        count = count + 1 if sounding[frame] else 0
        left[frame] = count
    return left
