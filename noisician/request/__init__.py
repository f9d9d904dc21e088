"""The one request that travels unchanged from library, command line or service to the model.

Each of its options is told once, in ``fields.py``: type, default, limits, names, words, and the features that a model
needs for it. The command line, the library's keyword arguments, the HTTP API and its document, the tools for assistants
and all checks are derived from there.
"""

from __future__ import annotations

from noisician.request.fields import (
    BARS_RANGE,
    DTYPES,
    DURATION_RANGE_S,
    EMBEDDED,
    LISTS,
    LYRICS_LIMIT_CHARS,
    MATERIAL_FIELDS,
    MODES,
    OPTIONS,
    PRESETS,
    PROMPT_LIMIT_CHARS,
    SEEDS,
    TEMPO_RANGE_BPM,
    TIME_SIGNATURES,
    TONICS,
    Dtype,
    Mode,
    Preset,
    Request,
    TimeSignature,
    choices_of,
    did_you_mean,
    is_given,
)
from noisician.request.option import Feature, Option, Panel, Writing

__all__ = [
    "BARS_RANGE",
    "DTYPES",
    "DURATION_RANGE_S",
    "EMBEDDED",
    "LISTS",
    "LYRICS_LIMIT_CHARS",
    "MATERIAL_FIELDS",
    "MODES",
    "OPTIONS",
    "PRESETS",
    "PROMPT_LIMIT_CHARS",
    "SEEDS",
    "TEMPO_RANGE_BPM",
    "TIME_SIGNATURES",
    "TONICS",
    "Dtype",
    "Feature",
    "Mode",
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
