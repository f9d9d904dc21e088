"""The request as a value that checks its types and travels as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from noisician.errors import RequestError
from noisician.request.fields import Fields, did_you_mean


class Request(BaseModel, Fields):
    """What somebody asked for: :class:`~noisician.request.Fields`. Explicit values win over the prompt's words.

    ``Request(...)`` raises RequestError for a name that is no option's and for a value of another type; validation
    beyond types (ranges, unknown names, contradictions) is :func:`noisician.prompt.understand`'s, because it can name
    the likely cause.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    if not TYPE_CHECKING:  # type checkers derive the signature from the fields

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise RequestError(in_one_line(error)) from None

        # Pydantic's mark of an __init__ that validating need not call: a request inside of something else is refused
        # with all of it, in the words of who reads that.
        __init__.__pydantic_base_init__ = True


def in_one_line(error: ValidationError) -> str:
    """The first thing that does not fit: its name, its value and why."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{name!r} is no option of a request{did_you_mean(name)}"
    return f"{name} {repr(first.get('input'))[:80]} does not fit: {' '.join(first['msg'].split())}"
