"""What there is to know before anything is made: how words are understood, styles, models, limits, health."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Path
from fastapi.responses import JSONResponse, Response

from noisician.errors import NoisicianError
from noisician.recipe import software_version
from noisician.request import LYRICS_LIMIT_CHARS, PROMPT_LIMIT_CHARS
from noisician.service import schemas
from noisician.service.records import WorkerRecord
from noisician.service.web import orders
from noisician.service.web.bodies import JsonRoute
from noisician.service.web.desk import Desk, OnDesk
from noisician.service.web.problems import Problem, not_found, problem_of
from noisician.service.web.routes.describing import refusals
from noisician.service.web.understanding import music_of

if TYPE_CHECKING:
    from noisician.models.registry import ListedModel

router = APIRouter(tags=["catalogue"], route_class=JsonRoute)

#: Reports come four times a second; a worker silent for so long, in seconds, is in trouble or just gone.
_SILENT_S = 15.0


@router.post(
    "/v1/explain", operation_id="explain", responses=refusals(json_body=True), summary="How a request is understood"
)
async def explain(desk: OnDesk, body: Annotated[dict[str, Any], Body()]) -> schemas.Understood:
    """Nothing is made. What could not be made is told in `problem`, and what was understood beside it."""
    return await desk.think(_understood, desk, body)


@router.get("/v1/styles", operation_id="listStyles", responses=refusals(), summary="Genres, moods, instruments, voices")
def styles(desk: OnDesk) -> schemas.Styles:
    from noisician.api import STYLE_KINDS, style_rows

    return schemas.Styles(**{kind: tuple(map(_style, style_rows(kind))) for kind in STYLE_KINDS})


@router.get("/v1/models", operation_id="listModels", responses=refusals(), summary="Models that can be asked for")
def models(desk: OnDesk) -> schemas.ModelList:
    from noisician.models import registry

    speeds = desk.store.speeds()
    return schemas.ModelList(data=tuple(_model(model, speeds) for model in registry.DEFAULT.known()))


@router.get("/v1/models/{name:path}", operation_id="getModel", responses=refusals(404), summary="One model")
def model(
    desk: OnDesk, name: Annotated[str, Path(description="as GET /v1/models lists it", min_length=1)]
) -> schemas.ModelInfo:
    from noisician.models import registry

    for known in registry.DEFAULT.known():
        if known.name == name:
            return _model(known, desk.store.speeds())
    raise not_found("model", name)


@router.get("/v1/about", operation_id="about", responses=refusals(), summary="Version and limits")
def about(desk: OnDesk) -> schemas.About:
    settings = desk.settings
    limits = schemas.Limits(
        duration_s=settings.duration_limit_s,
        takes=settings.takes_limit,
        upload_bytes=settings.longest_upload_bytes,
        upload_s=settings.longest_upload_s,
        queue=settings.queue_limit,
        prompt_chars=PROMPT_LIMIT_CHARS,
        lyrics_chars=LYRICS_LIMIT_CHARS,
    )
    return schemas.About(version=software_version(), limits=limits, key_required=desk.keys.required)


@router.get(
    "/health",
    operation_id="health",
    response_model=schemas.Health,
    responses={**refusals(), 503: {"model": schemas.Health, "description": "The database cannot be used."}},
    summary="Whether all is well",
)
def health(desk: OnDesk) -> Response:
    try:
        found = _health(desk)
        return JSONResponse(found.model_dump(mode="json"))
    except NoisicianError:
        broken = schemas.Health(
            status="degraded",
            version=software_version(),
            queued=0,
            running=0,
            workers=(),
            free_bytes=desk.free_bytes(),
            problem="the database cannot be used; the service's log says why",
        )
        return JSONResponse(broken.model_dump(mode="json"), 503)


def _understood(desk: Desk, body: dict[str, Any]) -> schemas.Understood:
    from noisician.api import controls_of

    request, _ = music_of(body, desk.other_names)
    found: list[Exception] = []
    try:
        orders.check_admitted(request, desk.settings, desk.store)
    except Problem as error:
        found.append(error)
    try:
        controls = controls_of(request)
    except NoisicianError as error:
        problem = problem_of(next(iter(found), error)).body
        return schemas.Understood(controls={}, reasons=(), not_understood=(), problem=problem)
    try:
        orders.check_music(request, controls, desk.settings)
    except (NoisicianError, Problem) as error:
        found.append(error)
    problem = problem_of(found[0]).body if found else None
    values = controls.model_dump(mode="json", exclude={"reasons", "not_understood"})
    return schemas.Understood(
        controls=values,
        reasons=tuple(schemas.Reason(**reason.model_dump()) for reason in controls.reasons),
        not_understood=controls.not_understood,
        problem=problem,
    )


def _style(row: dict[str, Any]) -> schemas.Style:
    details = {name: value for name, value in row.items() if name not in ("id", "description")}
    return schemas.Style(id=row["id"], description=row["description"], details=details)


def _model(model: ListedModel, speeds: dict[str, tuple[float, int]]) -> schemas.ModelInfo:
    speed, measured = speeds.get(model.name, (None, 0))
    return schemas.ModelInfo(
        name=model.name,
        available=model.on_disk == "yes",
        how_to_get=model.advice,
        licence=model.licence,
        licence_url=model.licence_url,
        # Where nobody stated a licence, nothing is allowed.
        restricted=model.restricted is not False,
        size_gb=model.size_gb,
        features=tuple(sorted(model.features)),
        duration_range_s=model.duration_range_s,
        sample_rate_hz=model.sample_rate_hz,
        speed=speed,
        measured_takes=measured,
    )


def _health(desk: Desk) -> schemas.Health:
    counts, workers, free = desk.store.counts(), desk.store.workers(), desk.free_bytes()
    problem = _trouble(desk, workers, free)
    ready = any(worker.state != "starting" for worker in workers)
    return schemas.Health(
        status="degraded" if problem else "ok" if ready else "starting",
        version=software_version(),
        queued=counts["queued"],
        running=counts["in_progress"],
        workers=tuple(
            schemas.WorkerInfo(name=worker.name, state=worker.state, job_id=worker.job_id) for worker in workers
        ),
        free_bytes=free,
        problem=problem,
    )


def _trouble(desk: Desk, workers: tuple[WorkerRecord, ...], free_bytes: int) -> str | None:
    if not desk.files.root.is_dir():
        return "the data folder is gone; stop the service and put it back"
    if free_bytes < desk.settings.least_free_bytes:
        return f"{free_bytes / 1e6:.0f} MB are free, {desk.settings.least_free_bytes / 1e6:.0f} MB are needed to go on"
    trouble = desk.trouble()
    if trouble is not None:
        return trouble
    silent = [worker.name for worker in workers if time.time() - worker.seen_at > max(_SILENT_S, desk.settings.lease_s)]
    return f"worker {', '.join(silent)} does not answer" if silent else None
