"""From a body with anybody's names to a request: other music APIs' parameters are understood under their own names.

A name of ours wins over none of theirs: the two may stand side by side where they say the same, and are an error where
they do not.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from noisician.errors import RequestError
from noisician.request import (
    BARS_RANGE,
    DURATION_RANGE_S,
    LYRICS_LIMIT_CHARS,
    MODES,
    PROMPT_LIMIT_CHARS,
    SEEDS,
    TEMPO_RANGE_BPM,
    TIME_SIGNATURES,
    Request,
)
from noisician.service.settings import Settings
from noisician.service.web.problems import Problem, unfit
from noisician.service.wire import MusicBody

_LISTS = ("genres", "moods", "instruments", "without")
_INTEGERS = ("bars", "seed", "takes", "steps")
_KEY_AND_MODE = re.compile(r"\s*([A-Ga-g](?:#|♯|♭|b)?)[\s:_-]+(\w+)\s*")
_SHORT_MINOR = re.compile(r"\s*([A-Ga-g](?:#|♯|♭|b)?)m\s*")
#: What ACE-Step's clients send in place of lyrics for music without words.
_NO_WORDS = frozenset({"", "[inst]", "[instrumental]"})
_METRES = {signature.partition("/")[0]: signature for signature in TIME_SIGNATURES}
_AUTO = frozenset({"", "auto", "n/a", "none", "null"})


class Fault(NamedTuple):
    """Which field of the body cannot be understood, and why, in one line."""

    param: str
    message: str


class _NotUnderstood(Exception):
    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(param, message)


class Alias(NamedTuple):
    """Another API's name for ``field``. ``read`` makes our value of theirs; ``schema`` says what it may be."""

    field: str
    schema: dict[str, Any]
    read: Callable[[Any], Any] = lambda value: value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("is no number")
    return value


def _from_ms(value: Any) -> float:
    return _number(value) / 1000


def _opposite(value: Any) -> float:
    return round(1 - _number(value), 9)


def _metre(value: Any) -> Any:
    """``"4"`` and ``4`` mean 4/4; what is no metre is left for the check of the canonical field."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    if text is None:
        raise ValueError("is no time signature")
    return _METRES.get(text, text)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")
    return value


_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_NUMBER: dict[str, Any] = {"type": ["number", "null"]}
_INTEGER: dict[str, Any] = {"type": ["integer", "null"]}
_SWITCH: dict[str, Any] = {"type": ["boolean", "null"]}

#: Names with one field behind them. Those with two, or with a meaning of their own, follow below.
ALIASES: Mapping[str, Alias] = {
    "caption": Alias("prompt", {**_TEXT, "maxLength": PROMPT_LIMIT_CHARS}),
    "duration": Alias("duration_s", _NUMBER),
    "audio_duration": Alias("duration_s", _NUMBER),
    "audio_end_in_s": Alias("duration_s", _NUMBER),
    "music_length_ms": Alias("duration_s", _NUMBER, _from_ms),
    "inference_steps": Alias("steps", _INTEGER),
    "num_inference_steps": Alias("steps", _INTEGER),
    "cfg_scale": Alias("guidance_scale", _NUMBER),
    "bpm": Alias("tempo_bpm", _NUMBER),
    "timesignature": Alias("time_signature", {"type": ["string", "integer", "null"]}, _metre),
    "batch_size": Alias("takes", _INTEGER),
    "num_waveforms_per_prompt": Alias("takes", _INTEGER),
    "vocal_language": Alias("language", _TEXT),
    "src_audio": Alias("init_audio", _TEXT),
    "init_noise_level": Alias("strength", {**_NUMBER, "minimum": 0, "maximum": 1}),
    # How much of the source stays, where strength is how much of it goes.
    "audio_cover_strength": Alias("strength", {**_NUMBER, "minimum": 0, "maximum": 1}, _opposite),
}
_KEY_ALIASES = ("key_scale", "keyscale")
_SILENT_ALIASES = ("instrumental", "force_instrumental")
_REPAINT_ALIASES = ("repainting_start", "repainting_end")
_OWN_MEANING: Mapping[str, dict[str, Any]] = {
    "key_scale": {**_TEXT, "description": 'key and mode in one: "C major"'},
    "keyscale": {**_TEXT, "description": "likewise"},
    "instrumental": {**_SWITCH, "description": "true: nobody sings"},
    "force_instrumental": {**_SWITCH, "description": "likewise"},
    "repainting_start": {**_NUMBER, "description": "begin in seconds of what is made anew of init_audio"},
    "repainting_end": {**_NUMBER, "description": "its end in seconds; -1 is the end of the piece"},
    "use_random_seed": {**_SWITCH, "description": "true: the seed is drawn, whatever is given"},
}


def music_of(values: Mapping[str, Any]) -> tuple[Request, str | None]:
    """The request and the title of a body of POST /v1/music. Raises Problem naming the field at fault."""
    plain = canonical(values)
    title = plain.pop("title", None)
    body = _validated({**plain, "title": title})
    return Request.model_validate(body.model_dump(exclude={"title"})), title


def canonical(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under our own names; what is None, and so to be chosen, is left out. Raises Problem."""
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return _canonical(given)
    except _NotUnderstood as error:
        raise Problem(422, error.fault.message, "invalid_value", error.fault.param) from None


def _canonical(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in [name for name in given if name in ALIASES]:
        alias, value = ALIASES[name], given.pop(name)
        try:
            _put(found, alias.field, alias.read(value), name)
        except ValueError as error:
            raise _NotUnderstood(name, f"{name} {_shown(value)} {error}") from None
    for name in _KEY_ALIASES:
        _read_key_scale(found, name, given.pop(name, None))
    if given.pop("use_random_seed", False) is True or given.get("seed") == -1:
        given.pop("seed", None)
    _read_silence(given)
    if not given.get("lyrics"):
        found.pop("language", None)  # ACE-Step's clients name one for music without words too
    _read_repainting(found, given)
    for values in (given, found):
        _tidy(values)
    for field, value in found.items():
        if field in given and not _same(field, given[field], value):
            raise _contradiction(field, given[field], value)
        given.setdefault(field, value)
    return given


def _put(found: dict[str, Any], field: str, value: Any, name: str) -> None:
    if field in found and not _same(field, found[field], value):
        raise _NotUnderstood(
            name,
            f"{name} {_shown(value)} contradicts another name of {field}, {_shown(found[field])}; give one of them",
        )
    found[field] = value


def _read_key_scale(found: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise _NotUnderstood(name, f'{name} {_shown(value)} is no key; write "C major"')
    if value.strip().lower() in _AUTO:
        return
    short, long = _SHORT_MINOR.fullmatch(value), _KEY_AND_MODE.fullmatch(value)
    if long is not None and long[2].lower() in MODES:
        key, mode = long[1], long[2].lower()
    elif short is not None:
        key, mode = short[1], "minor"
    else:
        key, mode = value.strip(), None
    _put(found, "key", key, name)
    if mode is not None:
        _put(found, "mode", mode, name)


def _read_silence(given: dict[str, Any]) -> None:
    """Whether nobody is to sing; lyrics that stand for no words are none."""
    said = [name for name in _SILENT_ALIASES if name in given]
    for name in said:
        if not isinstance(given[name], bool):
            raise _NotUnderstood(name, f"{name} {_shown(given[name])} is neither true nor false")
    silent = [name for name in said if given.pop(name)]
    words = given.get("lyrics")
    if isinstance(words, str) and words.strip().lower() in _NO_WORDS:
        del given["lyrics"]
        given.pop("language", None)
    if not silent:
        return
    for name in ("lyrics", "vocals", "voice"):
        if given.get(name):
            raise _NotUnderstood(
                silent[0], f"{silent[0]} says nobody sings, but there is {name}; leave one of them out"
            )


def _read_repainting(found: dict[str, Any], given: dict[str, Any]) -> None:
    start, end = (given.pop(name, None) for name in _REPAINT_ALIASES)
    if start is None and end is None:
        return
    for name, value in zip(_REPAINT_ALIASES, (start, end), strict=True):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise _NotUnderstood(name, f"{name} {_shown(value)} is no number of seconds")
    length = found.get("duration_s", given.get("duration_s"))
    # Stretches are cut at the end of the piece.
    last = end if end is not None and end >= 0 else length if length is not None else DURATION_RANGE_S[1]
    _put(found, "repaint", [[start or 0.0, last]], "repainting_start")


def _tidy(given: dict[str, Any]) -> None:
    """What people write for a value of ours: a lone string for a list, "4" for 4/4, 8.0 for 8."""
    for name in _LISTS:
        if isinstance(given.get(name), str):
            given[name] = [given[name]]
    for name in _INTEGERS:
        value = given.get(name)
        if isinstance(value, float) and value.is_integer():
            given[name] = int(value)
    if isinstance(given.get("time_signature"), str):
        given["time_signature"] = _metre(given["time_signature"])


def _same(field: str, one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str) and field in ("key", "mode"):
        return one.strip().lower() == other.strip().lower()
    return one == other


def _contradiction(field: str, ours: Any, theirs: Any) -> _NotUnderstood:
    return _NotUnderstood(
        field, f"{field} {_shown(ours)} contradicts {_shown(theirs)} under another name; leave one of them out"
    )


def _validated(values: dict[str, Any]) -> MusicBody:
    """Strict as JSON is: text is no number. Lists serve where the request has tuples."""
    unknown = next((name for name in values if name not in MusicBody.model_fields), None)
    if unknown is not None:
        raise Problem(
            422, f"{unknown[:80]!r} is no option of a request{_hint(unknown)}", "unknown_option", unknown[:80]
        )
    try:
        return MusicBody.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise unfit(error) from None


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name, [*MusicBody.model_fields, *ALIASES, *_OWN_MEANING], n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _shown(value: Any) -> str:
    return repr(value)[:80]


def changed(base: Request, values: Mapping[str, Any]) -> Request:
    """``base`` with what a client wants otherwise, under anybody's names; null goes back to "choose for me".

    Raises Problem and RequestError.
    """
    from noisician.api import changed as with_changes

    freed = [name for name, value in values.items() if value is None]
    fields = {ALIASES[name].field if name in ALIASES else name for name in freed}
    unknown = next((name for name in fields if name not in Request.model_fields), None)
    if unknown is not None:
        raise Problem(
            422, f"{unknown[:80]!r} is no option of a request{_hint(unknown)}", "unknown_option", unknown[:80]
        )
    wanted = canonical(values)
    _validated(wanted)
    if "title" in wanted:
        raise RequestError("title is no option of a request; it stands beside the changes")
    reset = {name: Request.model_fields[name].get_default() for name in fields}
    return with_changes(base.model_copy(update=reset), wanted)


def music_schema(settings: Settings) -> dict[str, Any]:
    """The JSON schema of the body of POST /v1/music, with every name it understands and every limit it states."""
    schema = MusicBody.model_json_schema()
    properties: dict[str, Any] = schema["properties"]
    limits = _limits(settings)
    for name, entry in properties.items():
        properties[name] = _nullable({**entry, **limits.get(name, {})}, name)
    for name, alias in ALIASES.items():
        properties[name] = {**alias.schema, "description": f"another name of {alias.field}"}
    properties["music_length_ms"]["description"] = "duration_s in milliseconds"
    properties["audio_cover_strength"]["description"] = "1 − strength"
    properties.update({name: dict(entry) for name, entry in _OWN_MEANING.items()})
    return {**schema, "title": "MusicBody", "properties": properties}


def _nullable(entry: dict[str, Any], name: str) -> dict[str, Any]:
    """Null stands for "choose for me" in every field."""
    options = [option for option in entry.pop("anyOf", ()) if option != {"type": "null"}]
    limits = {key: entry.pop(key) for key in ("minimum", "maximum", "maxLength") if key in entry}
    core = (
        options[0] if options else {key: entry.pop(key) for key in ("type", "items", "enum", "const") if key in entry}
    )
    core = {**core, **limits}
    choices = [core, {"type": "null"}]
    if name in _LISTS:
        choices.insert(1, {"type": "string"})
    entry.pop("default", None)
    return {**entry, "anyOf": choices}


def _limits(settings: Settings) -> dict[str, dict[str, Any]]:
    low_s, high_s = DURATION_RANGE_S
    longest_s = min(high_s, settings.duration_limit_s)
    return {
        "prompt": {"maxLength": PROMPT_LIMIT_CHARS},
        "negative_prompt": {"maxLength": PROMPT_LIMIT_CHARS},
        "morph_prompt": {"maxLength": PROMPT_LIMIT_CHARS},
        "lyrics": {"maxLength": LYRICS_LIMIT_CHARS},
        "duration_s": {"minimum": low_s, "maximum": longest_s},
        "tempo_bpm": {"minimum": TEMPO_RANGE_BPM[0], "maximum": TEMPO_RANGE_BPM[1]},
        "bars": {"minimum": BARS_RANGE[0], "maximum": BARS_RANGE[1]},
        "seed": {"minimum": -1, "maximum": SEEDS - 1, "description": "−1 or null: drawn; the one drawn is reported"},
        "takes": {"minimum": 1, "maximum": settings.takes_limit},
        "strength": {"minimum": 0, "maximum": 1},
        "morph": {"minimum": 0, "maximum": 1},
    }
