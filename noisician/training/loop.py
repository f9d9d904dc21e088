"""What every training run shares: schedule, moving average, resuming, logging.

A run is given minutes, not steps, because the machine decides how far it gets; the learning rate follows the share of
those minutes that is spent. State is saved every few minutes and on Ctrl-C, and the same command resumes it.
"""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from noisician.errors import WeightsError
from noisician.training.shipped import read_shipped


@dataclass(frozen=True)
class RunSettings:
    """``warmup_steps`` to the peak rate, then down with (1 − progress)^``decay_power``."""

    minutes: float
    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.01
    warmup_steps: int = 200
    decay_power: float = 0.7
    ema_halflife_steps: int = 700
    gradient_clip: float = 1.0
    save_every_s: float = 240.0
    log_every_steps: int = 50
    seed: int = 0


def device_of_choice() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision(device: torch.device) -> torch.autocast:
    """Products in bfloat16 where the processor has them; one without was thirty times slower than in float32."""
    native = device.type != "cpu" or torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=native)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


class Run:
    """One network being trained in one folder: ``state.pt`` to resume, ``log.jsonl`` to look at."""

    def __init__(self, net: nn.Module, settings: RunSettings, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.settings, self.folder = settings, folder
        self.device = device_of_choice()
        self.net = net.to(self.device)
        self.ema = {name: value.detach().clone().float() for name, value in self.net.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), settings.learning_rate, betas=settings.betas, weight_decay=settings.weight_decay
        )
        self.step, self.elapsed_s = 0, 0.0
        self._averages: dict[str, float] = {}
        if (folder / "state.pt").exists():
            self._resume()

    @property
    def progress(self) -> float:
        return min(1.0, self.elapsed_s / (60 * self.settings.minutes))

    def train(self, batches: Iterator[Any], loss_of: Callable[[Any], Mapping[str, Tensor]]) -> None:
        """Steps until the minutes are spent. ``loss_of`` returns named scalars; the one called "loss" is minimised."""
        last_save = time.monotonic()
        self.net.train()
        before = signal.signal(signal.SIGTERM, _interrupt)  # being asked to leave saves the state as Ctrl-C does
        try:
            while self.progress < 1:
                started = time.monotonic()
                self._step(loss_of(next(batches)))
                self.elapsed_s += time.monotonic() - started
                if self.step % self.settings.log_every_steps == 0:
                    self._log()
                if time.monotonic() - last_save > self.settings.save_every_s:
                    self.save()
                    last_save = time.monotonic()
        finally:
            self.save()
            signal.signal(signal.SIGTERM, before)

    def _step(self, losses: Mapping[str, Tensor]) -> None:
        settings = self.settings
        rate = settings.learning_rate * min(1.0, (self.step + 1) / settings.warmup_steps)
        rate *= (1 - self.progress) ** settings.decay_power + 1e-3
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), settings.gradient_clip)
        if torch.isfinite(norm):  # a rare overflow costs one step, not the run
            self.optimizer.step()
        self.step += 1
        self._average_weights()
        for name, value in losses.items():
            number = float(value.detach())
            if math.isnan(number):  # nothing of this kind in the batch
                continue
            old = self._averages.get(name, number)
            self._averages[name] = 0.98 * old + 0.02 * number

    @torch.no_grad()
    def _average_weights(self) -> None:
        decay = 0.5 ** (1 / min(self.settings.ema_halflife_steps, 1 + self.step / 10))
        for name, value in self.net.state_dict().items():
            self.ema[name].lerp_(value.float(), 1 - decay)

    def _log(self) -> None:
        row = {"step": self.step, "minutes": round(self.elapsed_s / 60, 2)}
        row |= {name: round(value, 4) for name, value in self._averages.items()}
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")
        print(" ".join(f"{name} {value}" for name, value in row.items()), flush=True)

    def save(self) -> None:
        """Writes ``state.pt`` so that a kill in the middle leaves the previous one."""
        state = {
            "net": self.net.state_dict(),
            "ema": self.ema,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "settings": asdict(self.settings),
        }
        temporary = self.folder / "state.tmp"
        torch.save(state, temporary)
        temporary.replace(self.folder / "state.pt")

    def _resume(self) -> None:
        state = torch.load(self.folder / "state.pt", map_location=self.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.ema = {name: value.to(self.device) for name, value in state["ema"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed_s = state["step"], state["elapsed_s"]


def save_checkpoint(path: Path, weights: Mapping[str, Tensor], config: Any) -> None:
    """Half-precision safetensors with the network's configuration in the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = {name: value.detach().cpu().half().contiguous() for name, value in weights.items()}
    temporary = path.with_suffix(".tmp")
    save_file(half, temporary, metadata={"config": json.dumps(asdict(config))})
    temporary.replace(path)


def checkpoint_config(path: Path) -> dict[str, Any]:
    """The configuration of the network a checkpoint is of. Raises WeightsError."""
    if path.suffix == ".onnx":
        return read_shipped(path)[1]
    try:
        with safe_open(path, "pt") as file:
            return json.loads((file.metadata() or {})["config"])
    except (OSError, KeyError, ValueError, SafetensorError) as broken:
        raise WeightsError(f"{path} is no checkpoint of ours ({broken}); it is missing or damaged") from broken


def read_weights(path: Path) -> dict[str, Tensor]:
    """Safetensors of a run, or the ONNX file that ships, in single precision. Raises WeightsError."""
    try:
        if path.suffix == ".onnx":
            return read_shipped(path)[0]
        return {name: value.float() for name, value in load_file(path).items()}
    except (OSError, SafetensorError) as broken:
        raise WeightsError(f"{path} cannot be read ({broken}); it is missing or damaged") from broken


def load_checkpoint(path: Path, net: nn.Module) -> None:
    """Weights of a run or of a shipped file into a network. Raises WeightsError when damaged or of another size."""
    weights = read_weights(path)
    try:
        net.load_state_dict(weights)
    except RuntimeError as misfit:
        first = str(misfit).splitlines()[1].strip()  # the line before it only names the class
        raise WeightsError(f"{path} does not fit this network ({first}); it is of another size") from misfit
