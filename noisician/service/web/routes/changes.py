"""New music from a take: varied, looped, repainted, extended. Each is a job of its own; the take stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import Response

from noisician.service import wire
from noisician.service.records import TakeRecord
from noisician.service.web import orders
from noisician.service.web.bodies import JsonRoute
from noisician.service.web.desk import Desk, OnDesk
from noisician.service.web.routes.describing import IdempotencyKey, JobOrTakeId, Prefer, TakeNumber, enqueued
from noisician.service.web.routes.music import enqueue

router = APIRouter(tags=["changes"], route_class=JsonRoute)
_POSTED: dict[str, Any] = {"status_code": 202, "response_model": wire.Job, "responses": enqueued()}


@router.post("/v1/music/{id}/vary", operation_id="varyMusic", **_POSTED, summary="Make a take again with changes")
@router.post("/v1/takes/{id}/vary", operation_id="varyTake", **_POSTED, summary="Make a take again with changes")
async def vary(
    desk: OnDesk,
    id_: JobOrTakeId,
    body: wire.ChangeBody,
    take: TakeNumber = 1,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Fields of a request by name; null goes back to "choose for me". The seed stays, so that what is not named stays
    close to what it was; without any change it is another."""
    return await _change(desk, (id_, take), lambda found: orders.changed_take(found, body), prefer, idempotency_key)


@router.post("/v1/music/{id}/loop", operation_id="loopMusic", **_POSTED, summary="Make a take a loop")
@router.post("/v1/takes/{id}/loop", operation_id="loopTake", **_POSTED, summary="Make a take a loop")
async def loop(
    desk: OnDesk,
    id_: JobOrTakeId,
    body: wire.LoopBody,
    take: TakeNumber = 1,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Whole bars of the same request and seed that repeat without a seam."""
    return await _change(desk, (id_, take), lambda found: orders.looped_take(found, body), prefer, idempotency_key)


@router.post("/v1/music/{id}/repaint", operation_id="repaintMusic", **_POSTED, summary="Make parts of a take anew")
@router.post("/v1/takes/{id}/repaint", operation_id="repaintTake", **_POSTED, summary="Make parts of a take anew")
async def repaint(
    desk: OnDesk,
    id_: JobOrTakeId,
    body: wire.RepaintBody,
    take: TakeNumber = 1,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """For models that can repaint (GET /v1/models); the others refuse."""
    return await _change(desk, (id_, take), lambda found: orders.repainted_take(found, body), prefer, idempotency_key)


@router.post("/v1/music/{id}/extend", operation_id="extendMusic", **_POSTED, summary="Go on after the end of a take")
@router.post("/v1/takes/{id}/extend", operation_id="extendTake", **_POSTED, summary="Go on after the end of a take")
async def extend(
    desk: OnDesk,
    id_: JobOrTakeId,
    body: wire.ExtendBody,
    take: TakeNumber = 1,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """For models that can repaint (GET /v1/models); the others refuse."""
    return await _change(desk, (id_, take), lambda found: orders.extended_take(found, body), prefer, idempotency_key)


async def _change(
    desk: Desk,
    place: tuple[str, int],
    order_of: Callable[[TakeRecord], orders.Order],
    prefer: str | None,
    idempotency_key: str | None,
) -> Response:
    take = await anyio.to_thread.run_sync(orders.take_of, desk.store, *place)
    order = await desk.think(order_of, take)
    return await enqueue(desk, order, prefer, idempotency_key)
