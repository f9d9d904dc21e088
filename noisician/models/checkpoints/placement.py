"""Where a checkpoint runs and in which precision, whether it fits, and what to do where it does not."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisician.errors import RequestError
from noisician.request import DTYPES

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
#: What sampling takes beside the weights, as a share of them and in bytes: activations, decoder, allocator.
HEADROOM_SHARE, HEADROOM_BYTES = 0.1, 500_000_000
_DEVICE = re.compile(r"(cuda)(:\d+)?|mps|cpu")
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


@dataclass(frozen=True)
class Placement:
    """``device`` cuda, cuda:N, mps or cpu; ``dtype`` one of DTYPES; ``offload``: parts visit the device in turn."""

    device: str
    dtype: str
    offload: bool = False


def choose(device: str | None, dtype: str | None, floats: int) -> Placement:
    """A place for networks of ``floats`` numbers; None leaves the choice.

    A GPU before the CPU. On CUDA in bfloat16, or float16 where the card lacks it; elsewhere in float32, because half
    precision is noise on some of MPS's layers and slow on most CPUs. Where float32 does not fit a CPU's
    memory and nobody asked for it, bfloat16. A CUDA card too small holds one part at a time (``offload``).

    Raises RequestError for a device that is not here, a name that is none, and memory that does not suffice.
    """
    _check_names(device, dtype)
    device = device or _best_device()
    _check_present(device)
    chosen = dtype or _best_dtype(device)
    free = free_bytes(device)
    if free is None or needed_bytes(floats, chosen) <= free:
        return Placement(device, chosen)
    if device.startswith("cuda"):
        _check_fits("cpu", chosen, floats)
        return Placement(device, chosen, offload=True)
    if dtype is None and needed_bytes(floats, "bfloat16") <= free:
        return Placement(device, "bfloat16")
    _check_fits(device, chosen, floats)
    return Placement(device, chosen)


def needed_bytes(floats: int, dtype: str) -> int:
    """Memory for the weights and for working with them."""
    return round(floats * BYTES[dtype] * (1 + HEADROOM_SHARE)) + (HEADROOM_BYTES if floats > 10_000_000 else 0)


def free_bytes(device: str) -> int | None:
    """Memory that is free now, None where nobody says."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    if device == "mps":
        import torch

        wanted = getattr(torch.mps, "recommended_max_memory", None)
        return None if wanted is None else int(wanted()) - int(torch.mps.driver_allocated_memory())
    return _free_main_memory()


def settle(pipeline: Any, placement: Placement) -> Any:
    """Puts a diffusers pipeline where ``placement`` says; decoders that can, decode in chunks when memory is short."""
    if placement.offload:
        pipeline.enable_model_cpu_offload(device=placement.device)
        for switch in ("enable_slicing", "enable_tiling"):
            turn_on = getattr(getattr(pipeline, "vae", None), switch, None)
            if turn_on is not None:
                turn_on()
        return pipeline
    return pipeline.to(placement.device)


def release() -> None:
    """Gives back what a dropped checkpoint held."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def memory_advice(placement: Placement, floats: int) -> Iterator[None]:
    """Turns running out of memory into a RequestError with figures and what may help."""
    try:
        yield
    except (MemoryError, RuntimeError) as failed:
        if not isinstance(failed, MemoryError) and not any(text in str(failed).lower() for text in _OUT_OF_MEMORY):
            raise
        message = _advice(placement, floats)
    else:
        return
    release()
    raise RequestError(message)


def _advice(placement: Placement, floats: int) -> str:
    free = free_bytes(placement.device)
    state = "" if free is None else f", {_gb(free)} GB free"
    tries = ["--dtype bfloat16"] if placement.dtype == "float32" else []
    tries.append("a shorter --length")
    if placement.device != "cpu":
        tries.append("--device cpu")
    return (
        f"not enough memory on {placement.device}{state}: the weights alone take"
        f" {_gb(floats * BYTES[placement.dtype])} GB as {placement.dtype}; try {', '.join(tries)}"
    )


def _check_names(device: str | None, dtype: str | None) -> None:
    if device is not None and not _DEVICE.fullmatch(device):
        raise RequestError(f"device {device!r} is not known; there are cuda, cuda:N, mps and cpu")
    if dtype is not None and dtype not in DTYPES:
        raise RequestError(f"dtype {dtype!r} is not known; there are {', '.join(DTYPES)}")


def is_present(device: str) -> bool:
    """Whether a device of that name is here."""
    try:
        _check_names(device, None)
        _check_present(device)
    except RequestError:
        return False
    return True


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _check_present(device: str) -> None:
    if device == "cpu":
        return
    import torch

    if device.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        number = int(device.partition(":")[2] or 0)
        if number >= count:
            raise RequestError(f"device {device} is not here: PyTorch {torch.__version__} sees {count} CUDA devices")
    if device == "mps" and not torch.backends.mps.is_available():
        raise RequestError(f"device mps is not here: PyTorch {torch.__version__} sees no Apple GPU")


def _best_dtype(device: str) -> str:
    if not device.startswith("cuda"):
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"


def _check_fits(device: str, dtype: str, floats: int) -> None:
    free, needed = free_bytes(device), needed_bytes(floats, dtype)
    if free is None or needed <= free:
        return
    smaller = "" if BYTES[dtype] == 2 else f"; --dtype bfloat16 needs {_gb(needed_bytes(floats, 'bfloat16'))} GB"
    raise RequestError(f"not enough memory on {device}: {_gb(needed)} GB needed, {_gb(free)} GB free{smaller}")


def _free_main_memory() -> int | None:
    """MemAvailable, or less where a control group allows less."""
    found = []
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        found.append(int(re.findall(r"MemAvailable:\s+(\d+)", text)[0]) * 1024)
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            found.append(int(limit) - _working_set(group))
    except (OSError, ValueError, IndexError):
        pass
    if not found and "SC_AVPHYS_PAGES" in getattr(os, "sysconf_names", {}):
        found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(0, min(found)) if found else None


def _working_set(group: Path) -> int:
    """What a control group uses besides file cache that would be given back."""
    used = int((group / "memory.current").read_text(encoding="ascii"))
    cached = re.findall(r"^inactive_file (\d+)", (group / "memory.stat").read_text(encoding="ascii"), re.MULTILINE)
    return used - (int(cached[0]) if cached else 0)


def _gb(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:.1f}"
