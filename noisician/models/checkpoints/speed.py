"""What makes a checkpoint cheaper without other weights: narrower numbers, fewer passes, less decoding.

A preset is an :class:`Economy`. "reference" spends what the authors spend. "balanced" keeps their number of steps and
solver and only leaves out what does not reach the listener; "fast" also takes fewer steps with a solver that needs
fewer (DPM-Solver++ 2M, Lu et al. 2022, arXiv:2211.01095) and guides only in the middle of them (Kynkäänniemi et al.
2024, arXiv:2404.07724).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from noisician.models.checkpoints.pipelines import from_folder
from noisician.models.checkpoints.placement import Placement

Numbers = Literal["as loaded", "bfloat16", "int8"]

#: bfloat16 products are only faster where the processor has instructions for them.
_BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
#: Below this many weights a layer is not worth converting.
_SMALLEST_LAYER = 1 << 10


@dataclass(frozen=True)
class Economy:
    """How a preset samples.

    ``steps`` None: the checkpoint's own number. ``few_step_solver``: DPM-Solver++ 2M instead of the checkpoint's own.
    ``guided`` is the share of the steps (from, to) in which guidance acts; elsewhere the prompt alone is asked.
    ``margin_s`` is what is sampled beyond the end of the request where a checkpoint would fill its whole window, None
    the window itself. ``cheaper_numbers``: the widest of bfloat16 and int8 that the processor multiplies faster;
    ``narrow_decoder`` uses them for turning latents into samples too.
    """

    steps: int | None = None
    few_step_solver: bool = False
    guided: tuple[float, float] = (0.0, 1.0)
    margin_s: float | None = None
    cheaper_numbers: Literal["none", "bfloat16", "any"] = "none"
    narrow_decoder: bool = False

    def is_guided(self, step: int, steps: int) -> bool:
        """Whether step number ``step`` (from 0) of ``steps`` is guided."""
        return self.guided[0] <= (step + 0.5) / steps < self.guided[1]


def numbers_for(economy: Economy, placement: Placement) -> Numbers:
    """In which numbers the large linear layers multiply. Only a CPU holding float32 weights is ever changed."""
    if economy.cheaper_numbers == "none" or placement.device != "cpu" or placement.dtype != "float32":
        return "as loaded"
    if _multiplies_bfloat16():
        return "bfloat16"
    return "int8" if economy.cheaper_numbers == "any" and _multiplies_int8() else "as loaded"


def _multiplies_bfloat16() -> bool:
    """Whether this processor has bfloat16 instructions; False where torch is too old to say."""
    ask = getattr(torch.cpu, "get_capabilities", None)
    found = ask() if ask is not None else {}
    return any(bool(found.get(name)) for name in _BFLOAT16_INSTRUCTIONS)


def _multiplies_int8() -> bool:
    """Whether torch multiplies int8 matrices here, which it does faster than float32 ones from AVX2 on."""
    return hasattr(torch, "_int_mm") and torch.backends.cpu.get_cpu_capability() != "DEFAULT"


class Bfloat16Linear(nn.Module):
    """A linear layer that multiplies in bfloat16 and takes and gives what came in (float32 sums inside)."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        # Buffers, not parameters: the models ask their first parameter in which dtype they compute.
        self.register_buffer("weight", layer.weight.detach().to(torch.bfloat16), persistent=False)
        bias = None if layer.bias is None else layer.bias.detach().to(torch.bfloat16)
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return functional.linear(values.to(torch.bfloat16), self.weight, self.bias).to(values.dtype)


class Int8Linear(nn.Module):
    """A linear layer that multiplies in int8: one scale for each output's weights, one for each position's input."""

    weight: torch.Tensor
    scale: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = layer.weight.detach().float()
        scale = _int8_scale(weight)
        self.register_buffer("weight", (weight / scale).round().to(torch.int8).t(), persistent=False)
        self.register_buffer("scale", scale.t(), persistent=False)
        bias = None if layer.bias is None else layer.bias.detach().float()
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        rows = values.reshape(-1, values.shape[-1]).float()
        scale = _int8_scale(rows)
        whole = (rows / scale).round_().to(torch.int8)
        sums = torch._int_mm(whole, self.weight).float().mul_(scale)  # pyright: ignore[reportPrivateImportUsage]
        result = sums.mul_(self.scale) if self.bias is None else torch.addcmul(self.bias, sums, self.scale)
        return result.reshape(*values.shape[:-1], -1).to(values.dtype)


def _int8_scale(rows: torch.Tensor) -> torch.Tensor:
    """What brings the largest of each row to 127: ``[rows, 1]``."""
    return (rows.abs().amax(-1, keepdim=True) / 127).clamp_min(1e-12)


def lower_linears(module: nn.Module, numbers: Numbers) -> int:
    """Replaces every large ``nn.Linear`` inside ``module``, freeing the wide weights; how many were replaced."""
    if numbers == "as loaded":
        return 0
    narrow = Bfloat16Linear if numbers == "bfloat16" else Int8Linear
    replaced = 0
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear and child.weight.numel() >= _SMALLEST_LAYER:
                setattr(parent, name, narrow(child))
                replaced += 1
    return replaced


class NarrowParts:
    """A pipeline's transformer and decoder, in whichever numbers the preset at hand wants.

    The wide weights are given up when narrow ones take their place and read again when they are wanted back, so that
    only one set is in memory.
    """

    def __init__(self, pipe: Any, folder: Path, placement: Placement) -> None:
        self._pipe, self._folder, self._placement = pipe, folder, placement
        self._numbers: dict[str, Numbers] = {"transformer": "as loaded", "vae": "as loaded"}

    def prepare(self, economy: Economy) -> None:
        """Brings the pipeline's parts into the numbers that ``economy`` asks for."""
        numbers = numbers_for(economy, self._placement)
        self._bring("transformer", numbers)
        self._bring("vae", numbers if economy.narrow_decoder else "as loaded")

    def _bring(self, part: str, wanted: Numbers) -> None:
        if wanted == self._numbers[part]:
            return
        if self._numbers[part] != "as loaded":
            setattr(self._pipe, part, self._wide(part))
        model = getattr(self._pipe, part)
        lower_linears(model.transformer_blocks if part == "transformer" else model.decoder, wanted)
        self._numbers[part] = wanted

    def _wide(self, part: str) -> Any:
        return from_folder(type(getattr(self._pipe, part)), self._folder / part, "float32")


def dpm_solver_2m(
    predict: Callable[[torch.Tensor, int], torch.Tensor],
    noisy: torch.Tensor,
    levels: Sequence[tuple[float, float]],
    after: Callable[[torch.Tensor, int], torch.Tensor],
) -> torch.Tensor:
    """DPM-Solver++ 2M (arXiv:2211.01095, algorithm 2) in data prediction: x = α·x₀ + σ·noise.

    ``levels`` are the (α, σ) before each step and after the last, σ falling to 0. ``predict(x, step)`` gives x₀;
    ``after(x, steps_done)`` may change the sample between two steps.
    """
    log_snr = [_log_snr(alpha, sigma) for alpha, sigma in levels]
    before: torch.Tensor | None = None
    for step in range(len(levels) - 1):
        (_, sigma), (alpha_next, sigma_next) = levels[step], levels[step + 1]
        clean = predict(noisy, step)
        width = log_snr[step + 1] - log_snr[step]
        leading = clean
        # Nothing can be extrapolated from pure noise (infinite steps before) or to no noise at all (after).
        if before is not None and math.isfinite(width):
            ratio = (log_snr[step] - log_snr[step - 1]) / width
            leading = clean + (clean - before) / (2 * ratio)
        noisy = after((sigma_next / sigma) * noisy - alpha_next * math.expm1(-width) * leading, step + 1)
        before = clean
    return noisy


def _log_snr(alpha: float, sigma: float) -> float:
    if sigma == 0:
        return math.inf
    return -math.inf if alpha == 0 else math.log(alpha / sigma)


def decode_in_chunks(
    decode: Callable[[torch.Tensor], torch.Tensor], latents: torch.Tensor, chunk: int, overlap: int
) -> torch.Tensor:
    """``[1, channels, samples]`` of ``latents`` ``[1, dim, frames]``, ``chunk`` frames at a time.

    Each chunk is decoded with ``overlap`` neighbours on either side, which are then cut off: the same samples as all
    at once (to rounding) when no sample depends on frames farther away, in the memory of one chunk.
    """
    frames = latents.shape[-1]
    if frames <= chunk + overlap:
        return decode(latents)
    pieces = []
    for start in range(0, frames, chunk):
        end = min(start + chunk, frames)
        left, right = max(0, start - overlap), min(frames, end + overlap)
        piece = decode(latents[..., left:right])
        hop = piece.shape[-1] // (right - left)
        pieces.append(piece[..., (start - left) * hop : (end - left) * hop])
    return torch.cat(pieces, dim=-1)


def samples_of(audios: torch.Tensor) -> np.ndarray:
    """``[1, channels, samples]`` → float32 ``[samples, channels]``."""
    return np.ascontiguousarray(audios[0].float().cpu().numpy().T)


def encode_in_chunks(
    encode: Callable[[torch.Tensor], torch.Tensor], waves: torch.Tensor, hop: int, chunk: int, overlap: int
) -> torch.Tensor:
    """Latents ``[1, dim, frames]`` of ``waves`` ``[1, channels, samples]``, a frame every ``hop`` samples.

    The way back from :func:`decode_in_chunks`, with ``chunk`` and ``overlap`` in latent frames as well.
    """
    frames = -(-waves.shape[-1] // hop)
    if frames <= chunk + overlap:
        return encode(waves)
    pieces = []
    for start in range(0, frames, chunk):
        end = min(start + chunk, frames)
        left, right = max(0, start - overlap), min(frames, end + overlap)
        pieces.append(encode(waves[..., left * hop : right * hop])[..., start - left : end - left])
    return torch.cat(pieces, dim=-1)


def banded_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, reach: int) -> torch.Tensor:
    """Attention of every position to those at most ``reach`` away; all ``[batch, length, heads, dim]``.

    The same as full attention under a band mask, at a cost that grows with the length instead of its square.
    """
    batch, length, heads, dim = query.shape
    block = max(1, 4 * reach)
    blocks = -(-length // block)
    tail = blocks * block - length
    queries = functional.pad(query, (0, 0, 0, 0, 0, tail)).reshape(batch * blocks, block, heads, dim)

    def windows(values: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(values, (0, 0, 0, 0, reach, tail + reach))
        cut = padded.unfold(1, block + 2 * reach, block)  # [batch, blocks, heads, dim, window]
        return cut.permute(0, 1, 2, 4, 3).reshape(batch * blocks, heads, block + 2 * reach, dim)

    allowed = _band(length, block, blocks, reach, query.device).repeat(batch, 1, 1)[:, None]
    mixed = functional.scaled_dot_product_attention(
        queries.transpose(1, 2), windows(key), windows(value), attn_mask=allowed
    )
    return mixed.transpose(1, 2).reshape(batch, blocks * block, heads, dim)[:, :length]


def _band(length: int, block: int, blocks: int, reach: int, device: Any) -> torch.Tensor:
    """Which keys of each window each query sees: bool ``[blocks, block, block + 2 · reach]``."""
    queries = torch.arange(block, device=device)[:, None]
    keys = torch.arange(block + 2 * reach, device=device)[None] - reach
    near = (keys - queries).abs() <= reach
    positions = torch.arange(blocks, device=device)[:, None, None] * block + keys
    inside = (positions >= 0) & (positions < length)
    # A query beyond the end would see nothing and turn to NaN; it is cut off afterwards, so it may see itself.
    return (near & inside) | (keys == queries)
