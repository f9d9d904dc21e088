"""Which options of a request need which features of a model, and the error for those it lacks.

Asked before any work, and with the same words for every model: an option without effect would be a silent lie.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Mapping

from noisician.errors import RequestError
from noisician.lyrics import parse
from noisician.models.protocol import Capabilities, CheckedRequest
from noisician.prompt import Controls, read_figures, understand
from noisician.prompt.controls import Reason
from noisician.prompt.options import check_limits
from noisician.request import EMBEDDED, OPTIONS, SEEDS, TEMPO_RANGE_BPM, TIME_SIGNATURES, Feature, Request, is_given
from noisician.score.chart import Chart, chart_key, read_chart, simplified
from noisician.score.chordpro import harmony_of_chordpro, is_chordpro
from noisician.vocals.directions import with_lyrics, worded
from noisician.vocals.words import is_song

#: What words can say too.
_SAYABLE = tuple(
    name
    for name, option in OPTIONS.items()
    if option.panel == "Music" and not {"text", "negative_prompt"}.isdisjoint(option.needs)
)
_OUTPUTS: Mapping[str, Feature] = {
    "--stems": "stems",
    "--midi": "score",
    "--daw": "score",
    "--musicxml": "score",
    "--abc": "score",
    "--chordpro": "score",
    "--timed-lyrics": "voice",
    "--karaoke": "voice",
}
#: Where what is told beside chords was said.
_FILE = "the chords' file"
_LANGUAGE = re.compile(r"[a-z]{2,3}")

#: Names of the models that have a feature: what the error message offers.
Others = Callable[[Feature], tuple[str, ...]]


def no_others(feature: Feature) -> tuple[str, ...]:
    """For a model that knows no other."""
    return ()


def checked(
    request: Request, capabilities: Capabilities, others: Others = no_others, controls: Controls | None = None
) -> CheckedRequest:
    """The request with its meaning and with a seed; every piece of music begins here.

    The words mean everything to a model that composes, to any other the exact figures. ``controls`` are what they mean
    where they were read already. Raises RequestError as :func:`noisician.prompt.understand` and :func:`check_request`.
    """
    meant = meaning(request, capabilities) if controls is None else controls
    check_request(request, capabilities, others)
    seed = secrets.randbelow(SEEDS) if request.seed is None else request.seed
    return CheckedRequest(request.model_copy(update={"seed": seed}), meant, capabilities)


def meaning(request: Request, capabilities: Capabilities) -> Controls:
    """What a request's words mean to a model, those of its lyrics and its chords included where it sets them itself.

    Raises RequestError, also for lyrics that cannot be sung and for what is no chord.
    """
    if "score" not in capabilities.features:
        return read_figures(request)
    if request.lyrics is None:
        return with_chords(understand(request), request)
    check_limits(request)
    lyrics = parse(request.lyrics, request.language)
    return with_chords(with_lyrics(understand(worded(request, lyrics)), request, lyrics), request)


def with_chords(controls: Controls, request: Request) -> Controls:
    """The controls with the chords that were asked for, in the key in which they are at home where nobody names one.

    Raises RequestError for what is no chord.
    """
    written = request.chords or grids_of(request.lyrics)
    if written is None:
        return controls
    try:
        chart = read_chart(written, controls.mode or "major")
    except ValueError as error:
        raise RequestError(f"chords: {error}") from None
    controls = _as_told(controls, chart)
    found = chart_key(chart.symbols, controls.key, controls.mode)
    home = {} if found is None else dict(zip(("key", "mode"), found, strict=True))
    implied = {name: value for name, value in home.items() if getattr(controls, name) is None}
    told = {"chords": " ".join(symbol.text for symbol in chart.symbols), **implied}
    reasons = [
        Reason(field=name, value=value, words="--chords", source="option" if name == "chords" else "implied")
        for name, value in told.items()
    ]
    for symbol, quality in simplified(chart.symbols).items():
        played = f"{symbol} sounds as written; the composer hears {quality}"
        reasons.append(Reason(field="chords", value=played, words="--chords", source="implied"))
    update = {"chords": written, **implied, "reasons": (*controls.reasons, *reasons)}
    return controls.model_copy(update=update)


def grids_of(lyrics: str | None) -> str | None:
    """Lyrics in ChordPro that have grids: what says of every bar which chord it has; None for any other."""
    if lyrics is None or not is_chordpro(lyrics) or not harmony_of_chordpro(lyrics).has_grid:
        return None
    return lyrics


def _as_told(controls: Controls, chart: Chart) -> Controls:
    """The controls with what a ChordPro file says of key, tempo and metre, where nobody else does."""
    told = dict(chart.told)
    wanted = Request(key=told["key"]) if "key" in told else Request()
    found: dict[str, object] = {}
    if controls.key is None and "key" in told:
        read = read_figures(wanted)
        found |= {"key": read.key, "mode": read.mode}
    tempo = float(told["tempo"]) if re.fullmatch(r"\d{1,4}(\.\d{1,6})?", told.get("tempo", "")) else 0.0
    if controls.tempo_bpm is None and TEMPO_RANGE_BPM[0] <= tempo <= TEMPO_RANGE_BPM[1]:
        found["tempo_bpm"] = tempo
    if controls.time_signature is None and told.get("time") in TIME_SIGNATURES:
        found["time_signature"] = told["time"]
    found = {name: value for name, value in found.items() if value is not None}
    reasons = [
        Reason(
            field=name, value=f"{value:g}" if isinstance(value, float) else str(value), words=_FILE, source="implied"
        )
        for name, value in found.items()
    ]
    return controls.model_copy(update={**found, "reasons": (*controls.reasons, *reasons)})


def check_request(request: Request, capabilities: Capabilities, others: Others = no_others) -> None:
    """Raises RequestError for the first option that the model lacks or that says nothing without another."""
    check_companions(request)
    if request.guide and capabilities.name == EMBEDDED:
        raise _lacking("--guide", ("preset",), capabilities, others)
    for name, option in OPTIONS.items():
        if option.needs and is_given(request, name) and not capabilities.features.intersection(option.needs):
            raise _lacking(option.flag, option.needs, capabilities, others)


def followed(request: Request, capabilities: Capabilities) -> Request:
    """The request without what it says of the music in figures and styles, where the model cannot follow that."""
    default = Request()
    lost = {
        name: getattr(default, name) for name in _SAYABLE if not capabilities.features.intersection(OPTIONS[name].needs)
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
        if wanted.get(option) and request.lyrics is not None and not _sings(request):
            raise RequestError(f"{option} has no words: the lyrics ask for an instrumental")
        if wanted.get(option) and request.lyrics is None and not request.vocals:
            raise RequestError(f"{option} has no words: nothing is sung without --lyrics or --vocals")


def _sings(request: Request) -> bool:
    """Whether there are words; a text that could not be sung today may have been when its piece was made."""
    try:
        return is_song(request)
    except RequestError:
        return True


def check_duration(duration_s: float, capabilities: Capabilities) -> None:
    """Raises RequestError for a length that the model cannot make."""
    low, high = capabilities.duration_range_s
    if not low <= duration_s <= high:
        raise RequestError(
            f"length {duration_s:g} s is outside {low:g} to {high:g} s: that is what {capabilities.name} can make"
        )


def check_companions(request: Request) -> None:
    """Raises RequestError for options that need another beside them, or stand beside one they contradict."""
    if request.language is not None and not _LANGUAGE.fullmatch(request.language):
        raise RequestError(f"language {request.language!r} is no ISO 639-1 code: two letters such as en, de or zh")
    if request.guide and request.init_audio is not None:
        raise RequestError("--guide and --init-audio are two starts for one piece: leave one of them out")
    if request.picture is not None and request.init_audio is not None:
        raise RequestError("--picture and --init-audio are two starts for one piece: leave one of them out")
    started = request.init_audio is not None or request.guide
    if request.picture is not None and request.strength is not None and not request.repaint:
        started = True
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


def _lacking(option: str, features: tuple[Feature, ...], capabilities: Capabilities, others: Others) -> RequestError:
    names = tuple(dict.fromkeys(name for feature in features for name in others(feature)))
    able = f"; {_listed(names)} can" if names else ""
    return RequestError(f"{capabilities.name} cannot follow {option}{able}")


def _listed(names: tuple[str, ...]) -> str:
    """Names in one line; those of one family, whose names begin alike, as ``dance-diffusion/*``."""
    short = tuple(dict.fromkeys(f"{name.split('/')[0]}/*" if "/" in name else name for name in names))
    return " and ".join([", ".join(short[:-1]), short[-1]] if len(short) > 1 else short)
