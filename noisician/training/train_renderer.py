"""Trains the renderer on clips and their sketches: ``noisician train renderer``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from noisician.corpus.poor_references import smooth_curve
from noisician.corpus.sketched import SketchedShard, open_sketched_shards
from noisician.errors import CorpusError
from noisician.mel import LOG_FLOOR, MEL_BANDS
from noisician.renderer.conditions import FEATURES, MEL_MEAN, MEL_STD, note_roll
from noisician.renderer.traits import TRAITS
from noisician.training.loop import (
    Run,
    RunSettings,
    load_checkpoint,
    mixed_precision,
    save_checkpoint,
)
from noisician.training.renderer import RendererConfig, RendererNet

#: t is drawn logit-normal about TIME_CENTRE. A mel's neighbouring cells say the same thing over and over, so half noise
#: still shows everything: what the notes have to decide is decided above t = 0.8, and that is where to train. A share
#: of the draws is pure noise, where the guess is the mean over all ways to play these notes. The spread is wide because
#: fine texture is decided below t = 0.4; without those draws every sound comes out smooth.
TIME_CENTRE, TIME_SPREAD = 1.1, 1.7
PURE_NOISE_SHARE = 0.1

#: Share of windows whose sound and sketch are given another colour and level, the same to both: one more instrument.
RECOLOURED_SHARE = 0.5
COLOUR_NATS, LEVEL_NATS = 0.35, 0.3
#: Errors well below this (in units of MEL_STD) are weighed by their square, well above it by their size.
SMALL_ERROR = 0.05


@dataclass(frozen=True)
class RendererTraining:
    clips: Path
    run: Path
    settings: RunSettings = RunSettings(minutes=300, learning_rate=7e-4)
    config: RendererConfig = RendererConfig()
    batch: int = 8
    start_from: Path | None = None


@dataclass(frozen=True)
class SketchedWindows:
    """``mel`` and ``sketch [B, F, 128]`` normalised, ``roll [B, F, FEATURES]``, ``traits [B, 7]``."""

    mel: Tensor
    sketch: Tensor
    roll: Tensor
    traits: Tensor


def draw_sketched_windows(
    shards: Sequence[SketchedShard], batch: int, frames: int, seed: int
) -> Iterator[SketchedWindows]:
    """Endless random windows of random clips, some of them recoloured."""
    rng = np.random.default_rng(seed)
    sizes = np.array([len(shard) for shard in shards], np.float64)
    while True:
        pair = np.zeros((2, batch, frames, MEL_BANDS), np.float32)
        roll = np.zeros((batch, frames, FEATURES), np.float32)
        traits = np.zeros((batch, len(TRAITS)), np.float32)
        for row in range(batch):
            shard = shards[rng.choice(len(shards), p=sizes / sizes.sum())]
            clip = int(rng.integers(len(shard)))
            first = int(rng.integers(shard.mel.shape[1] - frames + 1))
            pair[0, row] = shard.mel[clip, first : first + frames]
            pair[1, row] = shard.sketch[clip, first : first + frames]
            if rng.random() < RECOLOURED_SHARE:
                colour = smooth_curve(rng, COLOUR_NATS) + np.float32(rng.normal(0, LEVEL_NATS))
                pair[:, row] = recoloured(pair[:, row], colour)
            roll[row] = note_roll(shard.notes_of(clip), frames, first)
            traits[row] = shard.traits[clip]
        mel, sketch = torch.from_numpy((pair - np.float32(MEL_MEAN)) / np.float32(MEL_STD)).unbind(0)
        yield SketchedWindows(mel, sketch, *(torch.from_numpy(part) for part in (roll, traits)))


def recoloured(log_mel: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Log-mels ``[…, 128]`` of the same sound through an equaliser of ``colour`` nats a band; silence stays silence."""
    magnitude = np.maximum(np.exp(log_mel) - np.float32(LOG_FLOOR), 0)
    return np.log(magnitude * np.exp(colour) + np.float32(LOG_FLOOR))


def flow_loss(net: RendererNet, windows: SketchedWindows, device: torch.device) -> dict[str, Tensor]:
    """Rectified flow x_t = (1 − t) x + t ε, x₀-prediction, weighted as velocity (1/t).

    The error is a pseudo-Huber one, √(d² + c²) − c (Charbonnier et al. 1997), because most of a good sketch is right:
    squares are content with a mean that strays a little everywhere, silence included.
    """
    mel = windows.mel.to(device)
    batch = len(mel)
    t = torch.sigmoid(torch.randn(batch, device=device) * TIME_SPREAD + TIME_CENTRE)
    t = torch.where(torch.rand(batch, device=device) < PURE_NOISE_SHARE, torch.ones_like(t), t)
    mel_t = torch.lerp(mel, torch.randn_like(mel), t[:, None, None])
    conditions = (windows.sketch, windows.roll, windows.traits)
    with mixed_precision(device):
        clean = net(mel_t, t, *(condition.to(device) for condition in conditions))
    difference = (clean.float() - mel).pow(2)
    huber = ((difference + SMALL_ERROR**2).sqrt() - SMALL_ERROR).mean((1, 2))
    loss = (huber / t.clamp_min(0.2)).mean()
    squared = difference.mean((1, 2)).detach()
    from_noise = t == 1
    guess = squared[from_noise].mean() if from_noise.any() else squared.new_tensor(float("nan"))
    sketch_error = (windows.sketch.to(device) - mel).pow(2).mean()
    return {
        "loss": loss,
        "x0_mse": squared.mean(),
        "from_noise_mse": guess,
        "sketch_mse": sketch_error,
    }


def train(training: RendererTraining) -> Path:
    """Runs until the minutes are spent; returns the checkpoint's path."""
    shards = list(open_sketched_shards(training.clips))
    if not shards:
        raise CorpusError(f"no clips in {training.clips}; make them first with: noisician corpus sketched")
    torch.manual_seed(training.settings.seed)
    net = RendererNet(training.config)
    if training.start_from is not None:
        load_checkpoint(training.start_from, net)
    run = Run(net, training.settings, training.run)
    frames = training.config.window_tokens * training.config.frames_per_token
    windows = draw_sketched_windows(shards, training.batch, frames, training.settings.seed + run.step)
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f}M parameters", flush=True)
    run.train(windows, lambda drawn: flow_loss(net, drawn, run.device))
    path = training.run / "renderer.safetensors"
    save_checkpoint(path, run.ema, training.config)
    return path
