"""Server-sent events: what happens, as it happens, and what was missed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from noisician.service.files import is_id
from noisician.service.library.shapes import error_body, event_shape
from noisician.service.records import FINISHED, EventRecord, JobRecord
from noisician.service.web.desk import Desk, OnDesk
from noisician.service.web.live import STREAMS_LIMIT
from noisician.service.web.problems import Problem, not_found
from noisician.service.web.routes.describing import JobId, LastEventId, refusals
from noisician.service.web.serving import HEAD_FLAG

router = APIRouter(tags=["events"])

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events; the `data` of each is an Event. A comment line every 15 s keeps the stream open.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    **refusals(422, 429),
}
Resume = Annotated[int | None, Query(ge=0, description="as Last-Event-ID, for clients that cannot set headers")]


@router.get(
    "/v1/events", operation_id="events", response_class=Response, responses=_STREAM, summary="Everything that happens"
)
async def events(request: Request, desk: OnDesk, last: LastEventId = None, last_event_id: Resume = None) -> Response:
    """From now on, or from after the event that was seen last."""
    after = _first(last, last_event_id)
    if after is None:  # asked before the answer begins, so that who has it misses nothing
        after = await anyio.to_thread.run_sync(desk.store.last_event_id)
    return _stream(request, desk, _all(desk, after))


@router.get(
    "/v1/music/{id}/events",
    operation_id="jobEvents",
    response_class=Response,
    responses={
        **_STREAM,
        204: {"description": "The job has ended and all was told: do not come back."},
        **refusals(404),
    },
    summary="What happens to a job",
)
async def job_events(
    request: Request, desk: OnDesk, job_id: JobId, last: LastEventId = None, last_event_id: Resume = None
) -> Response:
    """From the beginning, or from after the event that was seen last; ends when the job does."""
    job = await anyio.to_thread.run_sync(desk.store.job, job_id) if is_id(job_id, "job") else None
    if job is None:
        raise not_found("job", job_id)
    seen = _first(last, last_event_id)
    if seen is not None and job.status in FINISHED:
        missed = await anyio.to_thread.run_sync(desk.store.events_after, seen, job_id, 1)
        if not missed:
            return Response(status_code=204)
    return _stream(request, desk, _of_job(desk, job_id, seen))


def _first(header: int | None, query: int | None) -> int | None:
    """A browser that comes back by itself sets the header; the address is still the old one."""
    return header if header is not None else query


def _stream(request: Request, desk: Desk, lines: AsyncIterator[str]) -> Response:
    if request.scope.get(HEAD_FLAG):
        return Response(media_type="text/event-stream", headers=_HEADERS)
    if not desk.hub.admit():
        raise Problem(429, f"{STREAMS_LIMIT} listen already", "too_many_listeners", headers={"Retry-After": "15"})
    return _Stream(desk, lines)


class _Stream(StreamingResponse):
    """A stream that the hub has admitted, and hears the end of."""

    def __init__(self, desk: Desk, lines: AsyncIterator[str]) -> None:
        super().__init__(lines, media_type="text/event-stream", headers=_HEADERS)
        self._hub = desk.hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.dismiss()


async def _all(desk: Desk, after: int) -> AsyncIterator[str]:
    yield ": listening\n\n"
    async for event in desk.hub.events(after):
        yield _lines(event)


async def _of_job(desk: Desk, job_id: str, after: int | None) -> AsyncIterator[str]:
    """Ends after the final status, also where its event was forgotten or the job deleted."""
    yield ": listening\n\n"
    async for event in desk.hub.events(after or 0, job_id):
        if event is not None:
            yield _lines(event)
            if event.type == "status" and event.data.get("status") in FINISHED:
                return
            continue
        job = await anyio.to_thread.run_sync(desk.store.job, job_id)
        if job is None:
            return
        if job.status in FINISHED:
            yield _last_word(job)
            return
        yield _lines(None)


def _lines(event: EventRecord | None) -> str:
    if event is None:
        return ": still here\n\n"
    return f"id: {event.id}\nevent: {event.type}\ndata: {event_shape(event).model_dump_json()}\n\n"


def _last_word(job: JobRecord) -> str:
    """The final status of a job whose events are gone; without an id, so that none is skipped."""
    data: dict[str, Any] = {"status": job.status}
    if job.failure is not None:
        data["error"] = error_body(job.failure).model_dump(mode="json")
    told = {"type": "status", "job_id": job.id, "take_id": None, "data": data, "created_at": job.completed_at or 0.0}
    return f"event: status\ndata: {json.dumps(told)}\n\n"
