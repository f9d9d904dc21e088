"""Which options of a request need which features of a model, and the error for those it lacks.

Asked before any work, and with the same words for every model: an option without effect would be a silent lie.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from noisician.errors import RequestError
from noisician.models.protocol import Capabilities, Feature
from noisician.request import LYRICS_LIMIT_CHARS, PROMPT_LIMIT_CHARS, Request


class Need(NamedTuple):
    """``option`` can be followed by a model that has any one of ``features``."""

    option: str
    features: tuple[Feature, ...]
    field: str


#: Models that read words take what they have no field of their own for as words.
_NEEDS = (
    Need("--bars", ("score", "tempo", "text"), "bars"),
    Need("--bpm", ("tempo", "text"), "tempo_bpm"),
    Need("--key", ("key", "text"), "key"),
    Need("--mode", ("key", "text"), "mode"),
    Need("--meter", ("time_signature", "text"), "time_signature"),
    Need("--genre", ("text",), "genres"),
    Need("--mood", ("text",), "moods"),
    Need("--instruments", ("text",), "instruments"),
    Need("--without", ("score", "negative_prompt"), "without"),
    Need("--loop", ("loop",), "loop"),
    Need("--preset", ("preset",), "preset"),
    Need("--device", ("device",), "device"),
    Need("--dtype", ("device",), "dtype"),
    Need("--negative", ("negative_prompt",), "negative_prompt"),
    Need("--lyrics", ("lyrics",), "lyrics"),
    Need("--language", ("lyrics",), "language"),
    Need("--vocals", ("voice",), "vocals"),
    Need("--voice", ("voice",), "voice"),
    Need("--init-audio", ("init_audio",), "init_audio"),
    Need("--strength", ("init_audio",), "strength"),
    Need("--repaint", ("repaint",), "repaint"),
    Need("--reference-audio", ("reference_audio",), "reference_audio"),
    Need("--morph-prompt", ("morph_prompt",), "morph_prompt"),
    Need("--morph-audio", ("morph_audio",), "morph_audio"),
    Need("--morph", ("morph_prompt", "morph_audio"), "morph"),
    Need("--guide", ("init_audio",), "guide"),
)
_SAYABLE = ("tempo_bpm", "key", "mode", "time_signature", "genres", "moods", "instruments", "without")
_OUTPUTS: Mapping[str, Feature] = {
    "--stems": "stems",
    "--midi": "score",
    "--timed-lyrics": "voice",
    "--karaoke": "voice",
}
_LANGUAGE = re.compile(r"[a-z]{2,3}")

#: Names of the models that have a feature: what the error message offers.
Others = Callable[[Feature], tuple[str, ...]]


def no_others(feature: Feature) -> tuple[str, ...]:
    """For a model that knows no other."""
    return ()


def check_request(request: Request, capabilities: Capabilities, others: Others = no_others) -> None:
    """Raises RequestError for the first option that the model lacks or that says nothing without another."""
    check_material_options(request)
    for need in _NEEDS:
        if _given(request, need.field) and not capabilities.features.intersection(need.features):
            raise _lacking(need.option, need.features, capabilities, others)


def followed(request: Request, capabilities: Capabilities) -> Request:
    """The request without what it says of the music in figures and styles, where the model cannot follow that."""
    default = Request()
    lost = {
        need.field: getattr(default, need.field)
        for need in _NEEDS
        if need.field in _SAYABLE and not capabilities.features.intersection(need.features)
    }
    return request.model_copy(update=lost)


def check_outputs(wanted: Mapping[str, bool], capabilities: Capabilities, others: Others = no_others) -> None:
    """``wanted`` says of each of _OUTPUTS whether it is asked for. Raises RequestError for what cannot be had."""
    for option, feature in _OUTPUTS.items():
        if wanted.get(option) and feature not in capabilities.features:
            raise _lacking(option, (feature,), capabilities, others)


def check_singing(wanted: Mapping[str, bool], request: Request) -> None:
    """Raises RequestError for an output about words where nobody sings."""
    for option in ("--timed-lyrics", "--karaoke"):
        if wanted.get(option) and request.lyrics is None and not request.vocals:
            raise RequestError(f"{option} has no words: nothing is sung without --lyrics or --vocals")


def check_duration(duration_s: float, capabilities: Capabilities) -> None:
    """Raises RequestError for a length that the model cannot make."""
    low, high = capabilities.duration_range_s
    if not low <= duration_s <= high:
        raise RequestError(
            f"length {duration_s:g} s is outside {low:g} to {high:g} s: that is what {capabilities.name} can make"
        )


def check_material_options(request: Request) -> None:
    """Raises RequestError for values out of range and for options that need another beside them."""
    _check_share("strength", request.strength, "0 keeps all of the audio, 1 nothing")
    _check_share("morph", request.morph, "0 is the start, 1 the end")
    for name, text, limit in (
        ("lyrics", request.lyrics, LYRICS_LIMIT_CHARS),
        ("negative prompt", request.negative_prompt, PROMPT_LIMIT_CHARS),
        ("morph prompt", request.morph_prompt, PROMPT_LIMIT_CHARS),
    ):
        if text is not None and len(text) > limit:
            raise RequestError(f"{name} of {len(text)} characters is over the limit of {limit} characters: shorten it")
    if request.language is not None and not _LANGUAGE.fullmatch(request.language):
        raise RequestError(f"language {request.language!r} is no ISO 639-1 code: two letters such as en, de or zh")
    if request.guide and request.init_audio is not None:
        raise RequestError("--guide and --init-audio are two starts for one piece: leave one of them out")
    started = request.init_audio is not None or request.guide
    for option, given in (
        ("--strength", request.strength is not None),
        ("--repaint", bool(request.repaint)),
        ("--morph-audio", request.morph_audio is not None),
    ):
        if given and not started:
            raise RequestError(f"{option} says nothing without audio to start from: add --init-audio FILE")
    if request.language is not None and request.lyrics is None:
        raise RequestError("--language is that of the lyrics, and there are none: add --lyrics")
    if request.voice is not None and request.lyrics is None and not request.vocals:
        raise RequestError("--voice has nothing to sing: add --lyrics, or --vocals for singing without words")
    if request.morph is not None and request.morph_prompt is None and request.morph_audio is None:
        raise RequestError("--morph is a place between two things: add --morph-prompt or --morph-audio")
    _check_repaint(request.repaint)


def _check_repaint(spans: tuple[tuple[float, float], ...]) -> None:
    for start_s, end_s in spans:
        if not (math.isfinite(start_s) and math.isfinite(end_s) and 0 <= start_s < end_s):
            raise RequestError(f"repaint {start_s:g}-{end_s:g} s is no stretch of time: write START-END, as in 10-15")


def _check_share(name: str, value: float | None, meaning: str) -> None:
    if value is not None and not 0 <= value <= 1:
        raise RequestError(f"{name} {value:g} is outside 0 to 1: {meaning}")


def _given(request: Request, field: str) -> bool:
    value: Any = getattr(request, field)
    return value is not None and value is not False and value != ()


def _lacking(option: str, features: tuple[Feature, ...], capabilities: Capabilities, others: Others) -> RequestError:
    names = tuple(dict.fromkeys(name for feature in features for name in others(feature)))
    able = f"; {_listed(names)} can" if names else ""
    return RequestError(f"{capabilities.name} cannot follow {option}{able}")


def _listed(names: tuple[str, ...]) -> str:
    """Names in one line; those of one family, whose names begin alike, as ``dance-diffusion/*``."""
    short = tuple(dict.fromkeys(f"{name.split('/')[0]}/*" if "/" in name else name for name in names))
    return " and ".join([", ".join(short[:-1]), short[-1]] if len(short) > 1 else short)
