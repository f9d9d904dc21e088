"""Jobs: ask for music, see how far it is, cancel, delete."""

from __future__ import annotations

import contextlib
import re
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse, RedirectResponse, Response

from noisician.service import schemas
from noisician.service.files import is_id
from noisician.service.library.shapes import job_shape
from noisician.service.records import FINISHED, JobRecord, Status
from noisician.service.web import orders
from noisician.service.web.bodies import JsonRoute
from noisician.service.web.desk import Desk, OnDesk
from noisician.service.web.problems import not_found
from noisician.service.web.routes.describing import (
    After,
    IdempotencyKey,
    JobId,
    JobOrTakeId,
    Limit,
    Prefer,
    TakeNumber,
    enqueued,
    refusals,
)
from noisician.service.web.routes.takes import known_place
from noisician.service.web.understanding import music_of, said

router = APIRouter(tags=["music"], route_class=JsonRoute)

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:$|[,;])", re.IGNORECASE)


@router.post(
    "/v1/music", operation_id="makeMusic", status_code=202, response_model=schemas.Job, responses=enqueued(),
    summary="Ask for music",
)  # fmt: skip
async def make(
    desk: OnDesk,
    body: Annotated[dict[str, Any], Body()],
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Puts a job into the queue. Its first take's seed is drawn now if none is given; each further take has the next.

    Null, like leaving out, means "choose for me".
    """
    request, title = await desk.think(music_of, body, desk.other_names)
    order = orders.Order(request, said(body), title=title)
    return await enqueue(desk, order, prefer, idempotency_key)


@router.get("/v1/music", operation_id="listJobs", responses=refusals(404, 422), summary="List jobs, newest first")
def jobs(
    desk: OnDesk, limit: Limit = 20, after: After = None, status: Annotated[Status | None, Query()] = None
) -> schemas.JobPage:
    with known_place(after):
        page = desk.store.jobs(limit, after, status)
    takes = desk.store.takes_of_jobs([job.id for job in page.items])
    return schemas.JobPage(data=tuple(job_shape(job, takes[job.id]) for job in page.items), after=page.after)


@router.get("/v1/music/{id}", operation_id="getJob", responses=refusals(404), summary="A job and its takes")
def job(desk: OnDesk, job_id: JobId) -> schemas.Job:
    return _shown(desk, _job_of(desk, job_id))


@router.delete(
    "/v1/music/{id}", operation_id="deleteJob", status_code=204, responses=refusals(404), summary="Delete a job"
)
def delete(desk: OnDesk, job_id: JobId) -> None:
    """Cancels it where it is not finished. Its takes go to the bin, from which they can be restored."""
    if not is_id(job_id, "job") or not desk.store.delete_job(job_id):
        raise not_found("job", job_id)


@router.post("/v1/music/{id}/cancel", operation_id="cancelJob", responses=refusals(404), summary="Cancel a job")
def cancel(desk: OnDesk, job_id: JobId) -> schemas.Job:
    """One that waits is cancelled at once, one that is being made within a step; a finished one stays as it is.
    Takes that are finished are kept."""
    job = desk.store.cancel(job_id) if is_id(job_id, "job") else None
    if job is None:
        raise not_found("job", job_id)
    return _shown(desk, job)


@router.get(
    "/v1/music/{id}/preview",
    operation_id="previewJob",
    response_class=Response,
    responses={
        200: {
            "description": "A picture of the music so far.",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        **refusals(404),
    },
    summary="The picture so far",
)
def preview(desk: OnDesk, job_id: JobId) -> Response:
    """The spectrogram of the take that is being made, as far as it is painted."""
    _job_of(desk, job_id)
    try:
        return Response(desk.files.preview(job_id).read_bytes(), media_type="image/png")
    except FileNotFoundError:
        raise not_found("picture of job", job_id) from None


@router.get(
    "/v1/music/{id}/excerpt",
    operation_id="excerptOfJob",
    response_class=Response,
    responses={
        200: {
            "description": "The first that the edit changes.",
            "content": {"audio/flac": {"schema": {"type": "string", "format": "binary"}}},
            "headers": {
                "Start-S": {
                    "description": "Where in the track it starts, in seconds.",
                    "required": True,
                    "schema": {"type": "number"},
                }
            },
        },
        **refusals(404),
    },
    summary="The first that an edit changes",
)
def excerpt(desk: OnDesk, job_id: JobId) -> Response:
    """Some seconds of the take that is being made, sample for sample, before all of it is there; 404 until then, and
    where nothing can be told early (a loop, a player who joins, levels decided anew).

    It goes when a job after this one ends.
    """
    _job_of(desk, job_id)
    for start_s, path in desk.files.excerpts(job_id).items():
        with contextlib.suppress(FileNotFoundError):
            return Response(path.read_bytes(), media_type="audio/flac", headers={"Start-S": f"{start_s:.3f}"})
    raise not_found("excerpt of job", job_id)


_ELSEWHERE = {
    303: {
        "description": "Where the file is.",
        "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
    },
    **refusals(404, 422),
}


@router.post(
    "/v1/music/{id}/stems",
    operation_id="stemsOfJob",
    status_code=303,
    response_class=Response,
    responses=_ELSEWHERE,
    summary="The stems as an archive",
)
def stems(desk: OnDesk, id_: JobOrTakeId, take: TakeNumber = 1) -> Response:
    return _content_of(desk, id_, take, "zip")


@router.post(
    "/v1/music/{id}/midi",
    operation_id="midiOfJob",
    status_code=303,
    response_class=Response,
    responses=_ELSEWHERE,
    summary="The notes as a MIDI file",
)
def midi(desk: OnDesk, id_: JobOrTakeId, take: TakeNumber = 1) -> Response:
    return _content_of(desk, id_, take, "mid")


async def enqueue(desk: Desk, order: orders.Order, prefer: str | None, idempotency_key: str | None) -> Response:
    """Places an order and answers with its job, at once or when it has ended, as ``prefer`` says."""
    job, is_new = await desk.think(orders.place, order, desk.settings, desk.store, idempotency_key)
    headers = {"Location": f"/v1/music/{job.id}"}
    if not is_new:
        headers["Idempotency-Replayed"] = "true"
    wait_s = _wait_s(prefer, desk.settings.wait_limit_s)
    if wait_s is not None:
        headers["Preference-Applied"] = f"wait={wait_s:g}"
        job = await desk.hub.finished(job.id, wait_s) or job
    shown = await anyio.to_thread.run_sync(_shown, desk, job)
    ended = wait_s is not None and job.status in FINISHED
    return JSONResponse(shown.model_dump(mode="json"), 200 if ended else 202, headers)


def _wait_s(prefer: str | None, limit_s: float) -> float | None:
    """How long a client wants to wait, within what the service allows; None for not at all."""
    found = _WAIT.search(prefer or "")
    return min(float(found[1]), limit_s) if found else None


def _job_of(desk: Desk, job_id: str) -> JobRecord:
    job = desk.store.job(job_id) if is_id(job_id, "job") else None
    if job is None:
        raise not_found("job", job_id)
    return job


def _shown(desk: Desk, job: JobRecord) -> schemas.Job:
    return job_shape(job, desk.store.takes_of(job.id))


def _content_of(desk: Desk, id_: str, number: int, format_: str) -> Response:
    take = orders.take_of(desk.store, id_, number)
    return RedirectResponse(f"/v1/takes/{take.id}/content?format={format_}", 303)
