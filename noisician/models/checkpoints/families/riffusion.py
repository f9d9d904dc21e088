"""Riffusion (Forsgren and Martiros 2022): Stable Diffusion that paints spectrograms, 5.12 s of mono at a time.

Text alone, no longer than one image, in the preset "reference" is diffusers' own call. Everything else runs in the loop
below. For one image, and samplers that add no noise of their own, it is diffusers' image-to-image and inpainting calls
bit for bit; it goes on where they end:

* Longer music is one wide canvas of latents. At every step overlapping windows, each as wide as one image, are
  denoised and averaged (MultiDiffusion, Bar-Tal et al. 2023, arXiv:2302.08113), so all windows agree before there is a
  picture. Continuing image by image would repeat each one's faults in the next, and 5.12 s images joined afterwards
  have a seam wherever their beats differ. Pictures are joined before phases are found, so no wave is cut.
* A journey between prompts gives each window the words of its place on the way, and the noise of each column is
  interpolated on the sphere between two seeds.
* Repainting finds the new phases next to the samples that stay.

The safety checker of Stable Diffusion is never loaded: it was trained on photographs, and where it took a spectrogram
for one it would return a black image, which here is full-scale noise.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from noisician.audio import db_to_gain
from noisician.errors import RequestError, WeightsError
from noisician.models.checkpoints.families.inversion import between
from noisician.models.checkpoints.family import Job, OnStep
from noisician.models.checkpoints.pipelines import from_folder, pipeline_class
from noisician.models.checkpoints.placement import settle
from noisician.models.checkpoints.speed import Economy
from noisician.models.checkpoints.stretches import check_job, frame_count, keep_outside
from noisician.models.protocol import Capabilities
from noisician.models.spectrogram_image import (
    DEFAULT_MAX_VALUE,
    Decoding,
    SpectrogramParams,
    decode,
    encode,
)
from noisician.request import DURATION_RANGE_S

if TYPE_CHECKING:
    from noisician.models.checkpoints.catalogue import CheckpointInfo
    from noisician.models.checkpoints.placement import Placement

#: On a mixture of Gaussians with known slopes, Stable Diffusion's noise levels and guidance 7.5 the result is this far
#: (median, share of its norm) from the limit of many steps: "reference" 0.5 %, "balanced" the same, "fast" 1.0 %. The
#: passes through the network are 102, 92 and 36. Leaving guidance out of the first tenth would triple the error, and
#: without Karras' noise levels 20 steps would err by 5 %.
ECONOMIES = MappingProxyType(
    {
        "reference": Economy(),
        "balanced": Economy(guided=(0.0, 0.8)),
        "fast": Economy(steps=20, few_step_solver=True, guided=(0.0, 0.8)),
    }
)
#: The call's own defaults.
STEPS = 50
GUIDANCE_SCALE = 7.5
#: How much of ``init`` goes where a job does not say: the authors' own.
STRENGTH = 0.75
#: Widths are rounded up to this, as the authors do.
WIDTH_MULTIPLE_PX = 32
#: Neighbouring windows share at least this much of their width.
OVERLAP_SHARE = 0.375
#: A journey between prompts passes at least this many places, however short the music.
FEWEST_PLACES = 5
#: The largest sample of music made of words alone; images do not say how loud they are.
PEAK_DB = -0.1
#: Sound on each side of a repainted stretch that its phases are fitted to.
CONTEXT_S = 0.5
#: Share of the work that is sampling; the rest is turning the picture into sound.
SAMPLING_SHARE = 0.8


@dataclass(frozen=True)
class _View:
    """One window of the canvas, in latent columns: the words asked of it and how much each of its columns counts."""

    start: int
    weight: torch.Tensor
    words: torch.Tensor

    @property
    def columns(self) -> slice:
        return slice(self.start, self.start + len(self.weight))


@dataclass(frozen=True)
class _Run:
    """One denoising: everything but the latents as they change. ``against`` are the words to go away from."""

    job: Job
    economy: Economy
    scheduler: Any
    views: Sequence[_View]
    against: torch.Tensor | None
    scale: float
    generator: torch.Generator
    on_step: OnStep


@dataclass(frozen=True)
class _Start:
    """Noisy latents ``[1, channels, height, width]`` and the timesteps left to go.

    Where ``new`` ``[width]`` is 0, every step puts ``known`` back, noised to that step's level by ``noise``.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    known: torch.Tensor | None = None
    new: torch.Tensor | None = None


class Riffusion:
    """One loaded checkpoint. Not for use by two threads at once."""

    def __init__(self, pipe: Any, placement: Placement, source: CheckpointInfo) -> None:
        config = pipe.unet.config
        if config.in_channels != pipe.vae.config.latent_channels or not isinstance(config.sample_size, int):
            raise WeightsError(
                f"{source.name}: its UNet takes {config.in_channels} channels of {config.sample_size} latents, not "
                f"{pipe.vae.config.latent_channels} of a square image; it is no text-to-spectrogram checkpoint"
            )
        self._pipe, self._device, self._source = pipe, placement.device, source
        self._factor = int(pipe.vae_scale_factor)
        self._window = int(config.sample_size)
        self._params = SpectrogramParams(frequencies=self._window * self._factor)

    @cached_property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name=self._source.name,
            features=frozenset({"text", "negative_prompt", "init_audio", "repaint", "morph_prompt"}),
            duration_range_s=DURATION_RANGE_S,
            sample_rate_hz=self._params.sample_rate_hz,
            licence=self._source.licence,
        )

    @property
    def channels(self) -> int:
        return self._params.channels

    def sample(self, job: Job, on_step: OnStep) -> np.ndarray:
        """See :meth:`noisician.models.checkpoints.family.Family.sample`."""
        rate = self._params.sample_rate_hz
        check_job(job, self.capabilities.duration_range_s, self.channels, rate)
        for name, clip in (("reference audio", job.reference), ("audio to morph to", job.morph_init)):
            if clip is not None:
                raise RequestError(f"{self._source.name} takes no {name}; it starts from words and init audio")
        if job.init is not None and job.strength == 0 and not job.repaint:
            return job.init.astype(np.float32, copy=True)
        pixels, max_value = self._paint(job, lambda share: on_step(SAMPLING_SHARE * share))
        decoding = Decoding(
            seed=job.seed,
            samples=frame_count(job.duration_s, rate),
            on_step=lambda share: on_step(SAMPLING_SHARE + (1 - SAMPLING_SHARE) * share),
        )
        if job.init is not None and job.repaint:
            return self._repainted(pixels, max_value, job, decoding)
        made = decode(pixels, self._params, max_value, decoding)
        peak = float(np.abs(made).max(initial=0.0))
        if job.init is None and peak > 0:
            made *= np.float32(db_to_gain(PEAK_DB) / peak)
        return made

    def paint(self, job: Job, on_step: OnStep) -> np.ndarray:
        """The picture :meth:`sample` turns into sound: uint8 ``[height, width, 3]``, at least as long as the job."""
        return self._paint(job, on_step)[0]

    def _paint(self, job: Job, on_step: OnStep) -> tuple[np.ndarray, float]:
        """The picture and the ``max_value`` it has to be decoded at."""
        columns = math.ceil(frame_count(job.duration_s, self._params.sample_rate_hz) / self._params.hop)
        width = -(-columns // WIDTH_MULTIPLE_PX) * WIDTH_MULTIPLE_PX
        plain = job.init is None and job.morph_prompt is None and width <= self._window * self._factor
        try:
            with torch.no_grad():
                if plain and job.preset == "reference":
                    return self._plain(job, width, on_step), DEFAULT_MAX_VALUE
                return self._wide(job, width, on_step)
        finally:
            self._pipe.maybe_free_model_hooks()

    def _plain(self, job: Job, width: int, on_step: OnStep) -> np.ndarray:
        """diffusers' own call."""

        def ended(pipe: Any, step: int, _time: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
            on_step((step + 1) / pipe.num_timesteps)
            return {}

        given = {"num_inference_steps": job.steps, "guidance_scale": job.guidance_scale}
        images = self._pipe(
            job.prompt,
            height=self._params.frequencies,
            width=width,
            negative_prompt=job.negative_prompt,
            generator=torch.Generator("cpu").manual_seed(job.seed),
            callback_on_step_end=ended,
            output_type="np",
            **{name: value for name, value in given.items() if value is not None},
        ).images
        return _pixels(images[0])

    def _wide(self, job: Job, width: int, on_step: OnStep) -> tuple[np.ndarray, float]:
        """diffusers' loop on a canvas of any width, from noise, from a picture or around one."""
        economy = ECONOMIES[job.preset]
        scale = GUIDANCE_SCALE if job.guidance_scale is None else job.guidance_scale
        words, against = self._words(job, guided=scale > 1)
        new = self._new_columns(job, width)
        views = self._views(job, width // self._factor, words)
        if new is not None:
            views = [view for view in views if bool(new[view.columns].any())]
        generator = torch.Generator("cpu").manual_seed(job.seed)
        run = _Run(job, economy, self._scheduler(economy), views, against, scale, generator, on_step)
        picture, max_value = None, DEFAULT_MAX_VALUE
        if job.init is not None:
            picture, max_value = encode(job.init, self._params, width)
        painted = self._picture(run, self._denoise(run, self._start(run, width, picture, new)))
        if picture is not None and new is not None:
            kept = np.repeat(new.cpu().numpy() == 0, self._factor)
            painted[:, kept] = picture[:, kept]
        return painted, max_value

    def _scheduler(self, economy: Economy) -> Any:
        own = self._pipe.scheduler
        if not economy.few_step_solver:
            return own
        return pipeline_class("DPMSolverMultistepScheduler").from_config(
            own.config, algorithm_type="dpmsolver++", solver_order=2, use_karras_sigmas=True
        )

    def _words(self, job: Job, guided: bool) -> tuple[list[torch.Tensor], torch.Tensor | None]:
        """Embeddings ``[1, tokens, dim]`` of the prompt and the one to go to, if any; and of what to go away from."""
        prompts = [job.prompt] if job.morph_prompt is None else [job.prompt, job.morph_prompt]
        words, against = [], None
        for prompt in prompts:
            positive, against = self._pipe.encode_prompt(prompt, self._device, 1, guided, job.negative_prompt)
            words.append(positive)
        return words, against if guided else None

    def _places(self, job: Job, width: int) -> np.ndarray:
        """Where on the way each of ``width`` latent columns lies; the end of the music is the end of the way."""
        columns_per_s = self._params.sample_rate_hz / self._params.hop / self._factor
        way = np.clip((np.arange(width) + 0.5) / (job.duration_s * columns_per_s), 0, 1)
        return job.morph[0] + (job.morph[1] - job.morph[0]) * way

    def _views(self, job: Job, width: int, words: Sequence[torch.Tensor]) -> list[_View]:
        """Windows that cover ``width`` latent columns; on a short journey several views of each."""
        travels = len(words) > 1 and job.morph[0] != job.morph[1]
        places = self._places(job, width)
        starts = window_starts(width, self._window)
        length = min(width, self._window)
        stops = -(-FEWEST_PLACES // len(starts)) if travels else 1
        views = []
        for start, weight in zip(starts, window_weights(starts, length), strict=True):
            for share in _hats(length, stops):
                counted = weight * share
                asked = words[0]
                if len(words) > 1:
                    place = float(np.average(places[start : start + length], weights=counted))
                    asked = torch.lerp(words[0], words[1], place)
                views.append(_View(start, torch.from_numpy(counted).to(asked), asked))
        return views

    def _new_columns(self, job: Job, width: int) -> torch.Tensor | None:
        """``[width / factor]``: 1 where a latent column lies in a stretch to repaint; None where nothing is kept."""
        if not job.repaint:
            return None
        columns_per_s = self._params.sample_rate_hz / self._params.hop / self._factor
        new = torch.zeros(width // self._factor, dtype=self._pipe.unet.dtype, device=self._device)
        for start_s, end_s in job.repaint:
            new[math.floor(start_s * columns_per_s + 1e-6) : math.ceil(end_s * columns_per_s - 1e-6)] = 1
        return new

    def _start(self, run: _Run, width: int, picture: np.ndarray | None, new: torch.Tensor | None) -> _Start:
        job, scheduler = run.job, run.scheduler
        steps = job.steps or run.economy.steps or STEPS
        scheduler.set_timesteps(steps, device=self._device)
        if picture is None:
            noise = self._noise(run, width // self._factor)
            return _Start(noise * scheduler.init_noise_sigma, noise, scheduler.timesteps)
        known = self._latents(run, picture)
        if new is not None:
            known = known.contiguous()  # as diffusers' inpainting has it, which the last bits depend on
        noise = self._noise(run, width // self._factor)
        strength = job.strength if job.strength is not None else STRENGTH if new is None else 1.0
        first = (steps - max(1, min(int(steps * strength), steps))) * scheduler.order
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        timesteps = scheduler.timesteps[first:]
        if new is not None and strength == 1:
            latents = noise * scheduler.init_noise_sigma
        else:
            latents = scheduler.add_noise(known, noise, timesteps[:1])
        return _Start(latents, noise, timesteps, known, new)

    def _noise(self, run: _Run, width: int) -> torch.Tensor:
        """The seed's noise; between prompts, that on the way to another seed's."""
        noise = self._standard_normal(run.generator, width)
        if run.job.morph_prompt is None:
            return noise
        other = int(np.random.SeedSequence([run.job.seed, 1]).generate_state(1)[0])
        there = self._standard_normal(torch.Generator("cpu").manual_seed(other), width)
        return between(noise, there, self._places(run.job, width))

    def _standard_normal(self, generator: torch.Generator, width: int) -> torch.Tensor:
        from diffusers.utils.torch_utils import randn_tensor

        shape = (1, int(self._pipe.unet.config.in_channels), self._window, width)
        return randn_tensor(shape, generator=generator, device=torch.device(self._device), dtype=self._pipe.unet.dtype)

    def _latents(self, run: _Run, picture: np.ndarray) -> torch.Tensor:
        """Latents of a picture, window by window; columns outside all views are 0."""
        from PIL import Image

        vae, factor = self._pipe.vae, self._factor
        windows, parts = _windows(run.views), []
        for view in windows:
            cut = np.ascontiguousarray(picture[:, view.columns.start * factor : view.columns.stop * factor])
            image = self._pipe.image_processor.preprocess(Image.fromarray(cut)).to(self._device, self._pipe.unet.dtype)
            parts.append(vae.encode(image).latent_dist.sample(run.generator) * vae.config.scaling_factor)
        return _joined(windows, parts, picture.shape[1] // factor)

    def _denoise(self, run: _Run, start: _Start) -> torch.Tensor:
        scheduler, latents = run.scheduler, start.latents
        takes = inspect.signature(scheduler.step).parameters
        options = {"generator": run.generator} if "generator" in takes else {}
        count = len(start.timesteps)
        for number, time in enumerate(start.timesteps):
            predicted = self._predict(run, latents, time, run.economy.is_guided(number, count))
            latents = scheduler.step(predicted, time, latents, **options, return_dict=False)[0]
            if start.known is not None and start.new is not None:
                before = start.known
                if number + 1 < count:
                    before = scheduler.add_noise(before, start.noise, start.timesteps[number + 1 : number + 2])
                latents = (1 - start.new) * before + start.new * latents
            run.on_step((number + 1) / count)
        return latents

    def _predict(self, run: _Run, latents: torch.Tensor, time: Any, guided: bool) -> torch.Tensor:
        """What the network says of the whole canvas: the views' answers, averaged by their weights."""
        scaled = run.scheduler.scale_model_input(latents, time)
        parts = []
        for view in run.views:
            part = scaled[..., view.columns]
            if run.against is None or not guided:
                parts.append(self._pipe.unet(part, time, encoder_hidden_states=view.words, return_dict=False)[0])
                continue
            both = torch.cat([run.against, view.words])
            answers = self._pipe.unet(torch.cat([part] * 2), time, encoder_hidden_states=both, return_dict=False)[0]
            without, with_words = answers.chunk(2)
            parts.append(without + run.scale * (with_words - without))
        return _joined(run.views, parts, latents.shape[-1])

    def _picture(self, run: _Run, latents: torch.Tensor) -> np.ndarray:
        """uint8 ``[height, width, 3]``; windows are decoded one by one and cross over where they overlap."""
        vae, factor = self._pipe.vae, self._factor
        total = np.zeros((self._window * factor, latents.shape[-1] * factor, 3), np.float32)
        weights = np.zeros((total.shape[1], 1), np.float32)
        for view in _windows(run.views):
            image = vae.decode(latents[..., view.columns] / vae.config.scaling_factor, return_dict=False)[0]
            shown = self._pipe.image_processor.postprocess(image, output_type="np")[0]
            where = slice(view.columns.start * factor, view.columns.stop * factor)
            weight = np.repeat(view.weight.float().cpu().numpy(), factor)[:, None]
            total[:, where] += weight * shown
            weights[where] += weight
        return _pixels(total / np.where(weights > 0, weights, 1))

    def _repainted(self, pixels: np.ndarray, max_value: float, job: Job, decoding: Decoding) -> np.ndarray:
        """``init`` with its stretches replaced by sound of the new picture that continues the phases around it."""
        init, params = job.init, self._params
        assert init is not None
        made = init.astype(np.float32, copy=True)
        for number, (start_s, end_s) in enumerate(job.repaint):
            first = max(0, math.floor((start_s - CONTEXT_S) * params.sample_rate_hz / params.hop))
            last = min(pixels.shape[1], math.ceil((end_s + CONTEXT_S) * params.sample_rate_hz / params.hop))
            begin, end = first * params.hop, min(last * params.hop, len(init))
            known = made[begin:end].copy()
            rate = params.sample_rate_hz
            known[max(0, frame_count(start_s, rate) - begin) : frame_count(end_s, rate) - begin] = np.nan
            part = replace(
                decoding,
                samples=end - begin,
                known=known,
                on_step=lambda share, number=number: decoding.on_step((number + share) / len(job.repaint)),
            )
            made[begin:end] = decode(pixels[:, first:last], params, max_value, part)
        return keep_outside(made, init, job.repaint, params.sample_rate_hz)


def window_starts(width: int, window: int) -> list[int]:
    """First columns of evenly spaced windows over ``width`` that share at least ``OVERLAP_SHARE`` of theirs."""
    if width <= window:
        return [0]
    count = 1 + math.ceil((width - window) / (window - math.ceil(OVERLAP_SHARE * window)))
    return [round(start) for start in np.linspace(0, width - window, count)]


def window_weights(starts: Sequence[int], length: int) -> list[np.ndarray]:
    """Float32 ``[length]`` a window: 1, rising and falling linearly over what it shares with its neighbours."""
    weights = []
    for number, start in enumerate(starts):
        weight = np.ones(length, np.float32)
        if number > 0:
            shared = starts[number - 1] + length - start
            weight[:shared] = np.minimum(weight[:shared], (np.arange(shared) + 1) / (shared + 1))
        if number + 1 < len(starts):
            shared = start + length - starts[number + 1]
            weight[-shared:] = np.minimum(weight[-shared:], (np.arange(shared)[::-1] + 1) / (shared + 1))
        weights.append(weight)
    return weights


def _hats(length: int, count: int) -> list[np.ndarray]:
    """``count`` overlapping triangles over ``length`` columns that add up to 1, the outer ones flat to the ends."""
    centres = (np.arange(count) + 0.5) * length / count
    columns = np.arange(length) + 0.5
    return [np.interp(columns, centres, row).astype(np.float32) for row in np.eye(count)]


def _windows(views: Sequence[_View]) -> list[_View]:
    """One view for each window, with the weights of all views of it."""
    merged: dict[int, _View] = {}
    for view in views:
        other = merged.get(view.start)
        merged[view.start] = view if other is None else replace(view, weight=view.weight + other.weight)
    return list(merged.values())


def _joined(views: Sequence[_View], parts: Sequence[torch.Tensor], width: int) -> torch.Tensor:
    """``[..., width]``: the views' parts averaged by their weights, 0 where no view is."""
    if len(parts) == 1 and len(views[0].weight) == width:
        return parts[0]  # as it lies in memory, on which the last bit of convolutions depends
    total = parts[0].new_zeros((*parts[0].shape[:-1], width))
    weights = views[0].weight.new_zeros(width)
    for view, part in zip(views, parts, strict=True):
        total[..., view.columns] += view.weight * part
        weights[view.columns] += view.weight
    return total / torch.where(weights > 0, weights, torch.ones_like(weights))


def _pixels(image: np.ndarray) -> np.ndarray:
    """0 … 1 → uint8, rounded as diffusers rounds."""
    return (image * 255).round().astype(np.uint8)


def load(folder: Path, placement: Placement, source: CheckpointInfo) -> Riffusion:
    """The checkpoint in ``folder`` (diffusers' layout of Stable Diffusion 1). Raises WeightsError."""
    pipe = from_folder(
        pipeline_class("StableDiffusionPipeline"),
        folder,
        placement.dtype,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return Riffusion(settle(pipe, placement), placement, source)
