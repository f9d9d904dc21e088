"""A checkpoint as a model like any other: it checks, samples, extends, sets the level and writes the recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from noisician.audio import resample
from noisician.edits import Edit
from noisician.errors import FileError, RequestError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.mix import level
from noisician.models.checkpoints import placement as places
from noisician.models.checkpoints import store
from noisician.models.checkpoints.catalogue import COMMON_FEATURES, CheckpointInfo, with_feature
from noisician.models.checkpoints.editing import (
    ORIGIN,
    AudioStep,
    Ground,
    edited_recipe,
    edits_in,
    steps_of,
    with_seeds,
)
from noisician.models.checkpoints.extend import Source, can_extend, crossfade, extended
from noisician.models.checkpoints.family import Family, Job, OnStep
from noisician.models.checkpoints.pipelines import quietly
from noisician.models.checkpoints.stretches import keep_outside
from noisician.models.checkpoints.wording import negative_of, song_of, words_of
from noisician.models.inputs import check_same
from noisician.models.protocol import (
    AudioInput,
    AudioInputs,
    Capabilities,
    CheckedRequest,
    EditOutlook,
    MusicModel,
    Others,
    Run,
    no_others,
)
from noisician.models.support import check_duration, check_request
from noisician.music import Music
from noisician.prompt import Controls
from noisician.recipe import Recipe
from noisician.request import BEATS_PER_BAR, DURATION_RANGE_S, Request

#: What each stage costs, roughly, for an honest progress bar.
STAGE_WEIGHTS = {"loading": 1.0, "sampling": 8.0, "finishing": 0.5}
DEFAULT_DURATION_S = 30.0
DEFAULT_STRENGTH = 0.7
#: What of an edit's work is making the music that it starts from.
_REPLAY_SHARE = 0.5


@dataclass(frozen=True)
class Wish:
    """Where to run, as far as somebody said."""

    device: str | None = None
    dtype: str | None = None


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory. ``fingerprint`` says which weights; ``floats`` how many numbers they are."""

    family: Family
    placement: places.Placement
    fingerprint: str
    floats: int


Spans = tuple[tuple[float, float], ...]
Load = Callable[[CheckpointInfo, Path, Wish], Loaded]


@dataclass(frozen=True)
class _Sampled:
    """``raw`` ``[frames, channels]`` before its level is set; ``finish`` reports that."""

    raw: np.ndarray
    job: Job
    loaded: Loaded
    finish: Callable[[float], None]


class CheckpointModel(MusicModel):
    """Loads its checkpoint when it is first asked for music. Not for use by two threads at once."""

    def __init__(self, info: CheckpointInfo, folder: Path | None, load: Load) -> None:
        self.info = info
        self._folder = folder
        self._load = load

    @property
    def capabilities(self) -> Capabilities:
        """As the catalogue has them, without loading; a folder's may turn out fewer when it is loaded."""
        low, high = self.info.duration_range_s or DURATION_RANGE_S
        one_call = Capabilities(
            self.info.name,
            self.info.features,
            (low, high),
            self.info.sample_rate_hz or SAMPLE_RATE_HZ,
            self.info.licence,
        )
        return self._widened(one_call)

    def generate(self, asked: CheckedRequest, run: Run = Run()) -> Music:
        """Samples and finishes; there are no stems. Raises RequestError, WeightsError or Cancelled."""
        return self._make(asked.request, asked.controls, Wish(asked.request.device, asked.request.dtype), run)

    def replay(self, recipe: Recipe, run: Run = Run()) -> Music:
        """The samples of a recipe, in its precision and, if it is here, on its device.

        Raises FileError where an audio input is not the one the recipe was made from.
        """
        edited = edits_in(recipe)
        if edited is not None:
            base, edits = edited
            steps = self._steps(base, edits)
            music = self.replay(base, run.part(0, _REPLAY_SHARE))
            return replace(self._edited(music, steps, run.part(_REPLAY_SHARE, 1)), recipe=recipe)
        check_same(run.inputs, dict(recipe.settings.get("clips", {})))
        request = recipe.request.model_copy(update={"seed": recipe.seed})
        return replace(self._make(request, _controls_in(recipe), _wish_of(recipe), run), recipe=recipe)

    def edit(self, recipe: Recipe, edits: Sequence[Edit], run: Run = Run(), others: Others = no_others) -> Music:
        """The recipe's music with stretches made anew, varied or added; what lies outside them keeps its samples.

        The recipe holds what it was before and the edits. Raises RequestError for what a checkpoint cannot do.
        """
        seeded = with_seeds(edits, recipe)
        steps = self._steps(recipe, seeded)
        music = self.replay(recipe, run.part(0, _REPLAY_SHARE))
        edited = self._edited(music, steps, run.part(_REPLAY_SHARE, 1))
        return replace(edited, recipe=edited_recipe(recipe, seeded, steps[-1].duration_s))

    def outlook(self, recipe: Recipe, edits: Sequence[Edit], others: Others = no_others) -> EditOutlook:
        """Where :meth:`edit` would sample, in seconds of the music after each edit; errors as there."""
        steps = self._steps(recipe, edits)
        spans = tuple(span for step in steps for span in step.spans)
        words = tuple(edit.words() for edit in edits)
        return EditOutlook(words, {}, {self.info.name: spans}, merged(spans))

    def _steps(self, recipe: Recipe, edits: Sequence[Edit]) -> tuple[AudioStep, ...]:
        steps = steps_of(edits, Ground.of(recipe, self.capabilities))
        for step in steps:
            check_duration(step.duration_s, self.capabilities)
        return steps

    def _edited(self, music: Music, steps: Sequence[AudioStep], run: Run) -> Music:
        audio, rate = music.audio, music.sample_rate_hz
        for number, step in enumerate(steps):
            start = step.placed(audio, rate)
            inputs = replace(run.inputs, init_audio=AudioInput(start, rate, ORIGIN), morph_audio=None)
            part = replace(run.part(number / len(steps), (number + 1) / len(steps)), inputs=inputs)
            controls = step.controls(_controls_in(music.recipe))
            made = self._sampled(step.request(music.recipe.request), controls, _wish_of(music.recipe), part)
            levelled = level(made.raw, rate, loop=step.loop)
            audio = step.unplaced(keep_outside(levelled, start, step.spans, rate))
            made.finish(1.0)
        return replace(music, audio=audio)

    def _widened(self, one_call: Capabilities) -> Capabilities:
        """What may be asked for: any length, where one call can be extended."""
        low, high = one_call.duration_range_s
        longest_s = max(high, DURATION_RANGE_S[1]) if can_extend(one_call) else high
        return replace(
            one_call,
            name=self.info.name,
            features=one_call.features | COMMON_FEATURES,
            duration_range_s=(low, min(longest_s, DURATION_RANGE_S[1])),
            licence=self.info.licence,
        )

    def _make(self, request: Request, controls: Controls, wish: Wish, run: Run) -> Music:
        made = self._sampled(request, controls, wish, run)
        rate = made.loaded.family.capabilities.sample_rate_hz
        audio = level(made.raw, rate, loop=request.loop)
        made.finish(1.0)
        recipe = self._recipe(request, controls, made.job, made.loaded, run.inputs)
        return Music(audio, recipe, sample_rate_hz=rate)

    def _sampled(self, request: Request, controls: Controls, wish: Wish, run: Run) -> _Sampled:
        """Loads and samples. Raises RequestError, WeightsError or Cancelled."""
        stages, inputs = run.stages(STAGE_WEIGHTS), run.inputs
        check_duration(duration_of(request, controls, inputs, self.capabilities), self.capabilities)
        report = stages.reporter("loading")
        if self._folder is None:
            raise store.missing(self.info)
        with quietly():
            loaded = self._load(self.info, self._folder, wish)
        report(1.0)
        family = loaded.family
        exact = self._widened(family.capabilities)
        check_request(request, exact, with_feature)
        duration_s = duration_of(request, controls, inputs, family.capabilities)
        check_duration(duration_s, exact)
        job = job_of(request, controls, duration_s, family.capabilities)
        source = source_of(inputs, family, duration_s, bool(request.repaint))
        job = completed(job, inputs, family)
        with quietly(), places.memory_advice(loaded.placement, loaded.floats):
            raw = extended(job, source, family.capabilities, _exactly(family), stages.reporter("sampling"))
        finish = stages.reporter("finishing")
        rate = family.capabilities.sample_rate_hz
        if job.repaint and source.init is not None:
            raw = keep_outside(raw, source.init, job.repaint, rate)
        _check_finite(raw, loaded.placement)
        return _Sampled(raw, job, loaded, finish)

    def _recipe(self, request: Request, controls: Controls, job: Job, loaded: Loaded, inputs: AudioInputs) -> Recipe:
        info, placement = self.info, loaded.placement
        settings: dict[str, Any] = {
            "family": info.family,
            "hub_id": info.hub_id,
            "licence": info.licence,
            "restricted": info.restricted,
            "duration_s": job.duration_s,
            "steps": job.steps,
            "guidance_scale": job.guidance_scale,
            "preset": job.preset,
            "strength": job.strength,
            "device": placement.device,
            "dtype": placement.dtype,
            "clips": inputs.digests(),
        }
        return Recipe(
            request=request,
            seed=job.seed,
            controls=controls.model_dump(mode="json"),
            models={info.name: loaded.fingerprint[:16]},
            settings=settings,
        )


def _controls_in(recipe: Recipe) -> Controls:
    """What a recipe's request was taken to mean. Raises FileError."""
    try:
        return Controls.model_validate(recipe.controls)
    except ValidationError:
        raise FileError("the recipe's controls are incomplete; it was cut or edited") from None


def _wish_of(recipe: Recipe) -> Wish:
    """In a recipe's precision and, if it is here, on its device."""
    device = recipe.settings.get("device")
    return Wish(device if device and places.is_present(device) else None, recipe.settings.get("dtype"))


def duration_of(request: Request, controls: Controls, inputs: AudioInputs, one_call: Capabilities) -> float:
    """How long the music is to be: as said, else as the audio it starts from, else half a minute if that can be made.

    Raises RequestError for bars without a tempo.
    """
    low, high = one_call.duration_range_s
    if controls.duration_s is not None:
        return controls.duration_s
    if controls.bars is not None and controls.tempo_bpm is not None:
        beats = controls.bars * BEATS_PER_BAR[controls.time_signature or "4/4"]
        return beats * 60 / controls.tempo_bpm
    if request.bars is not None:
        raise RequestError(f"{request.bars} bars are no length without a tempo here: add --bpm, or give --length")
    if inputs.init_audio is not None:
        return max(low, inputs.init_audio.duration_s)
    return max(low, min(DEFAULT_DURATION_S, high))


def job_of(request: Request, controls: Controls, duration_s: float, capabilities: Capabilities) -> Job:
    """The whole piece as one job, without the audio it starts from. Raises RequestError for spans beyond its end."""
    assert request.seed is not None
    starts = request.init_audio is not None or request.guide
    strength = request.strength
    if strength is None and starts and not request.repaint and request.morph_audio is None:
        strength = DEFAULT_STRENGTH
    return Job(
        prompt=words_of(request, controls, capabilities.features),
        duration_s=duration_s,
        seed=request.seed,
        negative_prompt=negative_of(request),
        steps=request.steps,
        guidance_scale=request.guidance_scale,
        preset=request.preset or "reference",
        song=song_of(request, controls, capabilities.features),
        strength=strength,
        repaint=_within(request.repaint, duration_s),
        morph_prompt=request.morph_prompt,
        morph=(0.0, 1.0) if request.morph is None else (request.morph, request.morph),
    )


def completed(job: Job, inputs: AudioInputs, family: Family) -> Job:
    """The job with the audio that no stretch cuts up, and with what lies beyond the end of the audio it repaints."""
    rate = family.capabilities.sample_rate_hz
    if inputs.reference_audio is not None:
        job = replace(job, reference=converted(inputs.reference_audio, rate, family.channels))
    given = inputs.init_audio
    if job.repaint and given is not None and given.duration_s < job.duration_s:
        job = replace(job, repaint=merged((*job.repaint, (given.duration_s, job.duration_s))))
    return job


def source_of(inputs: AudioInputs, family: Family, duration_s: float, repaint: bool) -> Source:
    """What the music starts from, at the family's rate and channels, as long as the music.

    What is to be repainted is filled up with silence; what is to be varied begins again.
    """
    rate = family.capabilities.sample_rate_hz
    frames = round(duration_s * rate)

    def fitting(given: AudioInput | None) -> np.ndarray | None:
        if given is None:
            return None
        return fitted(converted(given, rate, family.channels), frames, rate, repeat=not repaint)

    return Source(fitting(inputs.init_audio), fitting(inputs.morph_audio))


def converted(given: AudioInput, rate_hz: int, channels: int) -> np.ndarray:
    """``[frames, channels]`` float32 of an audio input; more channels than two are mixed down."""
    audio = given.audio
    if audio.shape[1] != channels:
        audio = np.repeat(audio.mean(axis=1, keepdims=True, dtype=np.float32), channels, axis=1)
    return np.ascontiguousarray(resample(audio, given.sample_rate_hz, rate_hz), np.float32)


def fitted(audio: np.ndarray, frames: int, rate_hz: int, *, repeat: bool) -> np.ndarray:
    """Exactly ``frames``: cut, or continued by the same again or by silence."""
    if not repeat and len(audio) < frames:
        return np.pad(audio, ((0, frames - len(audio)), (0, 0)))
    fade = min(round(0.02 * rate_hz), len(audio) // 4)
    once = audio
    while len(audio) < frames:
        audio = crossfade(audio, once, fade, alike=False)
    return audio[:frames]


def merged(spans: Spans) -> Spans:
    """Spans in order, those that touch as one."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def _within(spans: Spans, duration_s: float) -> Spans:
    for start_s, end_s in spans:
        if start_s >= duration_s:
            raise RequestError(f"repaint {start_s:g}-{end_s:g} s begins after the end of the music at {duration_s:g} s")
    return merged(tuple((start_s, min(end_s, duration_s)) for start_s, end_s in spans))


def _exactly(family: Family) -> Callable[[Job, OnStep], np.ndarray]:
    """The family's samples, held to the length and channels it promises."""
    rate = family.capabilities.sample_rate_hz

    def sample(job: Job, on_step: OnStep) -> np.ndarray:
        made = family.sample(job, on_step)
        expected = (round(job.duration_s * rate), family.channels)
        if made.shape != expected:
            raise ValueError(f"{type(family).__name__} made {made.shape} samples, {expected} were asked for")
        return made

    return sample


def _check_finite(raw: np.ndarray, placement: places.Placement) -> None:
    if not np.isfinite(raw).all():
        advice = "; try --dtype float32" if placement.dtype != "float32" else "; its weights may be damaged"
        raise RequestError(
            f"the checkpoint made samples that are not numbers, in {placement.dtype} on {placement.device}{advice}"
        )
