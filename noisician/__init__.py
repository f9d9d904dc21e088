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
    from noisician.analysis.recording import Hearing as Hearing
    from noisician.api import RequestOptions as RequestOptions
    from noisician.api import analyse as analyse
    from noisician.api import edit as edit
    from noisician.api import edits_from_midi as edits_from_midi
    from noisician.api import explain as explain
    from noisician.api import extend as extend
    from noisician.api import generate as generate
    from noisician.api import intensities as intensities
    from noisician.api import loop as loop
    from noisician.api import make as make
    from noisician.api import make_takes as make_takes
    from noisician.api import open as open
    from noisician.api import outlook as outlook
    from noisician.api import read_recipe as read_recipe
    from noisician.api import repaint as repaint
    from noisician.api import vary as vary
    from noisician.edits import AddPlayer as AddPlayer
    from noisician.edits import ChangedNote as ChangedNote
    from noisician.edits import Copy as Copy
    from noisician.edits import Edit as Edit
    from noisician.edits import Extend as Extend
    from noisician.edits import Loop as Loop
    from noisician.edits import NewNote as NewNote
    from noisician.edits import PlacedChord as PlacedChord
    from noisician.edits import Regenerate as Regenerate
    from noisician.edits import Region as Region
    from noisician.edits import Remaster as Remaster
    from noisician.edits import RemovePlayer as RemovePlayer
    from noisician.edits import ReplaceInstrument as ReplaceInstrument
    from noisician.edits import Rest as Rest
    from noisician.edits import SetChords as SetChords
    from noisician.edits import SetFades as SetFades
    from noisician.edits import SetKey as SetKey
    from noisician.edits import SetMeter as SetMeter
    from noisician.edits import SetNotes as SetNotes
    from noisician.edits import SetSections as SetSections
    from noisician.edits import SetStrip as SetStrip
    from noisician.edits import SetTempo as SetTempo
    from noisician.edits import SetTiming as SetTiming
    from noisician.edits import SetVoice as SetVoice
    from noisician.edits import SetWords as SetWords
    from noisician.edits import Transpose as Transpose
    from noisician.edits import UseFrom as UseFrom
    from noisician.edits import Vary as Vary
    from noisician.errors import Cancelled as Cancelled
    from noisician.errors import CorpusError as CorpusError
    from noisician.errors import FileError as FileError
    from noisician.errors import NoisicianError as NoisicianError
    from noisician.errors import RequestError as RequestError
    from noisician.errors import WeightsError as WeightsError
    from noisician.models.protocol import EditOutlook as EditOutlook
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
    "analyse": "noisician.api",
    "Hearing": "noisician.analysis.recording",
    "make_takes": "noisician.api",
    "generate": "noisician.api",
    "vary": "noisician.api",
    "open": "noisician.api",
    "edit": "noisician.api",
    "extend": "noisician.api",
    "loop": "noisician.api",
    "repaint": "noisician.api",
    "outlook": "noisician.api",
    "edits_from_midi": "noisician.api",
    "intensities": "noisician.api",
    "explain": "noisician.api",
    "read_recipe": "noisician.api",
    "RequestOptions": "noisician.api",
    "Music": "noisician.music",
    "SaveOptions": "noisician.music",
    "Progress": "noisician.models.protocol",
    "EditOutlook": "noisician.models.protocol",
    "AddPlayer": "noisician.edits",
    "ChangedNote": "noisician.edits",
    "Copy": "noisician.edits",
    "Edit": "noisician.edits",
    "Extend": "noisician.edits",
    "Loop": "noisician.edits",
    "NewNote": "noisician.edits",
    "PlacedChord": "noisician.edits",
    "Regenerate": "noisician.edits",
    "Region": "noisician.edits",
    "Remaster": "noisician.edits",
    "RemovePlayer": "noisician.edits",
    "ReplaceInstrument": "noisician.edits",
    "Rest": "noisician.edits",
    "SetChords": "noisician.edits",
    "SetFades": "noisician.edits",
    "SetKey": "noisician.edits",
    "SetMeter": "noisician.edits",
    "SetNotes": "noisician.edits",
    "SetSections": "noisician.edits",
    "SetStrip": "noisician.edits",
    "SetTempo": "noisician.edits",
    "SetTiming": "noisician.edits",
    "SetVoice": "noisician.edits",
    "SetWords": "noisician.edits",
    "Transpose": "noisician.edits",
    "UseFrom": "noisician.edits",
    "Vary": "noisician.edits",
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
    "AddPlayer",
    "Cancelled",
    "ChangedNote",
    "Controls",
    "Copy",
    "CorpusError",
    "Edit",
    "EditOutlook",
    "Extend",
    "FileError",
    "Hearing",
    "Loop",
    "Music",
    "NewNote",
    "NoisicianError",
    "PlacedChord",
    "Progress",
    "Recipe",
    "Regenerate",
    "Region",
    "Remaster",
    "RemovePlayer",
    "ReplaceInstrument",
    "Request",
    "RequestError",
    "RequestOptions",
    "Rest",
    "SaveOptions",
    "Score",
    "SetChords",
    "SetFades",
    "SetKey",
    "SetMeter",
    "SetNotes",
    "SetSections",
    "SetStrip",
    "SetTempo",
    "SetTiming",
    "SetVoice",
    "SetWords",
    "Transpose",
    "UseFrom",
    "Vary",
    "WeightsError",
    "analyse",
    "edit",
    "edits_from_midi",
    "explain",
    "extend",
    "generate",
    "intensities",
    "loop",
    "make",
    "make_takes",
    "open",
    "outlook",
    "read_recipe",
    "repaint",
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
