"""The singing network: what a phrase sounds like, frame by frame, given its phones, its pitch and who sings.

An encoder reads the conditions and predicts the mean of every feature. What the mean leaves out (the small motions that
keep a held vowel alive) is drawn by a rectified flow, which sees the encoder's reading and a noisy residual

    r_t = (1 − t) r + t ε,   r = (features − mean) / spread,

and predicts the velocity ε − r. Both are stacks of gated dilated convolutions (van den Oord et al., arXiv 1609.03499;
gated linear units, arXiv 1612.08083), each written as one product with three shifted copies of its input: ONNX Runtime
has no fast Conv1d on CPUs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noisician.training.transformer import time_features
from noisician.vocals.frames import CHANNELS, FEATURES, SPEAKERS

#: Controls that are style, hidden together with the speaker when a batch item is told nothing of either.
STYLE_CHANNELS = ("effort", "breath", "vibrato", "energy")
#: A formant warp is a logarithm of about ±0.15; the network likes numbers of order one.
WARP_SCALE = 8.0
#: Spread of the residual a fresh network assumes, in standard deviations of the feature; then measured as it trains.
FIRST_SPREAD = 0.5
SPREAD_MOMENTUM = 0.01


@dataclass(frozen=True)
class VocalsConfig:
    width: int = 256
    encoder_blocks: int = 4
    flow_blocks: int = 8
    speaker_width: int = 64
    phone_width: int = 64
    phones: int = 48  # room for phones yet to be appended


class GatedBlock(nn.Module):
    """``x + W_o · (a ⊙ σ(b))`` with ``a, b`` from the frames t − d, t, t + d and, where given, the condition."""

    def __init__(self, width: int, dilation: int, conditioned: bool) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.taps = nn.Linear(3 * width, 2 * width)
        self.condition = nn.Linear(width, 2 * width, bias=False) if conditioned else None
        self.out = nn.Linear(width, width)
        nn.init.normal_(self.out.weight, std=0.3 / math.sqrt(width))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        reach = self.dilation
        padded = F.pad(self.norm(x), (0, 0, reach, reach))
        mixed = self.taps(torch.cat([padded[:, : -2 * reach], padded[:, reach:-reach], padded[:, 2 * reach :]], dim=-1))
        if self.condition is not None and condition is not None:
            mixed = mixed + self.condition(condition)
        level, gate = mixed.chunk(2, dim=-1)
        return x + self.out(level * torch.sigmoid(gate))


def _dilation(block: int) -> int:
    return 2 ** (block % 4)


class VocalsNet(nn.Module):
    """``ids [B, T, 3]`` int64 (phone, previous, following), ``controls [B, T, CHANNELS]``, ``mixture [B, SPEAKERS]``,
    ``warp [B]`` (log formant factor), ``known [B]`` 1 or 0 for "nobody in particular", ``residual_t [B, T, 106]``,
    ``t [B]`` → (mean in dB, residual at t = 0 in units of its spread, features of that residual in dB), each
    ``[B, T, 106]``.
    """

    def __init__(self, config: VocalsConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.phone = nn.ModuleList(nn.Embedding(config.phones, config.phone_width) for _ in range(3))
        self.speaker = nn.Linear(len(SPEAKERS), config.speaker_width, bias=False)
        self.warp = nn.Linear(1, config.speaker_width)
        self.anyone = nn.Parameter(torch.zeros(config.speaker_width))
        self.inputs = nn.Linear(3 * config.phone_width + len(CHANNELS) + config.speaker_width, width)
        self.encoder = nn.ModuleList(GatedBlock(width, _dilation(i), False) for i in range(config.encoder_blocks))
        self.encoded_norm = nn.LayerNorm(width)
        self.mean = nn.Linear(width, FEATURES)
        self.residual_in = nn.Linear(FEATURES, width)
        self.time = nn.Sequential(nn.Linear(128, width), nn.SiLU(), nn.Linear(width, width))
        self.flow = nn.ModuleList(GatedBlock(width, _dilation(i), True) for i in range(config.flow_blocks))
        self.flow_norm = nn.LayerNorm(width)
        self.velocity = nn.Linear(width, FEATURES)
        nn.init.normal_(self.speaker.weight, std=0.5)
        nn.init.zeros_(self.velocity.weight)
        nn.init.zeros_(self.velocity.bias)
        self.feature_mean: Tensor
        self.feature_std: Tensor
        self.spread: Tensor
        self.is_style: Tensor
        self.register_buffer("feature_mean", torch.zeros(FEATURES))
        self.register_buffer("feature_std", torch.ones(FEATURES))
        self.register_buffer("spread", torch.full((FEATURES,), FIRST_SPREAD))
        style = torch.tensor([float(name in STYLE_CHANNELS) for name in CHANNELS])
        self.register_buffer("is_style", style, persistent=False)

    def encode(self, ids: Tensor, controls: Tensor, mixture: Tensor, warp: Tensor, known: Tensor) -> Tensor:
        """What the conditions say, ``[B, T, width]``."""
        known = known[:, None]
        speaker = self.speaker(mixture) + self.warp(WARP_SCALE * warp[:, None])
        speaker = known * speaker + (1 - known) * self.anyone
        controls = controls * (1 - self.is_style * (1 - known[:, None]))
        phones = [table(ids[..., place]) for place, table in enumerate(self.phone)]
        everywhere = speaker[:, None].expand(-1, ids.shape[1], -1)
        x = self.inputs(torch.cat([*phones, controls, everywhere], dim=-1))
        for block in self.encoder:
            x = block(x)
        return self.encoded_norm(x)

    def flow_velocity(self, condition: Tensor, residual_t: Tensor, t: Tensor) -> Tensor:
        """ε − r, ``[B, T, 106]``."""
        condition = F.silu(condition + self.time(time_features(t))[:, None])
        x = self.residual_in(residual_t) + condition
        for block in self.flow:
            x = block(x, condition)
        return self.velocity(self.flow_norm(x)).float()

    def forward(
        self,
        ids: Tensor,
        controls: Tensor,
        mixture: Tensor,
        warp: Tensor,
        known: Tensor,
        residual_t: Tensor,
        t: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        condition = self.encode(ids, controls, mixture, warp, known)
        mean = self.mean(condition)
        residual = residual_t - t[:, None, None] * self.flow_velocity(condition, residual_t, t)
        features = mean + self.spread * residual
        return self._in_db(mean), residual, self._in_db(features)

    def _in_db(self, features: Tensor) -> Tensor:
        return features * self.feature_std + self.feature_mean

    def normalise(self, features_db: Tensor) -> Tensor:
        return (features_db - self.feature_mean) / self.feature_std

    @torch.no_grad()
    def measure_spread(self, residual: Tensor, weight: Tensor) -> None:
        """Moves the spread towards that of a batch's residuals ``[B, T, 106]`` (in standard deviations)."""
        power = (weight * residual.square()).sum((0, 1)) / weight.sum((0, 1)).clamp_min(1)
        self.spread.lerp_(power.sqrt().clamp_min(0.02), SPREAD_MOMENTUM)
