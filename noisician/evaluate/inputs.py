"""The one door to librosa."""

from __future__ import annotations

from types import ModuleType

from noisician.errors import NoisicianError


def librosa() -> ModuleType:
    """The optional judge. Raises NoisicianError in one line where the extra is not installed."""
    try:
        import librosa as module
    except ImportError as error:
        raise NoisicianError(
            "the tempo and pitch judges need librosa, which is not installed: pip install 'noisician[evaluate]'"
        ) from error
    return module
