"""Looking at a checkpoint's folder before anything loads it: is all there, whole, and of a kind that runs no code.

Only the headers of safetensors files are read (https://huggingface.co/docs/safetensors: eight bytes of length, JSON,
data), so a look costs milliseconds however large the checkpoint is.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisician.errors import WeightsError

INDEX = "model_index.json"
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
#: Parts of a pipeline, from transformers, that hold no weights.
_TEXT_OR_IMAGE = re.compile(r"(Tokenizer|TokenizerFast|Processor|FeatureExtractor|ImageProcessor\w*)$")
#: Parts that nothing here uses; folders may lack them.
_UNUSED = ("safety_checker", "feature_extractor", "image_encoder")
_HEADER_LIMIT_BYTES = 100_000_000
_FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
_SAMPLES, _SAMPLE_BYTES = 16, 1 << 16


@dataclass(frozen=True)
class Contents:
    """What a sound folder holds. ``floats`` are the numbers of its networks, ``size_bytes`` their files."""

    folder: Path
    pipeline: str
    components: Mapping[str, str]
    files: tuple[Path, ...]
    floats: int
    size_bytes: int


def inspect(folder: Path) -> Contents:
    """Raises WeightsError for a folder that is not, or not wholly, a checkpoint in diffusers' format."""
    index = read_index(folder)
    components = _components(index)
    files: list[Path] = []
    for name, (library, kind) in components.items():
        files += _component_files(folder, name, library, kind)
    floats = sum(_floats(header_of(path)) for path in files)
    size = sum(path.stat().st_size for path in files)
    kinds = {name: kind for name, (_, kind) in components.items()}
    return Contents(folder, str(index["_class_name"]), kinds, tuple(files), floats, size)


def read_index(folder: Path) -> dict[str, Any]:
    """``model_index.json`` of a folder. Raises WeightsError for a folder without, or with a damaged one."""
    path = folder / INDEX
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise WeightsError(f"{folder}: {what}; a checkpoint is a folder with {INDEX}, as diffusers saves it")
    if not path.is_file():
        pickled = any(_pickles(folder))
        why = "it holds pickled weights, which can run code" if pickled else "another kind of folder, or not converted"
        raise WeightsError(f"{folder}: has no {INDEX}, so it is no checkpoint in diffusers' format ({why})")
    index = _read_json(path)
    if not isinstance(index.get("_class_name"), str):
        raise WeightsError(f"{path}: names no _class_name; damaged, or not diffusers' file")
    return index


def parts(folder: Path) -> dict[str, bool]:
    """The parts that a folder's index names and that are used → whether they hold weights."""
    return {name: _weighty(name, *part) for name, part in _components(read_index(folder)).items()}


def header_of(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file. Raises WeightsError where header and size do not fit each other."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little") if size >= 8 else -1
        if not 2 <= length <= min(size - 8, _HEADER_LIMIT_BYTES):
            raise WeightsError(f"{path}: is no safetensors file, or cut off ({size} bytes); download it again")
        text = file.read(length)
    try:
        header = json.loads(text)
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        end = max(ends, default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise WeightsError(f"{path}: its safetensors header is damaged; download it again") from None
    if 8 + length + end != size:
        raise WeightsError(
            f"{path}: holds {size} bytes, its header says {8 + length + end}; truncated by a broken copy or download"
        )
    return header


def fingerprint(contents: Contents) -> str:
    """SHA-256 of what determines a checkpoint's sound, cheaply: 64 hex digits.

    The index, every configuration, and of every weight file its size, its header and 16 evenly spaced blocks of
    64 KiB, so that two trainings of one architecture differ. It is no proof against somebody who means to deceive.
    """
    digest = hashlib.sha256()
    configs = sorted(contents.folder.glob("*/config.json")) + sorted(contents.folder.glob("*/scheduler_config.json"))
    for path in [contents.folder / INDEX, *configs]:
        digest.update(path.relative_to(contents.folder).as_posix().encode() + b"\0" + path.read_bytes())
    for path in sorted(contents.files):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(contents.folder).as_posix()} {size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(int.from_bytes(file.read(8), "little")))
            for number in range(_SAMPLES):
                file.seek((size - min(size, _SAMPLE_BYTES)) * number // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _components(index: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Name → (library, class) of the parts that are used."""
    return {
        name: (str(value[0]), str(value[1]))
        for name, value in index.items()
        if not name.startswith("_") and isinstance(value, list) and len(value) == 2 and None not in value
        if name not in _UNUSED
    }


def _weighty(name: str, library: str, kind: str) -> bool:
    """A tokenizer of text holds no weights, a pipeline's own tokenizer of audio does."""
    text = library == "transformers" and (name.startswith("tokenizer") or _TEXT_OR_IMAGE.search(kind) is not None)
    return not (text or kind.endswith("Scheduler"))


def _component_files(folder: Path, name: str, library: str, kind: str) -> list[Path]:
    """The weight files of one part, none for a part without weights. Raises WeightsError for what is missing."""
    part = folder / name
    if not part.is_dir() or not any(part.iterdir()):
        raise WeightsError(f"{part}: is missing, {INDEX} names it ({kind}); the copy or download is incomplete")
    if not _weighty(name, library, kind):
        return []
    files = sorted(part.glob("*.safetensors"))
    if not files:
        pickles = sorted(path.name for path in _pickles(part))
        if pickles:
            raise WeightsError(
                f"{part / pickles[0]}: is pickled, which can run code, and there is no safetensors file beside it;"
                " get a safetensors version, or convert it where you trust its source (save_pretrained)"
            )
        raise WeightsError(f"{part}: holds no safetensors file; the copy or download is incomplete")
    if not (part / "config.json").is_file():
        raise WeightsError(f"{part / 'config.json'}: is missing; the copy or download is incomplete")
    _read_json(part / "config.json")
    for shard in _shards(part):
        if not (part / shard).is_file():
            raise WeightsError(f"{part / shard}: is missing; the copy or download is incomplete")
    return files


def _shards(part: Path) -> Iterator[str]:
    for path in part.glob("*.safetensors.index.json"):
        weights = _read_json(path).get("weight_map")
        if isinstance(weights, dict):
            yield from sorted({Path(str(file)).name for file in weights.values()})


def _pickles(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix.lower() in PICKLES and path.stem != "training_args")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as broken:
        reason = " ".join(str(broken).split())[:120]
        raise WeightsError(f"{path}: is no readable JSON ({reason}); damaged, download it again") from None
    if not isinstance(value, dict):
        raise WeightsError(f"{path}: is not what diffusers writes there; damaged, download it again")
    return value


def _floats(header: Mapping[str, Any]) -> int:
    return sum(
        math.prod(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and entry.get("dtype") in _FLOATS
    )
