"""On what and with which versions figures were measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from noisician.recipe import software_version
from noisician.weights import available_cores

PACKAGES = ("numpy", "scipy", "onnxruntime", "soxr", "librosa", "tinysoundfont")


def processor() -> str:
    """The processor's name, or its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def memory_gb() -> float | None:
    """Physical memory in GB, None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (ValueError, OSError, AttributeError):
        return None


def versions() -> dict[str, str]:
    """Package → version, of those that are installed."""
    found = {"noisician": software_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def description() -> str:
    """One line: processor, cores this process may use, memory, system, Python."""
    memory = memory_gb()
    parts = [
        processor(),
        f"{available_cores()} cores used",
        "" if memory is None else f"{memory:.0f} GB",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
    ]
    return ", ".join(part for part in parts if part)
