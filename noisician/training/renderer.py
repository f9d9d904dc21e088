"""The renderer network: a transformer that guesses a clean mel from a noisy one, given the notes.

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
from noisician.renderer.conditions import FEATURES, PITCHES, harmonic_templates
from noisician.styles import TIMBRE_TAGS, instruments
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
    instruments: int = 192  # room for entries yet to be appended; the last row is "any instrument"


class RendererNet(nn.Module):
    """``mel_t [B, F, 128]`` noisy and normalised, ``t [B]``, ``roll [B, F, FEATURES]``, ``instrument [B]`` int64,
    ``articulations [B, 4]`` 0/1, ``known [B]`` 1 or 0 for "no conditions" → clean mel ``[B, F, 128]``.
    """

    def __init__(self, config: RendererConfig) -> None:
        super().__init__()
        self.config = config
        width, group = config.width, config.frames_per_token
        self.mel_in = nn.Sequential(
            nn.Linear(MEL_BANDS * group, config.bottleneck, bias=False), nn.Linear(config.bottleneck, width)
        )
        self.roll_in = nn.Linear(FEATURES * group, width)
        self.skeleton_in = nn.Linear(2 * MEL_BANDS * group, width, bias=False)
        self.roll_mix = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(approximate="tanh"), nn.Linear(2 * width, width)
        )
        self.instrument = nn.Embedding(config.instruments, width)
        self.articulation = nn.Linear(len(TIMBRE_TAGS), width, bias=False)
        self.time = nn.Sequential(nn.Linear(128, width), nn.SiLU(), nn.Linear(width, width))
        self.backbone = Backbone(width, config.blocks, config.window_tokens)
        self.out = nn.Linear(width, MEL_BANDS * group)
        self.texture = nn.Linear(width, MEL_BANDS * group)
        nn.init.normal_(self.instrument.weight, std=0.5)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        nn.init.zeros_(self.texture.weight)
        nn.init.constant_(self.texture.bias, math.log(FIRST_TEXTURE))
        pitched = torch.zeros(config.instruments)
        for instrument in instruments().values():
            pitched[instrument.index] = float(instrument.excitation == "harmonic")
        self.pitched: Tensor
        self.templates: Tensor
        self.register_buffer("pitched", pitched, persistent=False)
        self.register_buffer("templates", torch.from_numpy(harmonic_templates()), persistent=False)

    @property
    def any_instrument(self) -> int:
        return self.config.instruments - 1

    def forward(
        self, mel_t: Tensor, t: Tensor, roll: Tensor, instrument: Tensor, articulations: Tensor, known: Tensor
    ) -> Tensor:
        batch, frames, bands = mel_t.shape
        group = self.config.frames_per_token
        tokens = frames // group
        known = known[:, None]
        sound = self.instrument(instrument) + self.articulation(articulations)
        sound = known * sound + (1 - known) * self.instrument.weight[self.any_instrument]
        skeleton = self._skeleton(roll, instrument).reshape(batch, tokens, 2 * bands * group)
        notes = (
            self.roll_in(roll.reshape(batch, tokens, FEATURES * group)) + self.skeleton_in(skeleton) + sound[:, None]
        )
        notes = notes + self.roll_mix(F.silu(notes))
        x = self.mel_in(mel_t.reshape(batch, tokens, bands * group)) + known[:, None] * notes
        x = self.backbone(x, self.time(time_features(t)) + sound)
        mean = self.out(x).float().reshape(batch, frames, bands)
        spread = torch.exp(self.texture(x).float().clamp(*LOG_TEXTURE_RANGE)).reshape(batch, frames, bands)
        return wiener(mel_t, mean, spread, t[:, None, None])

    def _skeleton(self, roll: Tensor, instrument: Tensor) -> Tensor:
        """Harmonics of the notes held and of those still ringing, on a log scale: ``[B, F, 2 · 128]`` in 0 … 1."""
        held_and_ringing = roll.reshape(*roll.shape[:2], 3, PITCHES)[:, :, 1:] @ self.templates
        levels = 1 + torch.log(held_and_ringing + 1e-3) / 6.9
        return (levels * self.pitched[instrument][:, None, None, None]).flatten(2)


def wiener(mel_t: Tensor, mean: Tensor, spread: Tensor, t: Tensor) -> Tensor:
    """The guess above, written so that t = 1 divides by nothing."""
    signal = (spread * (1 - t)).square()
    weight = signal / (signal + t.square() + 1e-8)
    return mean * (1 - weight) + mel_t * (spread.square() * (1 - t) / (signal + t.square() + 1e-8))
