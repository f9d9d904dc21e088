"""Opening the shipped models: what is damaged or missing is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from noisician import weights
from noisician.errors import WeightsError
from noisician.weights import MODELS, Network, available_cores, checksum, manifest, open_network


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    manifest.cache_clear()
    yield tmp_path
    manifest.cache_clear()


def describe(folder: Path, **entries: dict[str, Any]) -> None:
    (folder / "manifest.json").write_text(json.dumps(entries))


def doubling(path: Path) -> None:
    """A model that doubles its input."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("Add", ["x", "x"], ["twice"])
    values = [helper.make_tensor_value_info(name, kind, ["n"]) for name in ("x", "twice")]
    graph = helper.make_graph([node], "doubling", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def refused(name: str, says: str) -> None:
    with pytest.raises(WeightsError, match=says) as refusal:
        open_network(name)
    assert "\n" not in str(refusal.value)


def test_a_sound_model_opens_and_runs(folder: Path) -> None:
    doubling(folder / "vocoder.onnx")
    describe(folder, vocoder={"file": "vocoder.onnx", "sha256": checksum(folder / "vocoder.onnx")})
    (made,) = open_network("vocoder", threads=1)(x=np.array([1, 2], np.float32))
    np.testing.assert_array_equal(made, [2, 4])


def test_a_changed_byte_is_refused(folder: Path) -> None:
    path = folder / "vocoder.onnx"
    path.write_bytes(b"model")
    describe(folder, vocoder={"file": "vocoder.onnx", "sha256": checksum(path)})
    path.write_bytes(b"modem")
    refused("vocoder", "damaged")


def test_missing_files_unknown_names_and_broken_manifests_are_refused(folder: Path) -> None:
    refused("vocoder", "reinstall")
    manifest.cache_clear()
    (folder / "manifest.json").write_text("{half")
    refused("vocoder", "reinstall")
    manifest.cache_clear()
    describe(folder, vocoder={"file": "vocoder.onnx", "sha256": "0" * 64})
    refused("vocoder", "missing")
    refused("drummer", "no model called 'drummer'; there are vocoder")


def test_what_is_no_model_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "vocoder.onnx"
    path.write_bytes(b"not an onnx file")
    with pytest.raises(WeightsError, match="no model ONNX Runtime can load") as refusal:
        Network(path)
    assert "\n" not in str(refusal.value)


def test_a_checksum_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert checksum(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_there_is_a_core() -> None:
    assert available_cores() >= 1


SHIPPED = (weights.FOLDER / "manifest.json").exists()


@pytest.mark.skipif(not SHIPPED, reason="no weights in this checkout")
@pytest.mark.parametrize("name", MODELS)
def test_every_shipped_model_is_the_one_described(name: str) -> None:
    entry = manifest()[name]
    path = weights.FOLDER / entry["file"]
    assert checksum(path) == entry["sha256"]
    assert path.stat().st_size == entry["bytes"]
    assert entry["max_difference_from_torch"] < 1e-3


@pytest.mark.skipif(not SHIPPED, reason="no weights in this checkout")
def test_the_shipped_models_fit_the_package() -> None:
    from noisician.mel import BINS, MEL_BANDS

    made = open_network("vocoder", threads=1)(
        log_mel=np.zeros((1, 8, MEL_BANDS), np.float32), log_excitation=np.zeros((1, 8, BINS), np.float32)
    )
    assert [part.shape for part in made] == [(1, 8, BINS)] * 4
    np.testing.assert_allclose(made[1] ** 2 + made[2] ** 2, 1, atol=1e-3)
