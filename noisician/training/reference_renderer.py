"""The renderer network that is shown the instrument: it refines a sketch made of the instrument's own recordings.

As in :mod:`noisician.training.renderer` it predicts the clean mel from a noisy one, as a mean and a spread of texture.
Beside the noisy mel it sees the sketch, and the mean it predicts is the sketch plus a correction: what it learns is how
instruments behave, not what each sounds like. It knows no instrument by number, only what kind it is (TRAITS).
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
from noisician.styles import TIMBRE_TAGS
from noisician.training.renderer import FIRST_TEXTURE, LOG_TEXTURE_RANGE, wiener
from noisician.training.transformer import Backbone, time_features


@dataclass(frozen=True)
class ReferenceRendererConfig:
    width: int = 256
    blocks: int = 8
    bottleneck: int = 128
    frames_per_token: int = 4
    window_tokens: int = 128


class ReferenceRendererNet(nn.Module):
    """``mel_t [B, F, 128]`` noisy, ``t [B]``, ``sketch [B, F, 128]``, ``roll [B, F, FEATURES]``, ``traits [B, 7]`` and
    ``articulations [B, 4]`` 0/1 → clean mel ``[B, F, 128]``; mels and sketch are normalised.
    """

    def __init__(self, config: ReferenceRendererConfig) -> None:
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
        self.kind = nn.Linear(len(TRAITS) + len(TIMBRE_TAGS), width)
        self.time = nn.Sequential(nn.Linear(128, width), nn.SiLU(), nn.Linear(width, width))
        self.backbone = Backbone(width, config.blocks, config.window_tokens)
        self.out = nn.Linear(width, cells)
        self.texture = nn.Linear(width, cells)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        nn.init.zeros_(self.texture.weight)
        nn.init.constant_(self.texture.bias, math.log(FIRST_TEXTURE))

    def forward(
        self, mel_t: Tensor, t: Tensor, sketch: Tensor, roll: Tensor, traits: Tensor, articulations: Tensor
    ) -> Tensor:
        batch, frames, bands = mel_t.shape
        group = self.config.frames_per_token
        tokens = frames // group
        kind = self.kind(torch.cat([traits, articulations], dim=-1))
        shown = self.sketch_in(sketch.reshape(batch, tokens, bands * group))
        shown = shown + self.roll_in(roll.reshape(batch, tokens, FEATURES * group)) + kind[:, None]
        shown = shown + self.mix(F.silu(shown))
        x = self.mel_in(mel_t.reshape(batch, tokens, bands * group)) + shown
        x = self.backbone(x, self.time(time_features(t)) + kind)
        mean = sketch + self.out(x).float().reshape(batch, frames, bands)
        spread = torch.exp(self.texture(x).float().clamp(*LOG_TEXTURE_RANGE)).reshape(batch, frames, bands)
        return wiener(mel_t, mean, spread, t[:, None, None])
