"""The one request that travels unchanged from library, command line or service to the model.

Each of its options is told once, in ``fields.py``: type, default, limits, names, words, and the features that a model
needs for it. The command line, the library's keyword arguments, the HTTP API and its document, the tools for assistants
and all checks are derived from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noisician.request.fields import (
    AUDIO_FIELDS,
    BARS_RANGE,
    BEATS_PER_BAR,
    CHORDS_LIMIT_CHARS,
    DEFAULTS,
    DTYPES,
    DURATION_RANGE_S,
    EMBEDDED,
    FILE_FIELDS,
    LISTS,
    LYRICS_LIMIT_CHARS,
    MODES,
    OPTIONS,
    PRESETS,
    PROMPT_LIMIT_CHARS,
    SEEDS,
    TEMPO_RANGE_BPM,
    TIME_SIGNATURES,
    TONICS,
    TYPES,
    Dtype,
    Fields,
    Mode,
    NotesAs,
    Preset,
    TimeSignature,
    choices_of,
    did_you_mean,
    is_given,
)
from noisician.request.option import Feature, Option, Panel, Writing

if TYPE_CHECKING:
    from noisician.request.model import Request

__all__ = [
    "AUDIO_FIELDS",
    "BARS_RANGE",
    "BEATS_PER_BAR",
    "CHORDS_LIMIT_CHARS",
    "DEFAULTS",
    "DTYPES",
    "DURATION_RANGE_S",
    "EMBEDDED",
    "FILE_FIELDS",
    "LISTS",
    "LYRICS_LIMIT_CHARS",
    "MODES",
    "OPTIONS",
    "PRESETS",
    "PROMPT_LIMIT_CHARS",
    "SEEDS",
    "TEMPO_RANGE_BPM",
    "TIME_SIGNATURES",
    "TONICS",
    "TYPES",
    "Dtype",
    "Feature",
    "Fields",
    "Mode",
    "NotesAs",
    "Option",
    "Panel",
    "Preset",
    "Request",
    "TimeSignature",
    "Writing",
    "choices_of",
    "did_you_mean",
    "is_given",
]


def __getattr__(name: str) -> Any:
    """``Request``, when it is first used: what validates loads slower than the command line's help to show."""
    if name == "Request":
        from noisician.request.model import Request

        return Request
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
