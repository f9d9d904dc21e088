"""The renderer network: a transformer that guesses a clean mel from a noisy one, shown the instrument and the notes.

It sees a sketch made of the instrument's own recordings, and the mean it predicts is the sketch plus a correction: what
it learns is how instruments behave, not what each sounds like. It knows no instrument by number, only what kind it is
(TRAITS).

It predicts x₀ (the clean mel) rather than the velocity: four mel frames make one token of 512 numbers, more than the
network is wide, and a plain transformer copes with that only in the clean signal's own low-dimensional space, behind a
low-rank embedding (JiT, arXiv 2511.13720).

What does not fit through that embedding is fine texture. So the network says two things of every cell: its mean m and
the spread τ of the texture around it. For Gaussian texture the best guess given x_t = (1 − t) x + t ε is Wiener's,

    x₀ = m + s (x_t / (1 − t) − m),   s = τ² / (τ² + σ²),   σ = t / (1 − t),

which trusts the noisy cell itself once the noise is finer than the texture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noisician.mel import MEL_BANDS
from noisician.renderer.conditions import FEATURES
from noisician.renderer.traits import TRAITS
from noisician.training.transformer import Backbone, time_features

#: Spread of the texture a fresh network assumes, and the range of its logarithm, in units of MEL_STD.
FIRST_TEXTURE = 0.15
LOG_TEXTURE_RANGE = (-7.0, 0.5)


@dataclass(frozen=True)
class RendererConfig:
    width: int = 256
    blocks: int = 8
    bottleneck: int = 128
    frames_per_token: int = 4
    window_tokens: int = 128


class RendererNet(nn.Module):
    """``mel_t [B, F, 128]`` noisy, ``t [B]``, ``sketch [B, F, 128]``, ``roll [B, F, FEATURES]`` and ``traits [B, 7]`` →
    clean mel ``[B, F, 128]``; mels and sketch are normalised.
    """

    def __init__(self, config: RendererConfig) -> None:
        super().__init__()
        self.config = config
        width, group = config.width, config.frames_per_token
        cells = MEL_BANDS * group
        self.mel_in = nn.Sequential(
            nn.Linear(cells, config.bottleneck, bias=False), nn.Linear(config.bottleneck, width)
        )
        self.sketch_in = nn.Linear(cells, width, bias=False)
        self.roll_in = nn.Linear(FEATURES * group, width)
        self.mix = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(approximate="tanh"), nn.Linear(2 * width, width))
        self.kind = nn.Linear(len(TRAITS), width)
        self.time = nn.Sequential(nn.Linear(128, width), nn.SiLU(), nn.Linear(width, width))
        self.backbone = Backbone(width, config.blocks, config.window_tokens)
        self.out = nn.Linear(width, cells)
        self.texture = nn.Linear(width, cells)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        nn.init.zeros_(self.texture.weight)
        nn.init.constant_(self.texture.bias, math.log(FIRST_TEXTURE))

    def forward(self, mel_t: Tensor, t: Tensor, sketch: Tensor, roll: Tensor, traits: Tensor) -> Tensor:
        batch, frames, bands = mel_t.shape
        group = self.config.frames_per_token
        tokens = frames // group
        kind = self.kind(traits)
        shown = self.sketch_in(sketch.reshape(batch, tokens, bands * group))
        shown = shown + self.roll_in(roll.reshape(batch, tokens, FEATURES * group)) + kind[:, None]
        shown = shown + self.mix(F.silu(shown))
        x = self.mel_in(mel_t.reshape(batch, tokens, bands * group)) + shown
        x = self.backbone(x, self.time(time_features(t)) + kind)
        mean = sketch + self.out(x).float().reshape(batch, frames, bands)
        spread = torch.exp(self.texture(x).float().clamp(*LOG_TEXTURE_RANGE)).reshape(batch, frames, bands)
        return wiener(mel_t, mean, spread, t[:, None, None])


def wiener(mel_t: Tensor, mean: Tensor, spread: Tensor, t: Tensor) -> Tensor:
    """The guess above, written so that t = 1 divides by nothing."""
    signal = (spread * (1 - t)).square()
    weight = signal / (signal + t.square() + 1e-8)
    return mean * (1 - weight) + mel_t * (spread.square() * (1 - t) / (signal + t.square() + 1e-8))
