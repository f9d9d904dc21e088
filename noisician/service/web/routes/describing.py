"""What the OpenAPI document says of parameters and answers, and the parameters themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Header, Path, Query

from noisician.service import schemas

Document = dict[int | str, dict[str, Any]]

JOB_ID, _TAKE_ID, _UPLOAD_ID = (f"^{kind}_[0-9a-f]{{16}}$" for kind in ("job", "take", "upload"))
_REFUSALS: Mapping[int, str] = {
    400: "The body is not what its Content-Type says, or was cut off.",
    401: "The key is missing or wrong.",
    403: "The host or the origin of the request is not one this service answers to.",
    404: "There is no such thing.",
    408: "The body arrived too slowly.",
    409: "It contradicts what was asked or is there already.",
    413: "The body is too large.",
    415: "The body has another Content-Type.",
    416: "The range begins behind the end.",
    422: "A value does not fit, or what is asked for cannot be made.",
    429: "Too many wait already.",
    503: "The database cannot be used at the moment.",
    507: "The disk is full.",
}
_EVERYWHERE = (401, 403, 503)
_WITH_JSON = (400, 408, 413, 415, 422)
#: Where a finished or waiting job goes on from the answer that announced it.
_JOB_LINKS: dict[str, Any] = {
    "GetJob": {"operationId": "getJob", "parameters": {"id": "$response.body#/id"}, "description": "the job itself"},
    "CancelJob": {"operationId": "cancelJob", "parameters": {"id": "$response.body#/id"}},
    "DeleteJob": {"operationId": "deleteJob", "parameters": {"id": "$response.body#/id"}},
    "JobEvents": {"operationId": "jobEvents", "parameters": {"id": "$response.body#/id"}},
}
_TEXT_HEADER = {"schema": {"type": "string"}}


def refusals(*statuses: int, json_body: bool = False) -> Document:
    """The errors an operation can answer with, besides those that every operation can."""
    wanted = sorted({*_EVERYWHERE, *statuses, *(_WITH_JSON if json_body else ())})
    return {status: _refusal(status) for status in wanted}


def _refusal(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {"model": schemas.ErrorAnswer, "description": _REFUSALS[status]}
    if status in (429, 503):
        described["headers"] = {
            "Retry-After": {"description": "seconds after which to try again", "schema": {"type": "integer"}}
        }
    return described


def enqueued() -> Document:
    """The answers of what puts a job into the queue."""
    headers = {
        "Location": {"description": "where the job is", **_TEXT_HEADER, "required": True},
        "Preference-Applied": {"description": "how long was waited, where that was asked for", **_TEXT_HEADER},
        "Idempotency-Replayed": {"description": "true: the same key came before, this is its job", **_TEXT_HEADER},
    }
    shared = {"model": schemas.Job, "headers": headers, "links": _JOB_LINKS}
    return {
        202: {**shared, "description": "The job waits in the queue, or is being made."},
        200: {**shared, "description": "The job ended while it was waited for (Prefer: wait)."},
        **refusals(404, 409, 429, 507, json_body=True),
    }


def binary(*kinds: str, description: str) -> dict[str, Any]:
    """An answer that is a file."""
    file, other = {"type": "string", "format": "binary"}, {"application/json": {"type": "object"}}
    return {"description": description, "content": {kind: {"schema": other.get(kind, file)} for kind in kinds}}


JobId = Annotated[str, Path(alias="id", description="id of a job", json_schema_extra={"pattern": JOB_ID})]
TakeId = Annotated[str, Path(alias="id", description="id of a take", json_schema_extra={"pattern": _TAKE_ID})]
UploadId = Annotated[str, Path(alias="id", description="id of an upload", json_schema_extra={"pattern": _UPLOAD_ID})]
JobOrTakeId = Annotated[
    str,
    Path(
        alias="id", description="id of a take, or of a job", json_schema_extra={"pattern": "^(job|take)_[0-9a-f]{16}$"}
    ),
]
TakeNumber = Annotated[int, Query(alias="take", ge=1, le=64, description="which take, where the id is a job's")]
Limit = Annotated[int, Query(ge=1, le=100, description="how many at most")]
After = Annotated[str | None, Query(max_length=200, description="cursor: the `after` of the page before")]
Prefer = Annotated[
    str | None, Header(description="`wait=N` answers when the job has ended, or after N seconds", max_length=200)
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="the same key with the same body gives the same job again",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
    ),
]
LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, description="goes on after this event; set by EventSource itself")
]
Format = Literal[
    "wav", "flac", "mp3", "ogg", "zip", "dawproject", "reaper", "mid", "musicxml", "abc", "cho", "json", "lrc"
]
Loudness = Literal["streaming", "apple", "broadcast", "club", "off"]
