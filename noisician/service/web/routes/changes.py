"""New music from a take: varied, looped, repainted, extended. Each is a job of its own; the take stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from noisician.edits import Edit
from noisician.service import schemas
from noisician.service.records import TakeRecord
from noisician.service.web import editing, orders
from noisician.service.web.bodies import JsonRoute
from noisician.service.web.desk import Desk, OnDesk
from noisician.service.web.routes.describing import IdempotencyKey, JobOrTakeId, Prefer, TakeNumber, enqueued
from noisician.service.web.routes.music import enqueue

router = APIRouter(tags=["changes"], route_class=JsonRoute)
_POSTED: dict[str, Any] = {"status_code": 202, "response_model": schemas.Job, "responses": enqueued()}


@dataclass(frozen=True)
class _Asked:
    """What all changes have in common: of which take, and how its job is answered."""

    desk: Desk
    place: tuple[str, int]
    prefer: str | None
    idempotency_key: str | None

    async def job(self, order_of: Callable[[TakeRecord], orders.Order]) -> Response:
        """The answer with the job that makes what ``order_of`` wants of the take."""
        take = await anyio.to_thread.run_sync(orders.take_of, self.desk.store, *self.place)
        order = await self.desk.think(order_of, take)
        return await enqueue(self.desk, order, self.prefer, self.idempotency_key)

    def edited(self, order: orders.Order, take: TakeRecord, edits: tuple[Edit, ...], takes: int) -> orders.Order:
        """The order done by edits, once the take can bear them."""
        editing.check_edits(take, edits, self.desk.settings, self.desk.files)
        return editing.by_edits(order, take, edits, takes)


async def _asked(
    desk: OnDesk,
    id_: JobOrTakeId,
    take: TakeNumber = 1,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> _Asked:
    return _Asked(desk, (id_, take), prefer, idempotency_key)


Asked = Annotated[_Asked, Depends(_asked)]


@router.post("/v1/music/{id}/vary", operation_id="varyMusic", **_POSTED, summary="Make a take again with changes")
@router.post("/v1/takes/{id}/vary", operation_id="varyTake", **_POSTED, summary="Make a take again with changes")
async def vary(asked: Asked, body: schemas.ChangeBody) -> Response:
    """Fields of a request by name; null goes back to "choose for me". The seed stays, so that what is not named stays
    close to what it was; without any change it is another."""
    return await asked.job(lambda take: orders.changed_take(take, body, asked.desk.other_names))


@router.post("/v1/music/{id}/loop", operation_id="loopMusic", **_POSTED, summary="Make a take a loop")
@router.post("/v1/takes/{id}/loop", operation_id="loopTake", **_POSTED, summary="Make a take a loop")
async def loop(asked: Asked, body: schemas.LoopBody) -> Response:
    """Whole bars that repeat without a seam: the first of the take where it can be edited and has as many, else made
    from the same request and seed."""

    def order(take: TakeRecord) -> orders.Order:
        order = orders.looped_take(take, body)
        edits = editing.loop_edits(take, body)
        return asked.edited(order, take, edits, 1) if edits else order

    return await asked.job(order)


@router.post("/v1/music/{id}/repaint", operation_id="repaintMusic", **_POSTED, summary="Make parts of a take anew")
@router.post("/v1/takes/{id}/repaint", operation_id="repaintTake", **_POSTED, summary="Make parts of a take anew")
async def repaint(asked: Asked, body: schemas.RepaintBody) -> Response:
    """Stretches of seconds made anew: by models that repaint as they are, by those that write a score as whole bars
    (see …/edit). The others refuse."""

    def order(take: TakeRecord) -> orders.Order:
        order = orders.repainted_take(take, body)
        edits = editing.writes_pieces(take)
        return asked.edited(order, take, editing.repaint_edits(body), body.takes) if edits else order

    return await asked.job(order)


@router.post("/v1/music/{id}/extend", operation_id="extendMusic", **_POSTED, summary="Go on after the end of a take")
@router.post("/v1/takes/{id}/extend", operation_id="extendTake", **_POSTED, summary="Go on after the end of a take")
async def extend(asked: Asked, body: schemas.ExtendBody) -> Response:
    """More music after the end, by models that repaint or write a score. The others refuse."""

    def order(take: TakeRecord) -> orders.Order:
        order = orders.extended_take(take, body)
        edits = editing.writes_pieces(take)
        return asked.edited(order, take, editing.extend_edits(body), body.takes) if edits else order

    return await asked.job(order)
