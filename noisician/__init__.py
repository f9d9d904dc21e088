"""noisician: words become a score, diffusion paints every player's sound out of noise.

    import noisician

    track = noisician.make("dreamy lofi hip hop with soft piano", duration_s=30)
    track.save("dream.wav", stems=True, midi=True)

Everything here is loaded when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from noisician.api import RequestOptions as RequestOptions
    from noisician.api import explain as explain
    from noisician.api import generate as generate
    from noisician.api import make as make
    from noisician.api import make_takes as make_takes
    from noisician.api import open as open
    from noisician.api import read_recipe as read_recipe
    from noisician.api import vary as vary
    from noisician.errors import Cancelled as Cancelled
    from noisician.errors import CorpusError as CorpusError
    from noisician.errors import FileError as FileError
    from noisician.errors import NoisicianError as NoisicianError
    from noisician.errors import RequestError as RequestError
    from noisician.errors import WeightsError as WeightsError
    from noisician.models.protocol import Progress as Progress
    from noisician.music import Music as Music
    from noisician.music import SaveOptions as SaveOptions
    from noisician.prompt.controls import Controls as Controls
    from noisician.recipe import Recipe as Recipe
    from noisician.request import Request as Request
    from noisician.score.model import Score as Score

    __version__: str

#: Public name → the module it lives in.
_HOMES = {
    "make": "noisician.api",
    "make_takes": "noisician.api",
    "generate": "noisician.api",
    "vary": "noisician.api",
    "open": "noisician.api",
    "explain": "noisician.api",
    "read_recipe": "noisician.api",
    "RequestOptions": "noisician.api",
    "Music": "noisician.music",
    "SaveOptions": "noisician.music",
    "Progress": "noisician.models.protocol",
    "Request": "noisician.request",
    "Recipe": "noisician.recipe",
    "Controls": "noisician.prompt.controls",
    "Score": "noisician.score.model",
    "NoisicianError": "noisician.errors",
    "RequestError": "noisician.errors",
    "FileError": "noisician.errors",
    "WeightsError": "noisician.errors",
    "CorpusError": "noisician.errors",
    "Cancelled": "noisician.errors",
}

__all__ = [
    "Cancelled",
    "Controls",
    "CorpusError",
    "FileError",
    "Music",
    "NoisicianError",
    "Progress",
    "Recipe",
    "Request",
    "RequestError",
    "RequestOptions",
    "SaveOptions",
    "Score",
    "WeightsError",
    "explain",
    "generate",
    "make",
    "make_takes",
    "open",
    "read_recipe",
    "vary",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from noisician.recipe import software_version

        return software_version()
    if name not in _HOMES:
        raise AttributeError(f"module 'noisician' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "__version__"})
