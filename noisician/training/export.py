"""From a checkpoint to the file that ships: ONNX with half-precision storage, checked against torch.

Weights are *stored* as float16 and cast back once when the model is loaded; all arithmetic is float32. That halves the
files at no cost in speed, and unlike int8 products its results do not depend on what else is in the batch.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from noisician.composer.conditions import STEP_FEATURES, STYLE_FEATURES
from noisician.mel import BINS, MEL_BANDS
from noisician.renderer.conditions import FEATURES
from noisician.renderer.traits import TRAITS
from noisician.score.grid import STREAMS
from noisician.training.composer import ComposerConfig, ComposerNet
from noisician.training.loop import checkpoint_config, load_checkpoint
from noisician.training.renderer import RendererConfig, RendererNet
from noisician.training.shipped import HALF, describe
from noisician.training.vocals import VocalsConfig, VocalsNet
from noisician.training.vocoder import VocoderConfig, VocoderNet
from noisician.vocals.frames import CHANNELS, SPEAKERS
from noisician.vocals.frames import FEATURES as VOICE_FEATURES
from noisician.weights import FOLDER, Network, checksum, enter

OPSET = 17
#: Matrices smaller than this stay float32: nothing to gain.
HALF_FROM_ELEMENTS = 4096


@dataclass(frozen=True)
class Exportable:
    """A network with example inputs; ``dynamic`` names the free axes of every input and output."""

    net: nn.Module
    config: Any
    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]
    dynamic: Mapping[int, str]
    batch_only: Sequence[str] = ()


def vocoder(config: VocoderConfig | None = None) -> Exportable:
    config = config or VocoderConfig()
    inputs = {"log_mel": torch.randn(2, 96, MEL_BANDS), "log_excitation": torch.randn(2, 96, BINS)}
    outputs = ("log_gain", "cosine", "sine", "log_noise")
    return Exportable(VocoderNet(config), config, inputs, outputs, {0: "batch", 1: "frames"})


def renderer(config: RendererConfig | None = None) -> Exportable:
    config = config or RendererConfig()
    frames = config.frames_per_token * config.window_tokens
    inputs = {
        "mel_t": torch.randn(2, frames, MEL_BANDS),
        "t": torch.tensor([0.9, 0.3]),
        "sketch": torch.randn(2, frames, MEL_BANDS),
        "roll": torch.rand(2, frames, FEATURES),
        "traits": torch.eye(2, len(TRAITS)),
    }
    return Exportable(RendererNet(config), config, inputs, ("mel",), {0: "batch"})


def composer(config: ComposerConfig | None = None) -> Exportable:
    config = config or ComposerConfig()
    inputs = {
        "tokens": torch.ones(2, config.steps, len(STREAMS), dtype=torch.int64),
        "place": torch.arange(config.steps).remainder(16).repeat(2, 1),
        "kind": torch.ones(2, config.steps, dtype=torch.int64),
        "features": torch.rand(2, config.steps, STEP_FEATURES),
        "style": torch.rand(2, STYLE_FEATURES),
        "known": torch.tensor([1.0, 0.0]),
    }
    return Exportable(
        ComposerNet(config), config, inputs, ("logits",), {0: "batch", 1: "steps"}, batch_only=("style", "known")
    )


def vocals(config: VocalsConfig | None = None) -> Exportable:
    config = config or VocalsConfig()
    frames = 96
    inputs = {
        "ids": torch.arange(6 * frames).remainder(41).reshape(2, frames, 3),
        "controls": torch.rand(2, frames, len(CHANNELS)),
        "mixture": torch.softmax(torch.randn(2, len(SPEAKERS)), dim=-1),
        "warp": torch.tensor([0.1, -0.1]),
        "known": torch.tensor([1.0, 0.0]),
        "residual_t": torch.randn(2, frames, VOICE_FEATURES),
        "t": torch.tensor([0.9, 0.3]),
    }
    outputs = ("mean", "residual", "features")
    return Exportable(VocalsNet(config), config, inputs, outputs, {0: "batch", 1: "frames"}, batch_only=("mixture",))


EXPORTABLES = {
    "vocoder": vocoder,
    "renderer": renderer,
    "composer": composer,
    "vocals": vocals,
}
CONFIGS = {
    "vocoder": VocoderConfig,
    "renderer": RendererConfig,
    "composer": ComposerConfig,
    "vocals": VocalsConfig,
}


def export(name: str, checkpoint: Path, version: str, folder: Path = FOLDER) -> float:
    """Writes ``<name>.onnx`` and its manifest entry; returns the largest difference from torch over the outputs."""
    part = EXPORTABLES[name](CONFIGS[name](**checkpoint_config(checkpoint)))
    load_checkpoint(checkpoint, part.net)
    part.net.eval()
    path = folder / f"{name}.onnx"
    temporary = folder / f"{name}.tmp"  # a failure on the way leaves the model that was there
    _write_onnx(part, temporary)
    _store_half(part, temporary)
    difference = _difference(part, temporary)
    temporary.replace(path)
    entry = {
        "file": path.name,
        "version": version,
        "sha256": checksum(path),
        "bytes": path.stat().st_size,
        "max_difference_from_torch": float(f"{difference:.2e}"),
        "config": asdict(part.config),
    }
    enter(name, entry, folder)
    return difference


def _write_onnx(part: Exportable, path: Path) -> None:
    axes = {name: dict(part.dynamic) for name in (*part.inputs, *part.outputs)}
    for name in part.inputs:
        if part.inputs[name].dim() == 1 or name in part.batch_only:
            axes[name] = {0: part.dynamic[0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter warns of its successor; it is the one that folds shapes
        torch.onnx.export(
            part.net,
            tuple(part.inputs.values()),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_axes=axes,
        )


def _store_half(part: Exportable, path: Path) -> None:
    """Large float32 initialisers become float16 behind a Cast, which ONNX Runtime folds at load; all are described."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    casts = []
    for initialiser in model.graph.initializer:
        values = numpy_helper.to_array(initialiser)
        if values.dtype != np.float32 or values.size < HALF_FROM_ELEMENTS:
            continue
        name = initialiser.name
        initialiser.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + HALF))
        casts.append(helper.make_node("Cast", [name + HALF], [name], to=TensorProto.FLOAT))
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    describe(model, part.net.state_dict(), asdict(part.config))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


@torch.no_grad()
def _difference(part: Exportable, path: Path) -> float:
    expected = part.net(*part.inputs.values())
    expected = expected if isinstance(expected, tuple) else (expected,)
    found = Network(path)(**{name: value.numpy() for name, value in part.inputs.items()})
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, expected, strict=True))
