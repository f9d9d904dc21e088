"""Finding diffusers' pipeline classes by name, which come and go between its versions."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from noisician.errors import WeightsError

INSTALL = "pip install 'noisician[checkpoints]'"
#: The first diffusers that has a class.
FIRST_VERSION = {
    "StableAudioPipeline": "0.30",
    "StableAudio3Pipeline": "0.40",
    "StableAudio3AudioToAudioPipeline": "0.40",
    "StableAudio3InpaintPipeline": "0.40",
    "AceStepPipeline": "0.38",
    "StableDiffusionPipeline": "0.3",
    "StableDiffusionImg2ImgPipeline": "0.3",
    "StableDiffusionInpaintPipeline": "0.3",
    "DanceDiffusionPipeline": "0.6",
}


def pipeline_class(name: str) -> Any:
    """diffusers' class of that name.

    Raises WeightsError naming the version that has it, or the extra to install where diffusers or torch is missing.
    """
    diffusers = require_diffusers()
    try:
        found = getattr(diffusers, name)
    except (AttributeError, ImportError, RuntimeError) as missing:
        raise WeightsError(_too_old(name, diffusers.__version__, missing)) from None
    if "Dummy" in type(found).__name__:  # diffusers' stand-in where a package the class needs is not installed
        raise WeightsError(f"diffusers' {name} needs packages that are not installed; {INSTALL}")
    return found


def from_folder(kind: Any, folder: Path, dtype: str, **options: Any) -> Any:
    """``kind``, one of diffusers' pipelines or networks, from a folder on this machine: safetensors alone.

    ``dtype`` is one of ``request.DTYPES``. Raises what diffusers raises for a folder that does not fit.
    """
    import torch

    precision = {_dtype_argument(kind): getattr(torch, dtype)}
    return kind.from_pretrained(folder, use_safetensors=True, local_files_only=True, **precision, **options)


def _dtype_argument(kind: Any) -> str:
    """What ``kind.from_pretrained`` calls the precision, which it takes out of its keyword arguments by name.

    Older ones would ignore the new name without a word, newer ones warn of the old.
    """
    code = getattr(inspect.unwrap(kind.from_pretrained.__func__), "__code__", None)
    return "dtype" if code is not None and "dtype" in code.co_consts else "torch_dtype"


def require_diffusers() -> Any:
    """The diffusers package, told to be quiet. Raises WeightsError where it or what it needs is not installed."""
    try:
        import diffusers
        import torch  # noqa: F401
        import transformers
    except ImportError as missing:
        name = getattr(missing, "name", None) or "a package"
        raise WeightsError(f"open checkpoints need {name}, which is not installed; {INSTALL}") from None
    # Their notes are not for those who make music; progress is shown by noisician, errors are raised.
    for package in (diffusers, transformers):
        package.utils.logging.set_verbosity_error()
        package.utils.logging.disable_progress_bar()
    return diffusers


@contextmanager
def quietly() -> Iterator[None]:
    """Without the libraries' warnings, which are for those who maintain them. Not for two threads at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _too_old(name: str, version: str, reason: Exception) -> str:
    first = FIRST_VERSION.get(name)
    if isinstance(reason, AttributeError):
        wanted = f"{first} or newer" if first else "another version"
        return f"diffusers {version} has no {name}; it needs {wanted}: pip install --upgrade diffusers"
    return f"diffusers {version} cannot load {name} ({' '.join(str(reason).split())[:160]}); {INSTALL}"
