"""Editing a take, and the versions that come of it."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from noisician.service import schemas
from noisician.service.library.shapes import version_shape
from noisician.service.web import editing, orders
from noisician.service.web.bodies import JsonRoute
from noisician.service.web.desk import OnDesk
from noisician.service.web.routes.changes import Asked
from noisician.service.web.routes.describing import TakeId, enqueued, refusals
from noisician.service.web.routes.takes import found_take

router = APIRouter(tags=["changes"], route_class=JsonRoute)

_VERSIONS_SHOWN = 1000
_EDITED: dict[int | str, dict[str, Any]] = enqueued()
_EDITED[200] = {
    **_EDITED[200],
    "model": schemas.Job | schemas.Outlook,
    "description": "The job ended while it was waited for (Prefer: wait), or what the edits would do (dry_run).",
    # A dry run has no job to point at.
    "headers": {
        name: {key: value for key, value in header.items() if key != "required"}
        for name, header in _EDITED[200]["headers"].items()
    },
    "links": {},
}


@router.post(
    "/v1/takes/{id}/edit",
    operation_id="editTake",
    status_code=202,
    response_model=schemas.Job,
    responses=_EDITED,
    summary="Edit a take",
)
async def edit(asked: Asked, body: schemas.EditBody) -> Response:
    """Makes a new version of a take: what the edits do not name keeps its samples, and the take stays as it is.

    Edits that the piece cannot bear are refused at once. They are made before everything else that waits, in the middle
    of what is being made.
    """
    desk = asked.desk
    if not body.dry_run:
        return await asked.job(lambda take: editing.edited_take(take, body, desk.settings, desk.files))
    take = await anyio.to_thread.run_sync(orders.take_of, desk.store, *asked.place)
    outlook = await desk.think(editing.outlook_of_take, take, body, desk.settings, desk.files)
    return JSONResponse(outlook.model_dump(mode="json"))


@router.get(
    "/v1/takes/{id}/versions",
    operation_id="takeVersions",
    responses=refusals(404),
    summary="The versions of a take's piece",
)
def versions(desk: OnDesk, take_id: TakeId) -> schemas.Versions:
    """All that was edited from the take that the piece began with, the newest thousand, without those in the bin."""
    piece = found_take(desk, take_id).piece
    found = desk.store.versions(piece, _VERSIONS_SHOWN)
    return schemas.Versions(piece=piece, data=tuple(map(version_shape, found)))
