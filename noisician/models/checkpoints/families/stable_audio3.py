"""Stable Audio 3 (arXiv:2605.17991): text and a duration to minutes of stereo, variations and repainted stretches.

A rectified flow: x = (1 − t)·x₀ + t·noise, and the network predicts the velocity noise − x₀. The distilled
checkpoints take 8 steps that add noise anew and need no guidance; the base ones take 100 plain steps.

What the cheaper presets leave out here is exact: the text's keys and values do not change from step to step, so they
are computed once, and the decoder's attention is computed only inside the band that its mask leaves open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from noisician.errors import RequestError
from noisician.models.checkpoints.catalogue import CheckpointInfo
from noisician.models.checkpoints.family import Job, OnStep
from noisician.models.checkpoints.pipelines import from_folder, pipeline_class
from noisician.models.checkpoints.placement import Placement, settle
from noisician.models.checkpoints.speed import (
    Economy,
    NarrowParts,
    banded_attention,
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
from noisician.request import Feature, Preset

#: The distilled checkpoints are trained for their 8 steps; nothing is gained by another solver.
DISTILLED = MappingProxyType(
    {
        "reference": Economy(),
        "balanced": Economy(cheaper_numbers="bfloat16"),
        "fast": Economy(cheaper_numbers="any", narrow_decoder=True),
    }
)
BASE = MappingProxyType(
    {
        "reference": Economy(),
        "balanced": Economy(cheaper_numbers="bfloat16"),
        "fast": Economy(steps=32, few_step_solver=True, guided=(0.1, 0.8), cheaper_numbers="any", narrow_decoder=True),
    }
)
_DISTILLED_FEATURES: frozenset[Feature] = frozenset({"text", "init_audio", "repaint"})
_BASE_FEATURES: frozenset[Feature] = frozenset({"text", "negative_prompt", "init_audio", "repaint"})
#: The call's own defaults.
DISTILLED_STEPS, BASE_STEPS = 8, 100
LOG_SNR_RANGE = (-6.2, 2.0)
LONGEST_PROMPT_TOKENS = 256
#: What a negative prompt is given to act with where no guidance was asked for: the call's own default switches it off.
GUIDANCE_SCALE_OF_NEGATIVE = 7.0
#: Latent frames decoded or encoded at a time.
CHUNK = 128
#: The shortest request the project makes.
SHORTEST_S = 1.0


def load(folder: Path, placement: Placement, source: CheckpointInfo) -> StableAudio3:
    """Raises WeightsError where diffusers has no such pipeline, and what diffusers raises for a damaged folder."""
    pipe = from_folder(pipeline_class("StableAudio3Pipeline"), folder, placement.dtype)
    settle(pipe, placement)
    return StableAudio3(pipe, folder, placement, source)


@dataclass(frozen=True)
class _Run:
    """One denoising: everything but the latents as they change.

    ``context`` and its mask hold the negative prompt and the prompt along the first axis when guided. ``level`` is the
    flow time that sampling starts from; ``local`` is what inpainting tells the network of the kept frames.
    """

    job: Job
    economy: Economy
    context: torch.Tensor
    context_mask: torch.Tensor
    seconds: torch.Tensor
    scale: float
    steps: int
    level: float
    local: torch.Tensor | None
    generator: torch.Generator
    on_step: OnStep

    def report(self, step: int) -> None:
        """Decoding counts as one more step."""
        self.on_step((step + 1) / (self.steps + 1))


class StableAudio3:
    """One loaded checkpoint, distilled or base. Not for use by two threads at once."""

    def __init__(self, pipe: Any, folder: Path, placement: Placement, source: CheckpointInfo) -> None:
        self._pipe = pipe
        self._source = source
        self._parts = NarrowParts(pipe, folder, placement)
        self._ratio = int(pipe.vae.downsampling_ratio)
        self._rate = int(pipe.vae.config.sampling_rate)
        self._distilled = bool(pipe.scheduler.config.stochastic_sampling)

    @cached_property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name=self._source.name,
            features=_DISTILLED_FEATURES if self._distilled else _BASE_FEATURES,
            duration_range_s=(SHORTEST_S, float(self._pipe.duration_embedder.config.max_val)),
            sample_rate_hz=self._rate,
            licence=self._source.licence,
        )

    @property
    def channels(self) -> int:
        return int(self._pipe.vae.config.audio_channels)

    @property
    def _reach(self) -> int:
        """How many latent frames apart a sample and a frame it depends on can be: the band of every layer, and one."""
        config = self._pipe.vae.config
        return sum(config.encoder_transformer_depths) * config.sliding_window + 1

    def prepare(self, preset: Preset) -> Economy:
        """Brings the weights into the numbers of ``preset``, which the first call in it would do."""
        economy = (DISTILLED if self._distilled else BASE)[preset]
        self._parts.prepare(economy)
        return economy

    def sample(self, job: Job, on_step: OnStep) -> np.ndarray:
        """See :meth:`noisician.models.checkpoints.family.Family.sample`."""
        check_job(job, self.capabilities.duration_range_s, self.channels, self._rate)
        if job.negative_prompt is not None and self._distilled and (job.guidance_scale or 0.0) <= 1:
            raise RequestError(
                "a distilled Stable Audio 3 is not guided, so a negative prompt does nothing; "
                "give a guidance scale above 1 or use its base checkpoint"
            )
        if job.init is not None and job.strength == 0 and not job.repaint:
            return job.init.astype(np.float32, copy=True)
        economy = self.prepare(job.preset)
        with torch.inference_mode():
            if job.preset != "reference":
                made = self._economical(job, economy, on_step)
            elif job.init is not None:
                made = samples_of(self._pipe.vae.decode(self._latents(job, economy, on_step)).sample.clamp(-1, 1))
            else:
                made = self._plain(job, on_step)
        made = exact_length(made, frame_count(job.duration_s, self._rate))
        on_step(1.0)
        if job.init is not None and job.repaint:
            return keep_outside(made, job.init, job.repaint, self._rate)
        return made

    def _plain(self, job: Job, on_step: OnStep) -> np.ndarray:
        """diffusers' own call."""
        steps = self._steps(job, Economy())
        given = {"num_inference_steps": job.steps, "negative_prompt": job.negative_prompt}
        if job.guidance_scale is not None or job.negative_prompt is not None:
            given["guidance_scale"] = self._scale(job)

        def listen(_pipe: Any, step: int, _time: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
            on_step((step + 1) / (steps + 1))
            return {}

        audios = self._pipe(
            job.prompt,
            duration=job.duration_s,
            generator=torch.Generator("cpu").manual_seed(job.seed),
            callback_on_step_end=listen,
            **{name: value for name, value in given.items() if value is not None},
        ).audios
        return samples_of(audios)

    def _steps(self, job: Job, economy: Economy) -> int:
        return job.steps or economy.steps or (DISTILLED_STEPS if self._distilled else BASE_STEPS)

    def _scale(self, job: Job) -> float:
        if job.guidance_scale is not None:
            return job.guidance_scale
        return 1.0 if job.negative_prompt is None else GUIDANCE_SCALE_OF_NEGATIVE

    def _economical(self, job: Job, economy: Economy, on_step: OnStep) -> np.ndarray:
        with ExitStack() as swapped:
            for part in (self._pipe.vae.encoder, self._pipe.vae.decoder):
                swapped.enter_context(_banded(part))
            swapped.enter_context(_remembering(self._pipe.transformer))
            latents = self._latents(job, economy, on_step)
            decode = lambda part: self._pipe.vae.decode(part).sample  # noqa: E731
            return samples_of(decode_in_chunks(decode, latents, CHUNK, self._reach).clamp(-1, 1))

    def _latents(self, job: Job, economy: Economy, on_step: OnStep) -> torch.Tensor:
        """Sampled latents ``[1, dim, frames]``."""
        from diffusers.utils.torch_utils import randn_tensor

        pipe, device = self._pipe, self._pipe._execution_device
        context, mask, seconds, scale = self._conditions(job, whole=job.preset == "reference")
        frames = math.ceil(job.duration_s * self._rate / self._ratio)
        generator = torch.Generator("cpu").manual_seed(job.seed)
        shape = (1, int(pipe.vae.config.latent_dim), frames)
        latents = randn_tensor(shape, generator=generator, device=device, dtype=context.dtype)
        level, local = 1.0, None
        if job.init is not None:
            known = self._encode(job.init, frames, context.dtype, whole=job.preset == "reference")
            if job.repaint:
                kept = latent_frames_kept(job.repaint, frames, self._rate / self._ratio)
                here = torch.from_numpy(kept).to(device, context.dtype)[None, None]
                local = torch.cat([here, known * here], dim=1)
            else:
                level = DEFAULT_STRENGTH if job.strength is None else job.strength
                latents = (1.0 - level) * known + level * latents
        steps = self._steps(job, economy)
        run = _Run(job, economy, context, mask, seconds, scale, steps, level, local, generator, on_step)
        times = _falling_times(steps, level) if economy.few_step_solver else _own_times(steps, level)
        pipe.scheduler.set_timesteps(sigmas=times, device=device)
        return (self._few_steps if economy.few_step_solver else self._own_steps)(latents, run)

    def _conditions(self, job: Job, whole: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
        """(context, its mask, duration, guidance scale); ``whole`` sends the words' padding through their encoder."""
        pipe, device = self._pipe, self._pipe._execution_device
        encode = pipe.encode_prompt if whole else self._encode_words
        seconds = pipe.encode_duration(job.duration_s, device, 1, 1)
        context, mask = pipe.prepare_cross_attention(*encode(job.prompt, device, 1), seconds)
        scale = self._scale(job)
        if scale <= 1:
            return context, mask, seconds, scale
        against = encode(job.negative_prompt or "", device, 1)
        context_against, mask_against = pipe.prepare_cross_attention(*against, seconds)
        return (
            torch.cat([context_against, context]),
            torch.cat([mask_against, mask]),
            torch.cat([seconds, seconds]),
            scale,
        )

    def _encode_words(self, prompt: str, device: Any, _copies: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The pipeline's ``encode_prompt`` without its padding, which no word attends to and the network replaces."""
        pipe = self._pipe
        length = min(pipe.tokenizer.model_max_length, LONGEST_PROMPT_TOKENS)
        padded = pipe.tokenizer(
            prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).to(device)
        real = padded.attention_mask.bool()
        if not real.any():
            return pipe.encode_prompt(prompt, device, 1)
        words = pipe.text_encoder(padded.input_ids[real][None], attention_mask=padded.attention_mask[real][None])[0]
        embedded = words.new_zeros((1, length, words.shape[-1]))
        embedded[real] = words[0]
        return embedded, padded.attention_mask

    def _encode(self, audio: np.ndarray, frames: int, dtype: torch.dtype, whole: bool) -> torch.Tensor:
        """Latents ``[1, dim, frames]`` of ``[samples, channels]``, all at once or in chunks."""
        vae = self._pipe.vae
        waves = torch.from_numpy(np.ascontiguousarray(audio.T, np.float32))[None]
        waves = waves.to(self._pipe._execution_device, next(vae.parameters()).dtype)
        encode = lambda part: vae.encode(part).latents  # noqa: E731
        known = encode(waves) if whole else encode_in_chunks(encode, waves, self._ratio, CHUNK, self._reach)
        return functional.pad(known, (0, max(0, frames - known.shape[-1])))[..., :frames].to(dtype)

    def _own_steps(self, latents: torch.Tensor, run: _Run) -> torch.Tensor:
        """The checkpoint's own scheduler, as in diffusers' loop."""
        scheduler = self._pipe.scheduler
        for step, time in enumerate(scheduler.timesteps):
            velocity = self._velocity(latents, run, step)
            latents = scheduler.step(velocity, time, latents, generator=run.generator).prev_sample
            run.report(step)
        return latents

    def _few_steps(self, latents: torch.Tensor, run: _Run) -> torch.Tensor:
        """DPM-Solver++ 2M."""
        times = self._pipe.scheduler.sigmas.tolist()

        def clean(noisy: torch.Tensor, step: int) -> torch.Tensor:
            return noisy - times[step] * self._velocity(noisy, run, step)

        def after(noisy: torch.Tensor, done: int) -> torch.Tensor:
            run.report(done - 1)
            return noisy

        return dpm_solver_2m(clean, latents, [(1.0 - time, time) for time in times], after)

    def _velocity(self, latents: torch.Tensor, run: _Run, step: int) -> torch.Tensor:
        guided = run.scale > 1 and run.economy.is_guided(step, run.steps)
        rows = slice(None) if guided else slice(-1, None)
        noisy = torch.cat([latents, latents]) if guided else latents
        local = run.local if run.local is None else run.local.expand(len(noisy), -1, -1)
        velocity = self._pipe.transformer(
            noisy,
            self._pipe.scheduler.timesteps[step].expand(len(noisy)),
            encoder_hidden_states=run.context[rows],
            global_hidden_states=run.seconds[rows],
            encoder_attention_mask=run.context_mask[rows],
            local_add_cond=local,
            return_dict=False,
        )[0]
        if not guided:
            return velocity
        without, with_prompt = velocity.chunk(2)
        return without + run.scale * (with_prompt - without)


def _own_times(steps: int, level: float) -> list[float]:
    """The checkpoint's flow times, squeezed to start from ``level``; those of diffusers' calls."""
    from diffusers.pipelines.stable_audio_3.pipeline_stable_audio_3 import logsnr_sigma_schedule

    return logsnr_sigma_schedule(steps, *LOG_SNR_RANGE, sigma_max=level)


def _falling_times(steps: int, level: float) -> list[float]:
    """Flow times even in log-SNR from ``level`` on: the checkpoint's own from 1, and falling from every other."""
    begin, end = LOG_SNR_RANGE
    if level < 1:
        begin = max(begin, math.log((1 - level) / level))
        end = max(end, begin + 1)
    times = (1 / (1 + np.exp(np.linspace(begin, end, steps + 1)))).tolist()
    return [level, *times[1:-1]]


class _RememberedCrossAttention:
    """Cross-attention whose keys and values are computed at the first step and kept for the others.

    Prompts lie along the first axis with the positive one last, so an unguided step finds its own among guided ones.
    """

    def __init__(self) -> None:
        self._known: list[torch.Tensor] = []

    def __call__(
        self, attn: Any, hidden_states: torch.Tensor, context: torch.Tensor, context_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        batch = len(hidden_states)
        if not self._known or len(self._known[0]) < batch:
            self._known = self._keys_and_values(attn, context)
        *keys, values = (known[-batch:] for known in self._known)
        queries = [attn.q_norm(_heads(part, attn)) for part in attn.to_q(hidden_states).chunk(len(keys), dim=-1)]
        mask = None if context_mask is None else context_mask[:, None, None, :].bool()
        mixed = [
            functional.scaled_dot_product_attention(query.transpose(1, 2), key, values, attn_mask=mask)
            for query, key in zip(queries, keys, strict=True)
        ]
        return attn.to_out(_difference(mixed).transpose(1, 2).flatten(2, 3))

    @staticmethod
    def _keys_and_values(attn: Any, context: torch.Tensor) -> list[torch.Tensor]:
        parts = attn.to_kv(context).chunk(3 if attn.use_differential else 2, dim=-1)
        *keys, values = (_heads(part, attn) for part in parts)
        return [part.transpose(1, 2) for part in (*(attn.k_norm(key) for key in keys), values)]


class _BandedSelfAttention:
    """The autoencoder's self-attention, computed only as far as its mask lets it see."""

    def __init__(self, reach: int) -> None:
        self._reach = reach

    def __call__(self, attn: Any, hidden_states: torch.Tensor, attn_mask: torch.Tensor | None = None) -> torch.Tensor:
        pairs = 2 if attn.use_differential else 1
        parts = [_heads(part, attn) for part in attn.to_qkv(hidden_states).chunk(2 * pairs + 1, dim=-1)]
        turns = attn.rope(hidden_states.shape[1], hidden_states.device)
        queries = [_rotate(attn.q_norm(part), turns) for part in parts[:pairs]]
        keys = [_rotate(attn.k_norm(part), turns) for part in parts[pairs:-1]]
        mixed = [banded_attention(query, key, parts[-1], self._reach) for query, key in zip(queries, keys, strict=True)]
        return attn.to_out(_difference(mixed).flatten(2, 3))


def _heads(values: torch.Tensor, attn: Any) -> torch.Tensor:
    """``[batch, length, channels]`` → ``[batch, length, heads, dim]``."""
    return values.unflatten(-1, (attn.heads, attn.dim_heads))


def _difference(mixed: list[torch.Tensor]) -> torch.Tensor:
    """Differential attention takes the second map from the first."""
    return mixed[0] if len(mixed) == 1 else mixed[0] - mixed[1]


def _rotate(values: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Rotary positions (Su et al. 2021) on the first channels of each head, ``turns`` ``[length, rotated]`` in rad."""
    rotated, rest = values[..., : turns.shape[-1]].float(), values[..., turns.shape[-1] :]
    cosine, sine = turns.float().cos()[:, None], turns.float().sin()[:, None]
    first, second = rotated.chunk(2, dim=-1)
    turned = rotated * cosine + torch.cat([-second, first], dim=-1) * sine
    return torch.cat([turned.to(values.dtype), rest], dim=-1)


@contextmanager
def _swapped(pairs: list[tuple[Any, Any]]) -> Iterator[None]:
    """Gives each attention module its processor for the time being."""
    before = [(attn, attn.processor) for attn, _ in pairs]
    try:
        for attn, processor in pairs:
            attn.set_processor(processor)
        yield
    finally:
        for attn, processor in before:
            attn.set_processor(processor)


def _remembering(transformer: Any) -> Any:
    return _swapped([(block.cross_attn, _RememberedCrossAttention()) for block in transformer.transformer_blocks])


def _banded(stack: Any) -> Any:
    """``stack`` is the autoencoder's encoder or decoder."""
    return _swapped(
        [
            (layer.attn, _BandedSelfAttention(block.sliding_window * (block.stride + 1)))
            for block in stack.blocks
            for layer in block.transformers
        ]
    )
