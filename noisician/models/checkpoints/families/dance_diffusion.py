"""Dance Diffusion: waveforms out of noise, without words.

A one-dimensional U-Net of the v-objective and the sampler IPNDM. Besides making something new it varies a file from a
noise level on, repaints stretches of it, and goes from one file to another through the noises both came from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from noisician.errors import RequestError, WeightsError
from noisician.models.checkpoints.families.inversion import between, follow
from noisician.models.checkpoints.family import Job, OnStep
from noisician.models.checkpoints.pipelines import from_folder, pipeline_class
from noisician.models.checkpoints.stretches import DEFAULT_STRENGTH, check_job, frame_count, keep_outside
from noisician.models.protocol import Capabilities
from noisician.request import DURATION_RANGE_S, Preset

if TYPE_CHECKING:
    from noisician.models.checkpoints.catalogue import CheckpointInfo
    from noisician.models.checkpoints.placement import Placement

#: "reference" is the pipeline's own number. IPNDM is of fourth order: on a Gaussian mixture with a known slope 50
#: steps are 0.15 % of the signal away from the limit of many steps and 25 steps 0.5 %, nearer than DPM-Solver++(2M)
#: at either number.
STEPS: dict[Preset, int] = {"reference": 100, "balanced": 50, "fast": 25}
#: Longer audio passes the network in windows of this many frames, so that memory does not grow with the length.
WINDOW_FRAMES = 2**20
WINDOW_OVERLAP_FRAMES = 2**17
#: Time embedding of the checkpoints that were published before its size became part of the configuration.
FIRST_TIME_EMBEDDING = 16
_TIME_PROJECTION = "time_proj.weight"


class DanceDiffusion:
    """A checkpoint of Dance Diffusion. Not for use by two threads at once."""

    def __init__(self, unet: Any, scheduler: Any, source: CheckpointInfo, window_frames: int = WINDOW_FRAMES) -> None:
        config = unet.config
        if not config.sample_rate:
            raise WeightsError(f"{source.name}: unet/config.json states no sample_rate; it was converted incompletely")
        self._unet = unet
        self._scheduler = scheduler
        self._rate_hz = int(config.sample_rate)
        self._factor = 2 ** len(unet.up_blocks)
        self._window = window_frames
        self._overlap = min(WINDOW_OVERLAP_FRAMES, window_frames // 8 // self._factor * self._factor)
        shortest_s = max(DURATION_RANGE_S[0], 3 * self._factor / self._rate_hz)
        self._capabilities = Capabilities(
            name=source.name,
            features=frozenset({"init_audio", "repaint", "morph_audio"}),
            duration_range_s=(shortest_s, DURATION_RANGE_S[1]),
            sample_rate_hz=self._rate_hz,
            licence=source.licence,
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def channels(self) -> int:
        return int(self._unet.config.out_channels)

    @torch.no_grad()
    def sample(self, job: Job, on_step: OnStep) -> np.ndarray:
        """See :class:`noisician.models.checkpoints.family.Family`.

        Up to ``WINDOW_FRAMES`` "reference" is the plain pipeline bit for bit. With ``repaint`` what lies outside
        the stretches is returned as it was; ``strength`` 0 returns ``init`` itself.
        """
        check_job(job, self._capabilities.duration_range_s, self.channels, self._rate_hz)
        frames = frame_count(job.duration_s, self._rate_hz)
        steps = STEPS[job.preset] if job.steps is None else job.steps
        if job.morph_init is not None:
            audio = self._morph(job, frames, steps, on_step)
        elif job.init is not None and job.repaint:
            audio = self._repaint(job, job.init, frames, steps, on_step)
        elif job.init is not None:
            audio = self._vary(job, job.init, frames, steps, on_step)
        else:
            audio = self._denoise(self._noise(job.seed, frames), steps, on_step)
        made = np.ascontiguousarray(audio[0].clamp(-1, 1).float().cpu().numpy()[:, :frames].T)
        if job.init is not None and job.repaint:
            return keep_outside(made, job.init, job.repaint, self._rate_hz)
        return made

    def _vary(self, job: Job, init: np.ndarray, frames: int, steps: int, on_step: OnStep) -> torch.Tensor:
        strength = DEFAULT_STRENGTH if job.strength is None else job.strength
        start = steps - round(strength * steps)
        clean = self._tensor(init, frames)
        if start == steps:
            on_step(1.0)
            return clean
        return self._denoise(self._noise(job.seed, frames), steps, on_step, start=start, clean=clean)

    def _repaint(self, job: Job, init: np.ndarray, frames: int, steps: int, on_step: OnStep) -> torch.Tensor:
        """Where ``init`` is kept, it is put back with the noise of each level, so that the rest grows on to it."""
        clean, noise = self._tensor(init, frames), self._noise(job.seed, frames)
        keep = torch.arange(clean.shape[-1], device=clean.device) < frames
        for start_s, end_s in job.repaint:
            keep[frame_count(start_s, self._rate_hz) : frame_count(end_s, self._rate_hz)] = False

        def put_back(x: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            return torch.where(keep, alpha * clean + sigma * noise, x)

        return self._denoise(noise, steps, on_step, after=put_back)

    def _morph(self, job: Job, frames: int, steps: int, on_step: OnStep) -> torch.Tensor:
        """Both files up to their noises, to the place between, and down again: three times ``steps`` evaluations."""
        if job.init is None or job.morph_init is None:
            raise RequestError("going from one file to another needs both; the one to start from is missing")
        both = torch.cat([self._tensor(job.init, frames), self._tensor(job.morph_init, frames)]).float()
        self._scheduler.set_timesteps(steps)
        down = [float(time) * math.pi / 2 for time in self._scheduler.timesteps] + [0.0]
        first, second = follow(self._slope, both, down[::-1], lambda done: on_step(done / steps * 2 / 3))
        place = np.linspace(*job.morph, both.shape[-1])
        noise = between(first, second, place)[None]
        return follow(self._slope, noise, down, lambda done: on_step((2 + done / steps) / 3))

    def _denoise(
        self,
        noise: torch.Tensor,
        steps: int,
        on_step: OnStep,
        start: int = 0,
        clean: torch.Tensor | None = None,
        after: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """IPNDM from step ``start`` on, from ``clean`` under ``noise`` of that level.

        ``after`` sees each new x with the α and σ of its level and may change it.
        """
        scheduler = self._scheduler
        scheduler.set_timesteps(steps, device=noise.device)
        scheduler.set_begin_index(start)
        times = scheduler.timesteps.to(noise.dtype)
        alphas, sigmas = scheduler.alphas.to(noise), scheduler.betas.to(noise)
        x = noise if clean is None or start == 0 else alphas[start] * clean + sigmas[start] * noise
        for index in range(start, steps):
            # Pure noise tells nothing of the music: there the scheduler weighs what the model says by α = 0.
            answer = torch.zeros_like(x) if alphas[index] == 0 else self._velocity(x, times[index])
            x = scheduler.step(answer, times[index], x).prev_sample
            if after is not None:
                x = after(x, alphas[index + 1], sigmas[index + 1])
            on_step((index + 1 - start) / (steps - start))
        return x

    def _slope(self, x: torch.Tensor, angle_rad: float) -> torch.Tensor:
        dtype = self._unet.dtype
        time = torch.tensor(angle_rad * 2 / math.pi, dtype=dtype, device=x.device)
        return self._velocity(x.to(dtype), time).to(x.dtype)

    def _velocity(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """The network's v for ``[batch, channels, frames]``; overlapping windows are cross-faded."""
        frames = x.shape[-1]
        if frames <= self._window:
            return self._unet(x, time).sample
        total, weights = torch.zeros_like(x), torch.zeros_like(x[0, 0])
        stride = self._window - self._overlap
        for start in [*range(0, frames - self._window, stride), frames - self._window]:
            end = start + self._window
            weight = torch.from_numpy(_plateau(start, end, frames, self._overlap)).to(x)
            total[..., start:end] += weight * self._unet(x[..., start:end], time).sample
            weights[start:end] += weight
        return total / weights

    def _noise(self, seed: int, frames: int) -> torch.Tensor:
        from diffusers.utils.torch_utils import randn_tensor

        shape = (1, int(self._unet.config.in_channels), self._padded(frames))
        generator = torch.Generator("cpu").manual_seed(seed)
        return randn_tensor(shape, generator=generator, device=self._unet.device, dtype=self._unet.dtype)

    def _tensor(self, audio: np.ndarray, frames: int) -> torch.Tensor:
        """``[frames, channels]`` → ``[1, channels, padded]`` where the network is."""
        padded = np.zeros((audio.shape[1], self._padded(frames)), dtype=np.float32)
        padded[:, : min(frames, len(audio))] = audio[:frames].T
        return torch.from_numpy(padded)[None].to(self._unet.device, self._unet.dtype)

    def _padded(self, frames: int) -> int:
        return -(-frames // self._factor) * self._factor


def _plateau(start: int, end: int, frames: int, ramp: int) -> np.ndarray:
    """1 over ``[start, end)``, rising and falling over ``ramp`` frames except at the ends of ``frames``; above 0."""
    shape = np.ones(end - start, dtype=np.float32)
    ramp = min(ramp, (end - start) // 2)
    rise = (np.arange(ramp, dtype=np.float32) + 1) / (ramp + 1)
    if start > 0:
        shape[:ramp] = rise
    if end < frames:
        shape[len(shape) - ramp :] = rise[::-1]
    return shape


def load(folder: Path, placement: Placement, source: CheckpointInfo) -> DanceDiffusion:
    """The checkpoint in ``folder`` (diffusers' layout). Raises WeightsError."""
    older = _time_embedding(folder / "unet")
    unet = from_folder(pipeline_class("UNet1DModel"), folder / "unet", placement.dtype, **older)
    scheduler_folder = folder / "scheduler"
    kind = _json(scheduler_folder / "scheduler_config.json").get("_class_name")
    if kind != "IPNDMScheduler":
        raise WeightsError(f"{source.name} is made for the sampler {kind}; Dance Diffusion uses IPNDMScheduler")
    scheduler = pipeline_class("IPNDMScheduler").from_pretrained(scheduler_folder, local_files_only=True)
    return DanceDiffusion(unet.to(placement.device).eval(), scheduler, source)


def _time_embedding(unet: Path) -> dict[str, int]:
    """The size of the time embedding where the configuration leaves it out, as the weights have it.

    Older checkpoints rely on 16; today's diffusers derives it from the channels and does not write it down either.
    """
    written = _json(unet / "config.json")
    if written.get("time_embedding_type", "fourier") != "fourier" or written.get("time_embedding_dim") is not None:
        return {}
    frequencies = _length_of(_TIME_PROJECTION, unet)
    if frequencies is not None:
        return {"time_embedding_dim": 2 * frequencies}  # a sine and a cosine of each
    return {"time_embedding_dim": int(written.get("extra_in_channels") or FIRST_TIME_EMBEDDING)}


def _length_of(name: str, folder: Path) -> int | None:
    """The first dimension of an array among a network's weights, without reading them; None where it is not there."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as weights:
                if name in weights.keys():  # noqa: SIM118
                    return int(weights.get_slice(name).get_shape()[0])
        except (OSError, SafetensorError):
            continue  # whoever reads them says what is wrong with them
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as broken:
        raise WeightsError(f"{path} cannot be read ({type(broken).__name__}); the download is incomplete") from broken
