"""The composer network: a transformer over the grid that guesses masked cells (see :mod:`noisician.composer`)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from noisician.composer.conditions import SECTION_IDS, STEP_FEATURES, STYLE_FEATURES, WINDOW_STEPS
from noisician.score.grid import STREAMS, VOCABULARY
from noisician.training.transformer import Backbone


@dataclass(frozen=True)
class ComposerConfig:
    width: int = 256
    blocks: int = 8
    steps: int = WINDOW_STEPS


class ComposerNet(nn.Module):
    """``tokens [B, T, streams]`` (vocabulary size = masked), ``place [B, T]``, ``kind [B, T]`` int64,
    ``features [B, T, STEP_FEATURES]``, ``style [B, STYLE_FEATURES]``, ``known [B]`` 1 or 0 for "no style"
    → logits of every stream side by side ``[B, T, sum(VOCABULARY)]``.
    """

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        sizes = [VOCABULARY[stream] for stream in STREAMS]
        # One table for all streams: a stream's tokens start where the previous stream's end.
        self.token = nn.Embedding(sum(sizes) + len(sizes), width)
        starts = torch.tensor([sum(sizes[:place]) + place for place in range(len(sizes))])
        self.starts: Tensor
        self.register_buffer("starts", starts, persistent=False)
        self.place = nn.Embedding(16, width)
        self.kind = nn.Embedding(len(SECTION_IDS) + 5, width)
        self.feature = nn.Linear(STEP_FEATURES, width)
        self.style = nn.Sequential(nn.Linear(STYLE_FEATURES + 1, width), nn.SiLU(), nn.Linear(width, width))
        self.backbone = Backbone(width, config.blocks, config.steps)
        self.out = nn.Linear(width, sum(sizes))
        for embedding in (self.token, self.place, self.kind):
            nn.init.normal_(embedding.weight, std=0.2)

    def forward(
        self, tokens: Tensor, place: Tensor, kind: Tensor, features: Tensor, style: Tensor, known: Tensor
    ) -> Tensor:
        x = self.token(tokens + self.starts).sum(dim=2) + self.place(place) + self.kind(kind) + self.feature(features)
        known = known[:, None]
        condition = self.style(torch.cat([style * known, known], dim=-1))
        return self.out(self.backbone(x + condition[:, None], condition))
