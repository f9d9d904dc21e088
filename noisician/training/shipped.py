"""The shipped file is also the checkpoint.

The exporter renames, transposes and folds what it writes, so an ONNX file alone cannot go back into a network. At
export its metadata is given the place of every parameter; with that, training resumes from the file that ships, and no
second copy of the weights has to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from noisician.errors import WeightsError

_PLACES, _CONFIG = "noisician_parameters", "noisician_config"
HALF = ".half"


def describe(model: Any, weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    """Writes the configuration and each parameter's initialiser into an ``onnx.ModelProto``'s metadata.

    Raises WeightsError for a parameter that the exporter folded into something else.
    """
    from onnx import helper, numpy_helper

    initialisers = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    places = {}
    for name, weight in weights.items():
        place = _find(weight.detach().cpu().numpy(), initialisers)
        if place is None:
            raise WeightsError(f"parameter {name} is not in the exported graph as it was; it cannot be read back")
        places[name] = place
    helper.set_model_props(model, {_PLACES: json.dumps(places), _CONFIG: json.dumps(dict(config))})


def _find(weight: np.ndarray, initialisers: Mapping[str, np.ndarray]) -> tuple[str, bool] | None:
    """(initialiser, transposed) that holds exactly these values, at half or full precision."""
    for name, values in initialisers.items():
        if values.size != weight.size:
            continue
        same = weight.astype(values.dtype)
        if values.shape == weight.shape and np.array_equal(values, same):
            return name, False
        if weight.ndim == 2 and values.shape == weight.T.shape and np.array_equal(values, same.T):
            return name, True
    return None


def read_shipped(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(weights by parameter name, configuration). Raises WeightsError for a file without that description."""
    import onnx
    from onnx import numpy_helper

    try:
        model = onnx.load(str(path))
    except Exception as broken:  # protobuf's errors share no base
        raise WeightsError(f"{path} cannot be read ({str(broken).splitlines()[0]}); it is damaged") from broken
    notes = {entry.key: entry.value for entry in model.metadata_props}
    if _PLACES not in notes:
        raise WeightsError(f"{path} does not say where its parameters are; it was not exported by noisician")
    initialisers = {entry.name: entry for entry in model.graph.initializer}
    weights = {}
    for name, (place, transposed) in json.loads(notes[_PLACES]).items():
        values = numpy_helper.to_array(initialisers[place]).astype(np.float32)
        weights[name] = torch.from_numpy(np.ascontiguousarray(values.T if transposed else values))
    return weights, json.loads(notes[_CONFIG])
