"""Trains the composer on procedural songs and human scores: ``noisician train composer``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from noisician.composer.conditions import MASK_TOKENS, WINDOW_BARS
from noisician.corpus.songs import SongPack, open_songs
from noisician.errors import CorpusError
from noisician.score.grid import STREAMS, VOCABULARY
from noisician.score.model import METERS
from noisician.training.composer import ComposerConfig, ComposerNet
from noisician.training.loop import Run, RunSettings, load_checkpoint, mixed_precision, save_checkpoint

STYLE_DROPOUT = 0.1
CHORD = STREAMS.index("chord")


@dataclass(frozen=True)
class ComposerTraining:
    songs: Path
    run: Path
    settings: RunSettings = RunSettings(minutes=120, learning_rate=1e-3)
    config: ComposerConfig = ComposerConfig()
    batch: int = 8
    human_share: float = 0.15
    start_from: Path | None = None


@dataclass(frozen=True)
class Excerpts:
    """Network inputs (see ComposerNet), the true tokens and where they were masked ``[B, T, streams]``."""

    tokens: Tensor
    masked: Tensor
    place: Tensor
    kind: Tensor
    features: Tensor
    style: Tensor


def draw_mask(rng: np.random.Generator, steps: int, steps_per_bar: int, steps_per_beat: int) -> np.ndarray:
    """Which cells to hide, bool ``[steps, streams]``: every question the composer will be asked.

    Each stream is given, hidden or partly hidden, independently; often some bars are given as a whole
    (continuation, infilling). Chords are hidden by the beat, as they are written.
    """
    share = rng.choice([0.0, 1.0, -1.0], size=len(STREAMS), p=rng.dirichlet([1, 1.2, 1.8]))
    share = np.where(share < 0, rng.random(len(STREAMS)), share)
    if rng.random() < 0.3:
        share[:] = rng.random()
    masked = rng.random((steps, len(STREAMS))) < share
    beats = rng.random(steps // steps_per_beat) < share[CHORD]
    masked[:, CHORD] = np.repeat(beats, steps_per_beat)
    if rng.random() < 0.55:
        bars = steps // steps_per_bar
        given = np.ones(bars, bool)
        first = rng.integers(0, bars)
        given[first : first + rng.integers(1, bars + 1)] = False
        masked &= ~np.repeat(given, steps_per_bar)[:, None]
    return masked


def draw_excerpts(packs: list[tuple[SongPack, float]], batch: int, seed: int) -> Iterator[Excerpts]:
    """Endless windows of WINDOW_BARS bars; a batch shares one metre, so that it is rectangular."""
    rng = np.random.default_rng(seed)
    weights = np.array([weight for _, weight in packs])
    while True:
        pack = packs[rng.choice(len(packs), p=weights / weights.sum())][0]
        signature = pack.draw_signature(rng)
        meter = METERS[signature]
        steps = WINDOW_BARS * meter.steps_per_bar
        drawn = [pack.draw_window(rng, signature, WINDOW_BARS) for _ in range(batch)]
        masked = np.stack([draw_mask(rng, steps, meter.steps_per_bar, meter.steps_per_beat) for _ in range(batch)])
        yield Excerpts(
            tokens=torch.from_numpy(np.stack([window.tokens for window in drawn]).astype(np.int64)),
            masked=torch.from_numpy(masked),
            place=torch.from_numpy(np.stack([window.steps.place for window in drawn])),
            kind=torch.from_numpy(np.stack([window.steps.kind for window in drawn])),
            features=torch.from_numpy(np.stack([window.steps.features for window in drawn])),
            style=torch.from_numpy(np.stack([window.style for window in drawn])),
        )


def masked_loss(net: ComposerNet, excerpts: Excerpts, device: torch.device) -> dict[str, Tensor]:
    """Cross-entropy of the hidden cells, averaged per stream so that full streams do not drown sparse ones."""
    tokens, masked = excerpts.tokens.to(device), excerpts.masked.to(device)
    shown = torch.where(masked, torch.from_numpy(MASK_TOKENS.astype(np.int64)).to(device), tokens)
    known = (torch.rand(len(tokens), device=device) > STYLE_DROPOUT).float()
    rest = (part.to(device) for part in (excerpts.place, excerpts.kind, excerpts.features, excerpts.style))
    with mixed_precision(device):
        logits = net(shown, *rest, known)
    per_stream = []
    for place, part in enumerate(torch.split(logits.float(), [VOCABULARY[stream] for stream in STREAMS], dim=-1)):
        hidden = masked[:, :, place]
        losses = F.cross_entropy(part.transpose(1, 2), tokens[:, :, place], reduction="none")
        per_stream.append((losses * hidden).sum() / hidden.sum().clamp_min(1))
    streams = torch.stack(per_stream)
    named = {f"nats_{name}": streams[STREAMS.index(name)].detach() for name in ("chord", "lead", "bass", "kick")}
    return {"loss": streams.mean(), **named}


def train(training: ComposerTraining) -> Path:
    """Runs until the minutes are spent; returns the checkpoint's path."""
    packs = open_songs(training.songs)
    if "procedural" not in packs:
        raise CorpusError(f"no songs in {training.songs}; make them first with: noisician corpus songs")
    weighted = [(packs["procedural"], 1 - training.human_share)]
    if "human" in packs:
        weighted.append((packs["human"], training.human_share))
    torch.manual_seed(training.settings.seed)
    net = ComposerNet(training.config)
    if training.start_from is not None:
        load_checkpoint(training.start_from, net)
    run = Run(net, training.settings, training.run)
    excerpts = draw_excerpts(weighted, training.batch, training.settings.seed + run.step)
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f}M parameters", flush=True)
    run.train(excerpts, lambda drawn: masked_loss(net, drawn, run.device))
    path = training.run / "composer.safetensors"
    save_checkpoint(path, run.ema, training.config)
    return path
