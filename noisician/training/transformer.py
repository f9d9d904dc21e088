"""The transformer that renderer and composer share: RMSNorm, RoPE, QK-norm, SwiGLU, AdaLN-single.

References: RMSNorm arXiv 1910.07467, RoPE 2104.09864, QK-norm 2010.04245, SwiGLU 2002.05202, AdaLN-single 2310.00426.
Written with plain matrix products so that it exports to ONNX as such.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD_WIDTH = 64
ROPE_BASE = 10_000.0


class RMSNorm(nn.Module):
    """x / rms(x), written out because ONNX has no such operator before opset 23."""

    def __init__(self, width: int | None = None) -> None:
        super().__init__()
        self.weight = None if width is None else nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        normal = x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-6).to(x.dtype)
        return normal if self.weight is None else normal * self.weight.to(x.dtype)


def rope_table(length: int) -> Tensor:
    """cos and sin of every position's angles, ``[2, length, HEAD_WIDTH / 2]``."""
    frequency = ROPE_BASE ** (-torch.arange(0, HEAD_WIDTH, 2) / HEAD_WIDTH)
    angle = torch.arange(length)[:, None] * frequency
    return torch.stack([angle.cos(), angle.sin()])


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Turns the two halves of each head ``[B, heads, T, HEAD_WIDTH]`` by the position's angles."""
    cosine, sine = table[0].to(x.dtype), table[1].to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


class Block(nn.Module):
    """Attention and SwiGLU, each behind a norm that the shared modulation shifts, scales and gates."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.norm = RMSNorm()
        self.query_norm, self.key_norm = RMSNorm(HEAD_WIDTH), RMSNorm(HEAD_WIDTH)
        self.modulation = nn.Parameter(torch.zeros(6, width))

    def forward(self, x: Tensor, modulation: Tensor, table: Tensor) -> Tensor:
        """``x [B, T, width]``, ``modulation [B, 6, width]``, ``table`` of :func:`rope_table`."""
        scale_a, shift_a, gate_a, scale_m, shift_m, gate_m = (modulation + self.modulation).unsqueeze(2).unbind(1)
        x = x + gate_a * self._attend(self.norm(x) * (1 + scale_a) + shift_a, table)
        up, gate = self.gate_up(self.norm(x) * (1 + scale_m) + shift_m).chunk(2, dim=-1)
        return x + gate_m * self.down(F.silu(gate) * up)

    def _attend(self, x: Tensor, table: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, length, 3, self.heads, HEAD_WIDTH).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = rotate(self.query_norm(q), table), rotate(self.key_norm(k), table)
        # Written out: at these lengths PyTorch's fused attention takes four times as long on a CPU, backwards.
        weights = torch.softmax((q @ k.transpose(-1, -2)).float() * HEAD_WIDTH**-0.5, dim=-1).to(v.dtype)
        mixed = weights @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class Backbone(nn.Module):
    """``blocks`` of the above under one modulation made from a condition vector ``[B, width]``."""

    def __init__(self, width: int, blocks: int, length: int) -> None:
        super().__init__()
        hidden = 64 * round(width * 8 / 3 / 64)
        self.width = width
        layers = [Block(width, hidden) for _ in range(blocks)]
        self.blocks = nn.ModuleList(layers)
        self.modulate = nn.Linear(width, 6 * width)
        self.norm = RMSNorm(width)
        self.table: Tensor
        self.register_buffer("table", rope_table(length), persistent=False)
        with torch.no_grad():
            gates = self.modulate.bias.view(6, width)
            gates[2], gates[5] = 0.2, 0.2  # residual branches start small but not shut: faster at this size
        for block in layers:
            for projection in (block.out, block.down):
                nn.init.normal_(projection.weight, std=0.02 / math.sqrt(2 * blocks))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        modulation = self.modulate(F.silu(condition)).reshape(-1, 6, self.width)
        table = self.table[:, : x.shape[1]]
        for block in self.blocks:
            x = block(x, modulation, table)
        return self.norm(x)


def time_features(t: Tensor, count: int = 128) -> Tensor:
    """Sines and cosines of ``t [B]`` in 0 … 1 at ``count / 2`` frequencies from 1000 down to 1 rad."""
    frequency = 1000 * torch.exp(-math.log(1000) * torch.arange(count // 2, device=t.device) / (count // 2 - 1))
    angle = t[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
