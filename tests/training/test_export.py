"""From a checkpoint to ONNX, at toy size: equal to torch, stored in halves, described by the manifest."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from noisician.errors import WeightsError  # noqa: E402
from noisician.training.composer import ComposerConfig  # noqa: E402
from noisician.training.export import EXPORTABLES, HALF_FROM_ELEMENTS, Exportable, export  # noqa: E402
from noisician.training.loop import checkpoint_config, load_checkpoint, save_checkpoint  # noqa: E402
from noisician.training.renderer import RendererConfig  # noqa: E402
from noisician.training.vocoder import VocoderConfig  # noqa: E402
from noisician.weights import Network, checksum  # noqa: E402

torch.set_num_threads(1)

CONFIGS = {
    "vocoder": VocoderConfig(width=24, blocks=1, expansion=2),
    "renderer": RendererConfig(width=64, blocks=1, bottleneck=16, window_tokens=8),
    "composer": ComposerConfig(width=64, blocks=1),
}


@cache
def exported(name: str, folder: Path) -> tuple[Exportable, Network, float]:
    torch.manual_seed(0)
    part = EXPORTABLES[name](CONFIGS[name])
    for parameter in part.net.parameters():
        if not parameter.any():  # layers that start at nought would hide mistakes
            torch.nn.init.normal_(parameter, std=0.05)
    checkpoint = folder / f"{name}.safetensors"
    save_checkpoint(checkpoint, part.net.state_dict(), part.config)
    difference = export(name, checkpoint, "9.9", folder)
    load_checkpoint(checkpoint, part.net)
    return part, Network(folder / f"{name}.onnx", threads=1), difference


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.mark.parametrize("name", list(CONFIGS))
@torch.no_grad()
def test_the_file_equals_torch_for_other_batches_too(name: str, folder: Path) -> None:
    part, network, difference = exported(name, folder)
    assert difference < 2e-3
    for batch in (1, 3):
        inputs = {key: torch.cat([value, value])[:batch] for key, value in part.inputs.items()}
        expected = part.net(**inputs)
        found = network(**{key: value.numpy() for key, value in inputs.items()})
        for made, right in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
            np.testing.assert_allclose(made, right.numpy(), atol=2e-3)


@torch.no_grad()
def test_vocoder_and_composer_take_any_length(folder: Path) -> None:
    for name, first, length in (("vocoder", "log_mel", 41), ("composer", "tokens", 192)):
        part, network, _ = exported(name, folder)
        whole = part.inputs[first].shape[1]
        inputs = {
            key: value[:, :length] if value.dim() > 1 and value.shape[1] == whole else value
            for key, value in part.inputs.items()
        }
        expected = part.net(**inputs)
        found = network(**{key: value.numpy() for key, value in inputs.items()})
        right = expected[0] if isinstance(expected, tuple) else expected
        assert found[0].shape[1] == length
        np.testing.assert_allclose(found[0], right.numpy(), atol=2e-3)


@pytest.mark.parametrize("name", list(CONFIGS))
def test_the_file_goes_back_into_a_network_parameter_by_parameter(name: str, folder: Path) -> None:
    part, _, _ = exported(name, folder)
    assert type(part.config)(**checkpoint_config(folder / f"{name}.onnx")) == part.config
    other = EXPORTABLES[name](part.config).net
    load_checkpoint(folder / f"{name}.onnx", other)
    for key, value in part.net.state_dict().items():
        torch.testing.assert_close(other.state_dict()[key], value, atol=1e-3, rtol=1e-3)


def test_a_foreign_or_damaged_onnx_file_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "foreign.onnx"
    path.write_bytes(b"no protobuf at all")
    with pytest.raises(WeightsError) as refusal:
        checkpoint_config(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", list(CONFIGS))
def test_the_manifest_describes_the_file(name: str, folder: Path) -> None:
    part, _, difference = exported(name, folder)
    path = folder / f"{name}.onnx"
    entry = json.loads((folder / "manifest.json").read_text())[name]
    assert entry["file"] == path.name
    assert entry["sha256"] == checksum(path)
    assert entry["bytes"] == path.stat().st_size
    assert entry["version"] == "9.9"
    assert entry["max_difference_from_torch"] == pytest.approx(difference, rel=0.01)
    assert type(part.config)(**entry["config"]) == part.config
    assert not list(folder.glob("*.tmp"))


@pytest.mark.parametrize("name", list(CONFIGS))
def test_large_matrices_are_stored_in_halves_and_cast_once_at_load(name: str, folder: Path) -> None:
    import onnxruntime

    exported(name, folder)
    path = folder / f"{name}.onnx"
    stored = {item.name: onnx.numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer}
    large = {key: value for key, value in stored.items() if value.size >= HALF_FROM_ELEMENTS}
    assert large
    assert all(value.dtype != np.float32 for value in large.values())
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / f"{name}-optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    loaded = onnx.load(options.optimized_model_filepath)
    assert not [node for node in loaded.graph.node if node.op_type == "Cast" and node.input[0].endswith(".half")]


def test_a_damaged_checkpoint_leaves_the_model_that_was_there(folder: Path, tmp_path: Path) -> None:
    exported("vocoder", folder)
    kept = (folder / "vocoder.onnx").read_bytes()
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"not a checkpoint")
    with pytest.raises(WeightsError, match="missing or damaged"):
        export("vocoder", damaged, "9.9", folder)
    assert (folder / "vocoder.onnx").read_bytes() == kept


@pytest.mark.parametrize("name", list(CONFIGS))
def test_training_can_go_on_from_the_shipped_file(name: str, folder: Path) -> None:
    part, _, _ = exported(name, folder)
    again = EXPORTABLES[name](CONFIGS[name])
    load_checkpoint(folder / f"{name}.onnx", again.net)
    for key, value in part.net.state_dict().items():
        torch.testing.assert_close(again.net.state_dict()[key], value, rtol=0, atol=0)
