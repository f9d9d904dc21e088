"""Trains the singing network on the phrases of the synthetic singers: ``noisician train vocals``."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from noisician.corpus.vocals.text import is_held_out
from noisician.errors import CorpusError
from noisician.training.loop import Run, RunSettings, load_checkpoint, mixed_precision, save_checkpoint
from noisician.training.vocals import VocalsConfig, VocalsNet
from noisician.vocals.acoustic import phone_ids
from noisician.vocals.features import band_centres_hz
from noisician.vocals.frames import APERIODICITY_BANDS, CHANNELS, ENVELOPE_BANDS, SPEAKERS, Frames

CONDITION_DROPOUT = 0.1
#: Weight of the mean's error from frame to frame beside the error itself: what moves must move at the right time.
DELTA_WEIGHT = 0.5
#: Words are understood by the bands that hold the formants, whose own spread is the widest.
FORMANTS_BELOW_HZ, FORMANT_WEIGHT = 4000.0, 2.0
#: t is drawn logit-normal (arXiv 2403.03206) about the middle; a share is pure noise, where sampling begins.
TIME_SPREAD = 1.0
PURE_NOISE_SHARE = 0.1
HELD_OUT_PHRASES, HELD_OUT_FRAMES, HELD_OUT_STEPS = 24, 400, 6
EVALUATE_EVERY_STEPS = 500
#: Silence and pauses have features that never move; a spread below this would blow their noise up.
LEAST_STD_DB = 3.0


@dataclass(frozen=True)
class VocalsTraining:
    phrases: Path
    run: Path
    settings: RunSettings = RunSettings(minutes=90, learning_rate=1.5e-3)
    config: VocalsConfig = field(default_factory=VocalsConfig)
    batch: int = 8
    window_frames: int = 224
    start_from: Path | None = None


@dataclass(frozen=True)
class Phrase:
    """``features [frames, 106]`` float16 in dB of ``frames``, sung by SPEAKERS[``speaker``] with a formant ``warp``."""

    features: np.ndarray
    frames: Frames
    speaker: int
    warp: float
    text: str


@dataclass(frozen=True)
class Windows:
    """``features [B, T, 106]`` in dB and what the network is told, shaped as VocalsNet takes it."""

    features: Tensor
    ids: Tensor
    controls: Tensor
    mixture: Tensor
    warp: Tensor

    @property
    def voiced(self) -> Tensor:
        """``[B, T]`` 0/1."""
        return self.controls[..., CHANNELS.index("voiced")]

    def told(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(ids, controls, mixture, warp)."""
        return self.ids.to(device), self.controls.to(device), self.mixture.to(device), self.warp.to(device)


def open_phrases(folder: Path) -> list[Phrase]:
    """Every phrase of ``folder``'s shards. Raises CorpusError when there is none, or one cannot be read."""
    paths = sorted(folder.glob("phrases-*.npz"))
    if not paths:
        raise CorpusError(f"no phrases in {folder}; make them first with: noisician corpus vocals")
    return [phrase for path in paths for phrase in _open_shard(path)]


def _open_shard(path: Path) -> Iterator[Phrase]:
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        controls = Frames(**{part.name: arrays[part.name] for part in fields(Frames)})
        told = zip(pairwise(arrays["offset"]), arrays["speaker"], arrays["warp"], arrays["text"], strict=True)
        for (first, last), speaker, warp, text in told:
            part = controls.part(int(first), int(last))
            yield Phrase(arrays["features"][first:last], part, int(speaker), float(warp), str(text))
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error) as broken:
        raise CorpusError(f"{path} cannot be read ({broken}); it is damaged or of another version") from broken


def draw_windows(phrases: Sequence[Phrase], batch: int, frames: int, seed: int) -> Iterator[Windows]:
    """Endless random windows, each phrase as often as it is long."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(phrase.frames) for phrase in phrases], np.float64)
    share = lengths / lengths.sum()
    while True:
        drawn = rng.choice(len(phrases), batch, p=share)
        spare = np.maximum(0, lengths[drawn] - frames)
        starts = rng.integers(0, spare.astype(np.int64) + 1)
        yield window_batch([phrases[place] for place in drawn], starts, frames)


def window_batch(phrases: Sequence[Phrase], starts: Sequence[int] | np.ndarray, frames: int) -> Windows:
    """One window a phrase. A phrase that ends early goes on as it ends: with its last pause."""
    features, ids, controls = [], [], []
    for phrase, start in zip(phrases, starts, strict=True):
        part = phrase.frames.part(int(start), int(start) + frames)
        rows = np.minimum(np.arange(frames), len(part) - 1)
        features.append(phrase.features[int(start) : int(start) + frames][rows].astype(np.float32))
        ids.append(phone_ids(part)[rows])
        controls.append(part.network_inputs()[rows])
    mixture = np.eye(len(SPEAKERS), dtype=np.float32)[[phrase.speaker for phrase in phrases]]
    return Windows(
        features=torch.from_numpy(np.stack(features)),
        ids=torch.from_numpy(np.stack(ids)),
        controls=torch.from_numpy(np.stack(controls)),
        mixture=torch.from_numpy(mixture),
        warp=torch.tensor([phrase.warp for phrase in phrases], dtype=torch.float32),
    )


def normalisation(phrases: Sequence[Phrase], seed: int = 0, sample: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every feature in dB, float32 ``[106]``, over a sample of the phrases."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(phrases))[:sample]
    features = np.concatenate([phrases[place].features.astype(np.float32) for place in chosen])
    return features.mean(0), np.maximum(features.std(0), LEAST_STD_DB).astype(np.float32)


def loss_of(net: VocalsNet, windows: Windows, device: torch.device) -> dict[str, Tensor]:
    """L1 of the mean and of its motion, and the flow's squared velocity error on what the mean leaves."""
    target = net.normalise(windows.features.to(device))
    batch = len(target)
    known = (torch.rand(batch, device=device) > CONDITION_DROPOUT).float()
    t = torch.sigmoid(torch.randn(batch, device=device) * TIME_SPREAD)
    t = torch.where(torch.rand(batch, device=device) < PURE_NOISE_SHARE, torch.ones_like(t), t)
    weight = _weight(windows.voiced.to(device))
    noise = torch.randn_like(target)
    with mixed_precision(device):
        condition = net.encode(*windows.told(device), known)
    error = net.mean(condition.float()) - target
    left = -error.detach()
    net.measure_spread(left, weight)
    residual = left / net.spread
    with mixed_precision(device):
        guess = net.flow_velocity(condition, torch.lerp(residual, noise, t[:, None, None]), t)
    l1 = _average(error.abs(), weight)
    delta = _average(error.diff(dim=1).abs(), weight[:, 1:])
    flow = _average((guess - (noise - residual)).square(), weight)
    return {"loss": l1 + DELTA_WEIGHT * delta + flow, "l1": l1.detach(), "delta": delta.detach(), "flow": flow.detach()}


def _weight(voiced: Tensor) -> Tensor:
    """``[B, T, 106]``: formants count for more, and aperiodicity says nothing where there is no voice."""
    formants = torch.from_numpy(band_centres_hz() < FORMANTS_BELOW_HZ).to(voiced)
    envelope = (1 + (FORMANT_WEIGHT - 1) * formants).expand(*voiced.shape, ENVELOPE_BANDS)
    return torch.cat([envelope, voiced[..., None].expand(-1, -1, APERIODICITY_BANDS)], dim=-1)


def _average(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp_min(1)


@torch.no_grad()
def evaluate(net: VocalsNet, windows: Windows, seed: int = 0) -> dict[str, float]:
    """How far the mean and a sample of the flow lie from phrases never trained on.

    ``l1``: of the mean, in standard deviations, weighted as in training. ``lsd_mean_db``, ``lsd_db``: log-spectral
    distance (root mean square over the envelope's bands, averaged over voiced frames) of the mean and of
    HELD_OUT_STEPS Euler steps.
    """
    device = net.feature_mean.device
    target = windows.features.to(device)
    known = torch.ones(len(target), device=device)
    generator = torch.Generator().manual_seed(seed)
    residual_t = torch.randn(target.shape, generator=generator).to(device)
    mean = features = target
    for t, t_next in pairwise(torch.linspace(1, 0, HELD_OUT_STEPS + 1).tolist()):
        times = torch.full((len(target),), t, device=device)
        mean, residual, features = net(*windows.told(device), known, residual_t, times)
        residual_t = torch.lerp(residual, residual_t, t_next / t)
    voiced = windows.voiced.to(device)
    l1 = _average(((mean - target) / net.feature_std).abs(), _weight(voiced))
    distances = {"lsd_mean_db": _distance_db(mean, target, voiced), "lsd_db": _distance_db(features, target, voiced)}
    return {"l1": float(l1)} | distances


def _distance_db(made: Tensor, target: Tensor, voiced: Tensor) -> float:
    bands = (made - target)[..., :ENVELOPE_BANDS]
    return float(_average(bands.square().mean(-1).sqrt(), voiced))


def train(training: VocalsTraining) -> Path:
    """Runs until the minutes are spent; returns the checkpoint's path. ``held_out.jsonl`` grows beside the log."""
    everything = open_phrases(training.phrases)
    kept = [phrase for phrase in everything if not is_held_out(phrase.text)]
    test = [phrase for phrase in everything if is_held_out(phrase.text)]
    test = test[:: max(1, -(-len(test) // HELD_OUT_PHRASES))]  # of every shard, so of every speaker
    torch.manual_seed(training.settings.seed)
    net = VocalsNet(training.config)
    if training.start_from is not None:
        load_checkpoint(training.start_from, net)
    else:
        mean, std = (torch.from_numpy(part) for part in normalisation(kept))
        net.feature_mean.copy_(mean)
        net.feature_std.copy_(std)
    run = Run(net, training.settings, training.run)
    windows = draw_windows(kept, training.batch, training.window_frames, training.settings.seed + run.step)
    unseen = window_batch(test, [0] * len(test), HELD_OUT_FRAMES) if test else None
    hours = sum(len(phrase.frames) for phrase in kept) / 360_000
    print(
        f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f}M parameters, {hours:.2f} h of {len(kept)} phrases",
        flush=True,
    )

    def step(drawn: Windows) -> dict[str, Tensor]:
        if unseen is not None and run.step and run.step % EVALUATE_EVERY_STEPS == 0:
            _log_held_out(run, training.config, unseen)
        return loss_of(net, drawn, run.device)

    run.train(windows, step)
    if unseen is not None:
        _log_held_out(run, training.config, unseen)
    path = training.run / "vocals.safetensors"
    save_checkpoint(path, run.ema, training.config)
    return path


def _log_held_out(run: Run, config: VocalsConfig, unseen: Windows) -> None:
    """Measures the averaged weights, in a network of their own."""
    averaged = VocalsNet(config).to(run.device).eval()
    averaged.load_state_dict(run.ema)
    row = {"step": run.step, "minutes": round(run.elapsed_s / 60, 2)}
    row |= {name: round(value, 3) for name, value in evaluate(averaged, unseen).items()}
    with (run.folder / "held_out.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")
    print("held out: " + " ".join(f"{name} {value}" for name, value in row.items()), flush=True)
