"""From the body of a request to the request: names and types are the library's, and nothing else is let through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from noisician.request import DEFAULTS, LISTS, OPTIONS, TYPES, Request, did_you_mean
from noisician.service.schemas import MusicBody
from noisician.service.settings import Settings
from noisician.service.web.problems import Problem, unfit

#: Names of fields in other programs' APIs, and the field each means here; only hints are made of them.
OtherNames = Mapping[str, str]

NO_OTHER_NAMES: OtherNames = MappingProxyType({})
_TITLE = "title"
_NAME_CHARS = 80
_WHOLE = tuple(name for name, kind in TYPES.items() if kind in (int, int | None))


def music_of(values: Mapping[str, Any], other_names: OtherNames = NO_OTHER_NAMES) -> tuple[Request, str | None]:
    """The request and the title of a body of POST /v1/music. Raises Problem naming the field at fault."""
    body = _validated(said(values), other_names)
    return Request.model_validate(body.model_dump(exclude={_TITLE})), body.title


def said(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a body says: None, which leaves the choice to us, is left out; a lone name is a list of one, 8.0 is 8."""
    given = {name: value for name, value in values.items() if value is not None}
    for name in LISTS:
        if isinstance(given.get(name), str):
            given[name] = [given[name]]
    for name in _WHOLE:
        value = given.get(name)
        if isinstance(value, float) and value.is_integer():
            given[name] = int(value)
    return given


def changed(base: Request, values: Mapping[str, Any], other_names: OtherNames = NO_OTHER_NAMES) -> Request:
    """``base`` with what a client wants otherwise; null goes back to "choose for me". Raises Problem."""
    from noisician.api import changed as with_changes

    if _TITLE in values:
        raise Problem(422, "title is no option of a request; it stands beside the changes", "unknown_option", _TITLE)
    _check_names(values, (), other_names)
    wanted = said(values)
    _validated(wanted, other_names)
    freed = {name: DEFAULTS[name] for name, value in values.items() if value is None}
    return with_changes(base.model_copy(update=freed), wanted)


def _validated(values: dict[str, Any], other_names: OtherNames) -> MusicBody:
    """Strict as JSON is: text is no number. Lists serve where the request has tuples."""
    _check_names(values, (_TITLE,), other_names)
    try:
        return MusicBody.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise unfit(error) from None


def _check_names(names: Iterable[str], beside: tuple[str, ...], other_names: OtherNames) -> None:
    for name in names:
        if name not in OPTIONS and name not in beside:
            shown = name[:_NAME_CHARS]
            hint = did_you_mean(name, beside, other_names)
            raise Problem(422, f"{shown!r} is no option of a request{hint}", "unknown_option", shown)


def music_schema(settings: Settings) -> dict[str, Any]:
    """The JSON schema of the body of POST /v1/music, with every limit it states."""
    schema = MusicBody.model_json_schema()
    properties: dict[str, Any] = {name: _nullable(entry, name) for name, entry in schema["properties"].items()}
    length, takes = properties["duration_s"]["anyOf"][0], properties["takes"]["anyOf"][0]
    length["maximum"] = min(length["maximum"], settings.duration_limit_s)
    takes["maximum"] = min(takes["maximum"], settings.takes_limit)
    return {**schema, "title": "MusicBody", "properties": properties}


def _nullable(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Null stands for "choose for me" in every field, and a lone name for a list of one."""
    about = {key: value for key, value in entry.items() if key in ("title", "description")}
    value = {key: value for key, value in entry.items() if key not in (*about, "default", "anyOf")}
    choices = [choice for choice in entry.get("anyOf", (value,)) if choice.get("type") != "null"]
    alone = [{"type": "string"}] if name in LISTS else []
    return {**about, "anyOf": [*choices, *alone, {"type": "null"}]}
