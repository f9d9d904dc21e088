"""Stable Audio Open (Evans et al. 2024, arXiv:2407.14358): text and a duration to up to 47 s of stereo.

The plain call denoises the whole window of 1024 latent frames, however short the request. The cheaper presets denoise
the frames that will be heard and a margin of the silence after them: positions are rotary and the duration is told in
seconds, so nothing in the network counts on the window's length. The noise of the full window is drawn either way, so
a seed means the same music.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from noisician.models.checkpoints.catalogue import CheckpointInfo
from noisician.models.checkpoints.family import Job, OnStep
from noisician.models.checkpoints.pipelines import from_folder, pipeline_class
from noisician.models.checkpoints.placement import Placement, settle
from noisician.models.checkpoints.speed import (
    Economy,
    NarrowParts,
    decode_in_chunks,
    dpm_solver_2m,
    encode_in_chunks,
    samples_of,
)
from noisician.models.checkpoints.stretches import (
    DEFAULT_STRENGTH,
    check_job,
    exact_length,
    frame_count,
    keep_outside,
    latent_frames_kept,
)
from noisician.models.protocol import Capabilities
from noisician.request import Preset

ECONOMIES = MappingProxyType(
    {
        "reference": Economy(),
        "balanced": Economy(margin_s=3.0, cheaper_numbers="bfloat16"),
        "fast": Economy(steps=32, few_step_solver=True, guided=(0.1, 0.8), margin_s=1.5, cheaper_numbers="any"),
    }
)
#: The call's own defaults, for presets that write their own loop.
STEPS = 100
GUIDANCE_SCALE = 7.0
#: Latent frames decoded or encoded at a time, and how far apart a sample and a frame it depends on can be (the
#: convolutions see 10 frames to either side).
CHUNK = 128
REACH = 12


def load(folder: Path, placement: Placement, source: CheckpointInfo) -> StableAudioOpen:
    """Raises WeightsError where diffusers has no such pipeline, and what diffusers raises for a damaged folder."""
    pipe = from_folder(pipeline_class("StableAudioPipeline"), folder, placement.dtype)
    settle(pipe, placement)
    return StableAudioOpen(pipe, folder, placement, source)


@dataclass(frozen=True)
class _Conditions:
    """Text and time as the transformer takes them, without and with the prompt along the first axis when guided."""

    text: torch.Tensor
    whole: torch.Tensor
    scale: float

    @property
    def guided(self) -> bool:
        return self.scale > 1


@dataclass(frozen=True)
class _Start:
    """Where sampling begins: noisy latents ``[1, dim, frames]`` at the schedule's ``step``.

    Where ``kept`` ``[frames]`` is 1 every step puts ``known`` back, noised by ``noise`` to the level of that step.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    step: int = 0
    known: torch.Tensor | None = None
    kept: torch.Tensor | None = None

    def put_back(self, latents: torch.Tensor, sigma: Any) -> torch.Tensor:
        if self.known is None or self.kept is None:
            return latents
        return latents + self.kept * (self.known + sigma * self.noise - latents)


class StableAudioOpen:
    """One loaded checkpoint. Not for use by two threads at once."""

    def __init__(self, pipe: Any, folder: Path, placement: Placement, source: CheckpointInfo) -> None:
        self._pipe = pipe
        self._source = source
        self._parts = NarrowParts(pipe, folder, placement)
        self._window = int(pipe.transformer.config.sample_size)
        self._hop = int(pipe.vae.hop_length)
        self._rate = int(pipe.vae.config.sampling_rate)

    @cached_property
    def capabilities(self) -> Capabilities:
        longest_s = self._window * self._hop / self._rate
        return Capabilities(
            name=self._source.name,
            features=frozenset({"text", "negative_prompt", "init_audio", "repaint"}),
            duration_range_s=(min(1.0, longest_s), longest_s),
            sample_rate_hz=self._rate,
            licence=self._source.licence,
        )

    @property
    def channels(self) -> int:
        return int(self._pipe.vae.config.audio_channels)

    def prepare(self, preset: Preset) -> Economy:
        """Brings the weights into the numbers of ``preset``, which the first call in it would do."""
        economy = ECONOMIES[preset]
        self._parts.prepare(economy)
        return economy

    def sample(self, job: Job, on_step: OnStep) -> np.ndarray:
        """See :meth:`noisician.models.checkpoints.family.Family.sample`."""
        check_job(job, self.capabilities.duration_range_s, self.channels, self._rate)
        if job.init is not None and job.strength == 0 and not job.repaint:
            return job.init.astype(np.float32, copy=True)
        economy = self.prepare(job.preset)
        with torch.inference_mode():
            plain = job.preset == "reference" and job.init is None
            made = self._plain(job, on_step) if plain else self._economical(job, economy, on_step)
        made = exact_length(made, frame_count(job.duration_s, self._rate))
        on_step(1.0)
        if job.init is not None and job.repaint:
            return keep_outside(made, job.init, job.repaint, self._rate)
        return made

    def _plain(self, job: Job, on_step: OnStep) -> np.ndarray:
        """diffusers' own call."""
        steps = STEPS if job.steps is None else job.steps
        given = {
            "num_inference_steps": job.steps,
            "guidance_scale": job.guidance_scale,
            "negative_prompt": job.negative_prompt,
        }
        audios = self._pipe(
            job.prompt,
            audio_end_in_s=job.duration_s,
            generator=torch.Generator("cpu").manual_seed(job.seed),
            callback=lambda step, _time, _latents: on_step((step + 1) / (steps + 1)),
            **{name: value for name, value in given.items() if value is not None},
        ).audios
        return samples_of(audios)

    def _economical(self, job: Job, economy: Economy, on_step: OnStep) -> np.ndarray:
        steps = job.steps or economy.steps or STEPS
        self._pipe.scheduler.set_timesteps(steps, device=self._pipe._execution_device)
        conditions = self._conditions(job)
        start = self._start(job, self._frames_sampled(job, economy), conditions.text.dtype)
        run = self._few_steps if economy.few_step_solver else self._own_steps
        latents = run(_Run(job, economy, conditions, start, steps, on_step))
        heard = min(latents.shape[-1], math.ceil(job.duration_s * self._rate / self._hop) + REACH)
        decode = lambda part: self._pipe.vae.decode(part).sample  # noqa: E731
        return samples_of(decode_in_chunks(decode, latents[..., :heard], CHUNK, REACH))

    def _frames_sampled(self, job: Job, economy: Economy) -> int:
        """How many of the window's latent frames are denoised."""
        if economy.margin_s is None:
            return self._window
        return min(self._window, math.ceil((job.duration_s + economy.margin_s) * self._rate / self._hop))

    def _conditions(self, job: Job) -> _Conditions:
        pipe, device = self._pipe, self._pipe._execution_device
        scale = GUIDANCE_SCALE if job.guidance_scale is None else job.guidance_scale
        guided, against = scale > 1, job.negative_prompt
        words = pipe.encode_prompt(job.prompt, device, guided, against)
        both = guided and against is not None
        start, end = pipe.encode_duration(0.0, job.duration_s, device, both, 1)
        text, whole = torch.cat([words, start, end], dim=1), torch.cat([start, end], dim=2)
        if guided and not both:
            text, whole = torch.cat([torch.zeros_like(text), text]), torch.cat([whole, whole])
        return _Conditions(text, whole, scale)

    def _start(self, job: Job, frames: int, dtype: torch.dtype) -> _Start:
        from diffusers.utils.torch_utils import randn_tensor

        scheduler, device = self._pipe.scheduler, self._pipe._execution_device
        shape = (1, int(self._pipe.transformer.config.in_channels), self._window)
        generator = torch.Generator("cpu").manual_seed(job.seed)
        noise = randn_tensor(shape, generator=generator, device=device, dtype=dtype)[..., :frames]
        if job.init is None:
            return _Start(noise * scheduler.init_noise_sigma, noise)
        known = self._encode(job.init, frames, dtype)
        if job.repaint:
            kept = latent_frames_kept(job.repaint, frames, self._rate / self._hop)
            # Beyond the end there is nothing to keep.
            kept[math.ceil(job.duration_s * self._rate / self._hop) :] = 0
            mask = torch.from_numpy(kept).to(device, dtype)
            return _Start(noise * scheduler.init_noise_sigma, noise, 0, known, mask)
        step = self._first_step(DEFAULT_STRENGTH if job.strength is None else job.strength)
        return _Start(known + scheduler.sigmas[step].item() * noise, noise, step)

    def _first_step(self, strength: float) -> int:
        """The step whose noise is nearest to ``strength``: the angle σ = tan(π/2 · strength), 1 being pure noise."""
        sigmas = self._pipe.scheduler.sigmas[:-1]
        if strength >= 1:
            return 0
        angle = torch.atan(sigmas / self._pipe.scheduler.config.sigma_data) / (math.pi / 2)
        return int((angle - strength).abs().argmin())

    def _encode(self, audio: np.ndarray, frames: int, dtype: torch.dtype) -> torch.Tensor:
        """Latents ``[1, dim, frames]`` of ``[samples, channels]``, silence after its end."""
        padded = np.zeros((self.channels, frames * self._hop), np.float32)
        padded[:, : len(audio)] = audio.T[:, : padded.shape[1]]
        waves = torch.from_numpy(padded)[None].to(self._pipe._execution_device, dtype)
        encode = lambda part: self._pipe.vae.encode(part).latent_dist.mode()  # noqa: E731
        return encode_in_chunks(encode, waves, self._hop, CHUNK, REACH)

    def _own_steps(self, run: _Run) -> torch.Tensor:
        """The checkpoint's own scheduler, as in diffusers' loop."""
        scheduler, start = self._pipe.scheduler, run.start
        if start.step:
            scheduler.set_begin_index(start.step)
        self._share_noise(scheduler, run)
        extra = self._pipe.prepare_extra_step_kwargs(torch.Generator("cpu").manual_seed(run.job.seed), 0.0)
        latents = start.latents
        for step in range(start.step, run.steps):
            time = scheduler.timesteps[step]
            predicted = self._predict(run, scheduler.scale_model_input(latents, time), step)
            latents = scheduler.step(predicted, time, latents, **extra).prev_sample
            latents = start.put_back(latents, scheduler.sigmas[step + 1])
            run.report(step)
        return latents

    def _share_noise(self, scheduler: Any, run: _Run) -> None:
        """Where the scheduler adds noise of its own, a shortened window gets the beginning of the full window's."""
        frames = run.start.latents.shape[-1]
        if frames == self._window or not hasattr(scheduler, "noise_sampler"):
            return
        from diffusers.schedulers.scheduling_dpmsolver_sde import BrownianTreeNoiseSampler

        full = run.start.latents.new_zeros((1, run.start.latents.shape[1], self._window))
        limits = (scheduler.config.sigma_min, scheduler.config.sigma_max)
        sampler = BrownianTreeNoiseSampler(full, *limits, seed=run.job.seed)
        scheduler.noise_sampler = lambda sigma, sigma_next: sampler(sigma, sigma_next)[..., :frames]

    def _few_steps(self, run: _Run) -> torch.Tensor:
        """DPM-Solver++ 2M without added noise on the scheduler's own noise levels."""
        scheduler, first = self._pipe.scheduler, run.start.step
        sigmas = scheduler.sigmas

        def clean(latents: torch.Tensor, done: int) -> torch.Tensor:
            step = first + done
            predicted = self._predict(run, scheduler.precondition_inputs(latents, sigmas[step]), step)
            return scheduler.precondition_outputs(latents, predicted, sigmas[step])

        def after(latents: torch.Tensor, done: int) -> torch.Tensor:
            run.report(first + done - 1)
            return run.start.put_back(latents, sigmas[first + done])

        return dpm_solver_2m(clean, run.start.latents, [(1.0, float(sigma)) for sigma in sigmas[first:]], after)

    def _predict(self, run: _Run, scaled: torch.Tensor, step: int) -> torch.Tensor:
        """The network's answer to latents scaled for it, guided where the economy guides."""
        conditions = run.conditions
        guided = conditions.guided and run.economy.is_guided(step, run.steps)
        rows = slice(None) if guided else slice(-1, None)
        predicted = self._pipe.transformer(
            torch.cat([scaled] * 2) if guided else scaled,
            self._pipe.scheduler.timesteps[step].unsqueeze(0),
            encoder_hidden_states=conditions.text[rows],
            global_hidden_states=conditions.whole[rows],
            rotary_embedding=self._rotary(scaled.shape[-1] + 1),
            return_dict=False,
        )[0]
        if not guided:
            return predicted
        without, with_prompt = predicted.chunk(2)
        return without + conditions.scale * (with_prompt - without)

    def _rotary(self, length: int) -> Any:
        from diffusers.models.embeddings import get_1d_rotary_pos_embed

        return get_1d_rotary_pos_embed(self._pipe.rotary_embed_dim, length, use_real=True, repeat_interleave_real=False)


@dataclass(frozen=True)
class _Run:
    """One denoising: everything but the latents as they change."""

    job: Job
    economy: Economy
    conditions: _Conditions
    start: _Start
    steps: int
    on_step: OnStep

    def report(self, step: int) -> None:
        """Decoding counts as one more step."""
        self.on_step((step + 1 - self.start.step) / (self.steps - self.start.step + 1))
