"""The models that ship with the package: ONNX files, their checksums, and opening them.

``manifest.json`` names each file's SHA-256, size and the configuration its numpy side needs. A file that does not match
is refused: a damaged model would make damaged music without a word.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from noisician.errors import WeightsError

FOLDER = Path(__file__).parent
MODELS = ("composer", "renderer", "vocoder", "vocals")


@cache
def manifest() -> Mapping[str, Any]:
    """Model name → ``{"file", "sha256", "version", "config"}``."""
    path = FOLDER / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as broken:
        raise WeightsError(f"{path} cannot be read ({broken}); reinstall noisician") from broken


def enter(name: str, entry: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Writes one entry of a folder's manifest; the others stay as they are."""
    path = folder / "manifest.json"
    entries = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(dict(sorted((entries | {name: dict(entry)}).items())), indent=2) + "\n")


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Network:
    """One ONNX model on the CPU: arrays in, arrays out, called by name."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # ONNX Runtime asks the machine, not the container, for its cores; and spinning threads starve the others.
        options.intra_op_num_threads = threads or available_cores()
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path.read_bytes(), options, ["CPUExecutionProvider"])
        except Exception as broken:
            raise WeightsError(f"{path} is no model ONNX Runtime can load ({str(broken).splitlines()[0]})") from broken
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(output) for output in self._session.run(self._outputs, inputs)]


def available_cores() -> int:
    """The cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def open_network(name: str, threads: int | None = None) -> Network:
    """Loads one of MODELS. Raises WeightsError when its file is missing or damaged."""
    entry = manifest().get(name)
    if entry is None:
        raise WeightsError(f"no model called {name!r}; there are {', '.join(manifest())}")
    path = FOLDER / entry["file"]
    if not path.exists():
        raise WeightsError(f"{path} is missing; reinstall noisician")
    found = checksum(path)
    if found != entry["sha256"]:
        raise WeightsError(
            f"{path} is damaged (sha256 {found[:12]}…, expected {entry['sha256'][:12]}…); reinstall noisician"
        )
    return Network(path, threads)
