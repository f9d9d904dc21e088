"""Trains the vocoder on clips: ``noisician train vocoder``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from noisician.corpus.clips import Shard, open_shards
from noisician.errors import CorpusError
from noisician.mel import HOP, SAMPLE_RATE_HZ, mel_filters
from noisician.score.played import NoteEvent
from noisician.styles import Instrument, shipped_instruments
from noisician.training.loop import Run, RunSettings, load_checkpoint, mixed_precision, save_checkpoint
from noisician.training.vocoder import SpectralLoss, VocoderConfig, VocoderNet, stft, synthesise
from noisician.vocoder.excitation import excitation


@dataclass(frozen=True)
class VocoderTraining:
    clips: Path
    run: Path
    settings: RunSettings = RunSettings(minutes=120, learning_rate=6e-4, betas=(0.8, 0.99))
    config: VocoderConfig = VocoderConfig()
    batch: int = 8
    crop_frames: int = 96
    start_from: Path | None = None


@dataclass(frozen=True)
class Crop:
    """Waveforms ``[B, crop_frames · HOP]``: what was played and its excitation."""

    audio: Tensor
    excitation: Tensor


def clip_notes(shard: Shard, clip: int) -> list[NoteEvent]:
    return [NoteEvent(int(p), float(s), float(e), int(v)) for p, s, e, v in shard.notes_of(clip)]


def draw_crops(shards: list[Shard], batch: int, samples: int, seed: int) -> Iterator[Crop]:
    """Endless random crops, −6 … +4 dB, upside down half the time (the ear does not mind and the network must not)."""
    rng = np.random.default_rng(seed)
    table = list(shipped_instruments().values())
    sizes = np.array([len(shard.instrument) for shard in shards], np.float64)
    while True:
        audio = np.zeros((batch, samples), np.float32)
        raw = np.zeros_like(audio)
        for row in range(batch):
            shard = shards[rng.choice(len(shards), p=sizes / sizes.sum())]
            clip = int(rng.integers(len(shard.instrument)))
            at = int(rng.integers(shard.audio.shape[1] - samples + 1))
            gain = 10 ** (rng.uniform(-6, 4) / 20) * rng.choice([-1, 1]) / 32767
            audio[row] = shard.audio[clip, at : at + samples] * gain
            raw[row] = _excitation(shard, clip, table[shard.instrument[clip]], samples, at)
        yield Crop(torch.from_numpy(audio), torch.from_numpy(raw))


def _excitation(shard: Shard, clip: int, instrument: Instrument, samples: int, at: int) -> np.ndarray:
    return excitation(clip_notes(shard, clip), instrument, samples, at)


def train(training: VocoderTraining) -> Path:
    """Runs until the minutes are spent; returns the checkpoint's path."""
    shards = list(open_shards(training.clips))
    if not shards:
        raise CorpusError(f"no clips in {training.clips}; make them first with: noisician corpus sound")
    torch.manual_seed(training.settings.seed)
    net = VocoderNet(training.config)
    if training.start_from is not None:
        load_checkpoint(training.start_from, net)
    run = Run(net, training.settings, training.run)
    loss = SpectralLoss().to(run.device)
    filters = torch.from_numpy(mel_filters().T.copy()).to(run.device)

    def loss_of(crop: Crop) -> dict[str, Tensor]:
        audio, raw = crop.audio.to(run.device), crop.excitation.to(run.device)
        noise = 0.1 * torch.randn_like(audio)
        log_mel = torch.log(stft(audio).abs() @ filters + 1e-3)
        with mixed_precision(run.device):
            made = synthesise(net, log_mel, raw, noise)
        total, log_mel_l1 = loss(made.float(), audio)
        return {"loss": total, "log_mel_l1": log_mel_l1}

    crops = draw_crops(shards, training.batch, training.crop_frames * HOP, training.settings.seed + run.step)
    print(
        f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f}M parameters, {_hours(shards):.1f} h of clips", flush=True
    )
    run.train(crops, loss_of)
    path = training.run / "vocoder.safetensors"
    save_checkpoint(path, run.ema, training.config)
    return path


def _hours(shards: list[Shard]) -> float:
    return sum(len(shard.instrument) * shard.audio.shape[1] for shard in shards) / SAMPLE_RATE_HZ / 3600
