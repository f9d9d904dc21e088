"""ACE-Step 1.5: songs from a description, lyrics with section tags, tempo, key and metre.

The checkpoint varies a file (a cover), repaints stretches of it and takes the sound of a reference. Its own tasks for
single tracks and the language model that plans songs are no part of this.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from noisician.errors import RequestError
from noisician.models.checkpoints.family import Job, OnStep, Song
from noisician.models.checkpoints.pipelines import from_folder, pipeline_class
from noisician.models.checkpoints.placement import settle
from noisician.models.checkpoints.speed import Economy, Numbers, lower_linears, numbers_for
from noisician.models.checkpoints.stretches import DEFAULT_STRENGTH, check_job, exact_length, frame_count, keep_outside
from noisician.models.protocol import Capabilities
from noisician.request import Feature, Preset

if TYPE_CHECKING:
    from noisician.models.checkpoints.catalogue import CheckpointInfo
    from noisician.models.checkpoints.placement import Placement

#: What the checkpoints were trained on. The pipeline itself sets no limit; the silence it pads with lasts 600 s.
LENGTH_RANGE_S = (10.0, 600.0)
FEATURES: frozenset[Feature] = frozenset(
    {"text", "lyrics", "tempo", "key", "time_signature", "init_audio", "repaint", "reference_audio"}
)
#: Turbo checkpoints are distilled for 8 steps without guidance.
TURBO_ECONOMIES: dict[Preset, Economy] = {
    "reference": Economy(steps=8),
    "balanced": Economy(steps=8, cheaper_numbers="bfloat16"),
    "fast": Economy(steps=4, cheaper_numbers="any"),
}
#: For the others the authors recommend 32 … 64. Late steps settle detail, which guidance has little to say about.
BASE_ECONOMIES: dict[Preset, Economy] = {
    "reference": Economy(steps=32),
    "balanced": Economy(steps=32, guided=(0.0, 0.8), cheaper_numbers="bfloat16"),
    "fast": Economy(steps=16, guided=(0.0, 0.6), cheaper_numbers="any"),
}
#: How far the schedule leans towards the noisy end, t = s·u / (1 + (s − 1)·u); the pipeline's own value.
SHIFT = 3.0
INSTRUMENTAL = "[Instrumental]"
#: What ACE-Step calls a language that is not stated.
ANY_LANGUAGE = "unknown"
#: The pipeline cuts longer texts without a word.
PROMPT_LIMIT_TOKENS, LYRICS_LIMIT_TOKENS = 256, 2048
#: What it calls a metre; it knows no others, and is told nothing of them.
METRES = {"2/4": "2", "3/4": "3", "4/4": "4", "6/8": "6", "9/8": "6", "12/8": "6"}
#: Beyond this the decoder works in overlapping pieces, to save memory; the samples are the same to rounding.
WHOLE_DECODE_S = 60.0


class AceStep:
    """A checkpoint of ACE-Step 1.5. Not for use by two threads at once."""

    def __init__(self, pipeline: Any, folder: Path, placement: Placement, source: CheckpointInfo) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._placement = placement
        self._numbers: Numbers = "as loaded"
        self._capabilities = Capabilities(
            name=source.name,
            features=FEATURES,
            duration_range_s=LENGTH_RANGE_S,
            sample_rate_hz=int(pipeline.sample_rate),
            licence=source.licence,
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def channels(self) -> int:
        return int(self._pipeline.vae.config.audio_channels)

    @torch.no_grad()
    def sample(self, job: Job, on_step: OnStep) -> np.ndarray:
        """See :class:`noisician.models.checkpoints.family.Family`.

        "reference" is the plain pipeline bit for bit up to ``WHOLE_DECODE_S``. With ``repaint`` what lies outside the
        stretches is returned as it was; ``strength`` 0 returns ``init`` itself and 1 what the words alone give, at the
        level the checkpoint made it (the pipeline brings what it makes from words alone to −1 dBFS).
        """
        check_job(job, self._capabilities.duration_range_s, self.channels, self._rate_hz)
        economy = (TURBO_ECONOMIES if self._pipeline.is_turbo else BASE_ECONOMIES)[job.preset]
        arguments = self._arguments(job, economy)
        self._prepare(economy)
        self._decode_in_pieces(job.duration_s > WHOLE_DECODE_S)
        if job.init is not None and job.repaint:
            audio = self._repaint(job, job.init, arguments, on_step)
        elif job.init is not None:
            audio = self._vary(job, job.init, arguments, on_step)
        else:
            made = self._call(job, arguments, on_step, output_type="np")
            audio = made[0].T
        on_step(1.0)
        audio = exact_length(audio, frame_count(job.duration_s, self._rate_hz))
        return np.ascontiguousarray(audio, dtype=np.float32)

    def _vary(self, job: Job, init: np.ndarray, arguments: dict[str, Any], on_step: OnStep) -> np.ndarray:
        """A cover that starts from ``init`` under noise, so that little strength changes little.

        Strength s noises the latents to the level of schedule place s and denoises from there (SDEdit, arXiv:
        2108.01073), while the codes of ``init`` weigh 1 − s against the words alone. A checkpoint without the audio
        tokenizer that makes those codes goes by the noise alone.
        """
        strength = DEFAULT_STRENGTH if job.strength is None else job.strength
        steps = math.ceil(strength * arguments["num_inference_steps"])
        if steps == 0:
            return init.copy()
        clean = self._encode(init)
        noise = self._noise(job.seed, clean)
        if strength < 1.0:
            times = _schedule(strength, steps)
            arguments = arguments | self._cover(init, strength)
            arguments |= {"timesteps": times, "latents": (1.0 - times[0]) * clean + times[0] * noise}
        made = self._call(job, arguments | {"num_inference_steps": steps}, on_step, output_type="latent")
        return self._decode(made)

    def _cover(self, init: np.ndarray, strength: float) -> dict[str, Any]:
        if self._pipeline.audio_tokenizer is None or self._pipeline.audio_token_detokenizer is None:
            return {}
        return {"task_type": "cover", "src_audio": self._tensor(init), "audio_cover_strength": 1.0 - strength}

    def _repaint(self, job: Job, init: np.ndarray, arguments: dict[str, Any], on_step: OnStep) -> np.ndarray:
        """One pass for each stretch, which hears the ones before it."""
        per_second = self._pipeline.latents_per_second
        audio = init
        for number, (start_s, end_s) in enumerate(job.repaint):
            task = {
                "task_type": "repaint",
                "src_audio": self._tensor(audio),
                "repainting_start": start_s,
                # The pipeline rounds down; the stretch needs every latent that it touches.
                "repainting_end": (math.ceil(end_s * per_second) + 0.5) / per_second,
            }
            share_of = _pass(on_step, number, len(job.repaint))
            made = self._decode(self._call(job, arguments | task, share_of, output_type="latent"))
            made = exact_length(made, len(init))
            audio = keep_outside(made, audio, ((start_s, end_s),), self._rate_hz)
        return audio

    def _call(self, job: Job, arguments: dict[str, Any], on_step: OnStep, output_type: str) -> Any:
        """The pipeline's answer; the share that is left after the last step is the decoder's."""
        total = arguments["num_inference_steps"] + 1

        def report(pipeline: Any, index: int, time: float, tensors: dict[str, Any]) -> dict[str, Any]:
            on_step((index + 1) / total)
            return {}

        generator = torch.Generator("cpu").manual_seed(job.seed)
        with _seeded(job.seed, self._placement.device):
            return self._pipeline(
                generator=generator, callback_on_step_end=report, output_type=output_type, **arguments
            ).audios

    def _arguments(self, job: Job, economy: Economy) -> dict[str, Any]:
        """What every task is told. Raises RequestError for what ACE-Step does not understand."""
        song = job.song
        lyrics = (song.lyrics or "").strip() or INSTRUMENTAL
        arguments: dict[str, Any] = {
            "prompt": job.prompt,
            "lyrics": lyrics,
            "vocal_language": song.language or ANY_LANGUAGE,
            "audio_duration": job.duration_s,
            "num_inference_steps": job.steps or economy.steps,
            "shift": SHIFT,
            "bpm": None if song.tempo_bpm is None else round(song.tempo_bpm),
            "keyscale": _key(song),
            "timesignature": METRES.get(song.time_signature or ""),
        }
        self._check_lengths(arguments)
        if job.reference is not None:
            arguments["reference_audio"] = self._tensor(job.reference)
        return arguments | self._guidance(job, economy)

    def _guidance(self, job: Job, economy: Economy) -> dict[str, Any]:
        if self._pipeline.is_turbo:
            if job.guidance_scale is not None and job.guidance_scale > 1:
                raise RequestError(
                    f"guidance {job.guidance_scale:g} has no effect on {self._capabilities.name}: "
                    "guidance is distilled into turbo checkpoints; leave it out or take a base checkpoint"
                )
            return {"guidance_scale": 1.0}
        told = {} if job.guidance_scale is None else {"guidance_scale": job.guidance_scale}
        # The pipeline counts in noise that is gone, an economy in steps.
        return told | {"cfg_interval_end": 1.0 - _noise_level(1.0 - economy.guided[1])}

    def _prepare(self, economy: Economy) -> None:
        """The large layers in the numbers ``economy`` asks for; wide weights that were given up are read again."""
        wanted = numbers_for(economy, self._placement)
        if wanted == self._numbers:
            return
        if self._numbers != "as loaded":
            wide = type(self._pipeline.transformer)
            self._pipeline.transformer = from_folder(wide, self._folder / "transformer", "float32")
        lower_linears(self._pipeline.transformer.layers, wanted)
        self._numbers = wanted

    def _check_lengths(self, arguments: dict[str, Any]) -> None:
        keys = ("prompt", "lyrics", "vocal_language", "audio_duration", "bpm", "keyscale", "timesignature")
        written = self._pipeline._format_prompt(**{key: arguments[key] for key in keys})
        limits = (("prompt", PROMPT_LIMIT_TOKENS), ("lyrics", LYRICS_LIMIT_TOKENS))
        for text, (name, limit) in zip(written, limits, strict=True):
            tokens = len(self._pipeline.tokenizer(text).input_ids)
            if tokens > limit:
                raise RequestError(
                    f"{name} takes {tokens} tokens with what {self._capabilities.name} adds, "
                    f"over its {limit}; shorten it"
                )

    def _decode_in_pieces(self, wanted: bool) -> None:
        vae = self._pipeline.vae
        if wanted and hasattr(vae, "enable_tiling"):
            vae.enable_tiling()
        elif not self._placement.offload and hasattr(vae, "disable_tiling"):
            vae.disable_tiling()

    def _encode(self, audio: np.ndarray) -> torch.Tensor:
        """The mean of the latents, ``[1, latents, dim]``."""
        vae = self._pipeline.vae
        samples = self._tensor(audio)[None].to(self._placement.device, vae.dtype)
        return vae.encode(samples).latent_dist.mode().transpose(1, 2).to(self._pipeline.transformer.dtype)

    def _decode(self, latents: torch.Tensor) -> np.ndarray:
        return self._pipeline.vae.decode(latents.transpose(1, 2)).sample[0].float().cpu().numpy().T

    def _noise(self, seed: int, like: torch.Tensor) -> torch.Tensor:
        from diffusers.utils.torch_utils import randn_tensor

        generator = torch.Generator("cpu").manual_seed(seed)
        return randn_tensor(tuple(like.shape), generator=generator, device=like.device, dtype=like.dtype)

    def _tensor(self, audio: np.ndarray) -> torch.Tensor:
        """``[frames, channels]`` → ``[channels, frames]``, filled up with silence to whole latents."""
        hop = round(self._rate_hz / self._pipeline.latents_per_second)
        padding = -len(audio) % hop
        return torch.from_numpy(np.pad(audio.T, ((0, 0), (0, padding))).astype(np.float32))

    @property
    def _rate_hz(self) -> int:
        return self._capabilities.sample_rate_hz


def _key(song: Song) -> str | None:
    """As ACE-Step writes it, "F# minor"; a key without a mode is major.

    The field is text that the encoder reads. The checkpoints learned it with major and minor only.
    """
    if song.key is None:
        return song.mode
    return f"{song.key} {song.mode or 'major'}"


def _schedule(start: float, steps: int) -> list[float]:
    """``steps`` noise levels from place ``start`` of the pipeline's schedule down, 0 left out."""
    return [_noise_level(start * (steps - step) / steps) for step in range(steps)]


def _noise_level(place: float) -> float:
    """The noise level of a place on the schedule, 1 at its beginning … 0 at its end."""
    return SHIFT * place / (1.0 + (SHIFT - 1.0) * place)


def _pass(on_step: OnStep, number: int, passes: int) -> Callable[[float], None]:
    return lambda share: on_step((number + share) / passes)


@contextmanager
def _seeded(seed: int, device: str) -> Iterator[None]:
    """The pipeline draws the latents of files from torch's own generators: seeded here, and afterwards as before."""
    kind, _, number = device.partition(":")
    with torch.random.fork_rng(devices=[int(number or 0)] if kind == "cuda" else []):
        torch.manual_seed(seed)
        yield


def load(folder: Path, placement: Placement, source: CheckpointInfo) -> AceStep:
    """The checkpoint in ``folder`` (diffusers' layout). Raises WeightsError where diffusers is too old."""
    pipeline = from_folder(pipeline_class("AceStepPipeline"), folder, placement.dtype)
    pipeline.set_progress_bar_config(disable=True)
    return AceStep(settle(pipeline, placement), folder, placement, source)
