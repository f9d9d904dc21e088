"""Trains the renderer on clips: ``noisician train renderer``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from noisician.corpus.clips import Shard, open_shards
from noisician.errors import CorpusError
from noisician.mel import MEL_BANDS
from noisician.renderer.conditions import FEATURES, MEL_MEAN, MEL_STD, note_roll
from noisician.styles import TIMBRE_TAGS
from noisician.training.loop import Run, RunSettings, load_checkpoint, mixed_precision, save_checkpoint
from noisician.training.renderer import RendererConfig, RendererNet
from noisician.training.train_vocoder import clip_notes

CONDITION_DROPOUT = 0.1
INSTRUMENT_DROPOUT = 0.05
#: t is drawn logit-normal about TIME_CENTRE. A mel's neighbouring cells say the same thing over and over, so half noise
#: still shows everything: what the notes have to decide is decided above t = 0.8, and that is where to train. A share
#: of the draws is pure noise, where the guess is the mean over all ways to play these notes. The spread is wide because
#: fine texture is decided below t = 0.4; without those draws every sound comes out smooth.
TIME_CENTRE, TIME_SPREAD = 1.1, 1.7
PURE_NOISE_SHARE = 0.1


@dataclass(frozen=True)
class RendererTraining:
    clips: Path
    run: Path
    settings: RunSettings = RunSettings(minutes=300, learning_rate=1e-3)
    config: RendererConfig = RendererConfig()
    batch: int = 16
    start_from: Path | None = None


@dataclass(frozen=True)
class Windows:
    """``mel [B, F, 128]`` normalised, ``roll [B, F, FEATURES]``, ``instrument [B]``, ``articulations [B, 4]``."""

    mel: Tensor
    roll: Tensor
    instrument: Tensor
    articulations: Tensor


def draw_windows(shards: list[Shard], batch: int, frames: int, seed: int) -> Iterator[Windows]:
    """Endless random windows of random clips."""
    rng = np.random.default_rng(seed)
    sizes = np.array([len(shard.instrument) for shard in shards], np.float64)
    while True:
        mel = np.zeros((batch, frames, MEL_BANDS), np.float32)
        roll = np.zeros((batch, frames, FEATURES), np.float32)
        instrument = np.zeros(batch, np.int64)
        articulations = np.zeros((batch, len(TIMBRE_TAGS)), np.float32)
        for row in range(batch):
            shard = shards[rng.choice(len(shards), p=sizes / sizes.sum())]
            clip = int(rng.integers(len(shard.instrument)))
            first = int(rng.integers(shard.mel.shape[1] - frames + 1))
            mel[row] = shard.mel[clip, first : first + frames]
            roll[row] = note_roll(clip_notes(shard, clip), frames, first)
            instrument[row] = shard.instrument[clip]
            articulations[row] = shard.timbre_tags[clip]
        parts = (torch.from_numpy(part) for part in ((mel - MEL_MEAN) / MEL_STD, roll, instrument, articulations))
        yield Windows(*parts)


def flow_loss(net: RendererNet, windows: Windows, device: torch.device) -> dict[str, Tensor]:
    """Rectified flow x_t = (1 − t) x + t ε, x₀-prediction, weighted as velocity (1/t²)."""
    mel, roll = windows.mel.to(device), windows.roll.to(device)
    batch = len(mel)
    t = torch.sigmoid(torch.randn(batch, device=device) * TIME_SPREAD + TIME_CENTRE)
    t = torch.where(torch.rand(batch, device=device) < PURE_NOISE_SHARE, torch.ones_like(t), t)
    noise = torch.randn_like(mel)
    mel_t = torch.lerp(mel, noise, t[:, None, None])
    known = (torch.rand(batch, device=device) > CONDITION_DROPOUT).float()
    anyone = torch.rand(batch, device=device) < INSTRUMENT_DROPOUT
    instrument = torch.where(anyone, net.any_instrument, windows.instrument.to(device))
    with mixed_precision(device):
        clean = net(mel_t, t, roll, instrument, windows.articulations.to(device), known)
    squared = (clean.float() - mel).pow(2).mean((1, 2))
    loss = (squared / t.clamp_min(0.2).pow(2)).mean()
    from_noise = t == 1
    guess = squared[from_noise].mean() if from_noise.any() else squared.new_tensor(float("nan"))
    return {"loss": loss, "x0_mse": squared.mean().detach(), "from_noise_mse": guess.detach()}


def train(training: RendererTraining) -> Path:
    """Runs until the minutes are spent; returns the checkpoint's path."""
    shards = list(open_shards(training.clips))
    if not shards:
        raise CorpusError(f"no clips in {training.clips}; make them first with: noisician corpus sound")
    torch.manual_seed(training.settings.seed)
    net = RendererNet(training.config)
    if training.start_from is not None:
        load_checkpoint(training.start_from, net)
    run = Run(net, training.settings, training.run)
    frames = training.config.window_tokens * training.config.frames_per_token
    windows = draw_windows(shards, training.batch, frames, training.settings.seed + run.step)
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f}M parameters", flush=True)
    run.train(windows, lambda drawn: flow_loss(net, drawn, run.device))
    path = training.run / "renderer.safetensors"
    save_checkpoint(path, run.ema, training.config)
    return path
