"""The request as a value that checks its types and travels as JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from noisician.request.fields import Fields


class Request(BaseModel, Fields):
    """What somebody asked for: :class:`~noisician.request.Fields`. Explicit values win over the prompt's words.

    Validation beyond types (ranges, unknown names, contradictions) is :func:`noisician.prompt.understand`'s, because it
    can name the likely cause.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
