"""The library: find takes, name and star them, put them into the bin and take them out again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from noisician.errors import RequestError
from noisician.service import schemas
from noisician.service.files import is_id
from noisician.service.library.shapes import take_shape
from noisician.service.records import TakeRecord
from noisician.service.web.bodies import JsonRoute
from noisician.service.web.desk import Desk, OnDesk
from noisician.service.web.problems import Problem, not_found
from noisician.service.web.routes.describing import JOB_ID, After, Limit, TakeId, refusals

router = APIRouter(tags=["takes"], route_class=JsonRoute)

_QUERY_CHARS = 500


@router.get("/v1/takes", operation_id="listTakes", responses=refusals(404, 422), summary="The library, newest first")
def takes(
    desk: OnDesk,
    limit: Limit = 20,
    after: After = None,
    q: Annotated[str, Query(max_length=_QUERY_CHARS, description="words that must all occur in a take")] = "",
    starred: Annotated[bool | None, Query(description="only with, or only without, a star")] = None,
    deleted: Annotated[bool, Query(description="the bin instead")] = False,
    job: Annotated[str | None, Query(pattern=JOB_ID, description="only what this job made")] = None,
    versions: Annotated[
        Literal["listed", "all"],
        Query(description="all: also versions without a name of their own, a star or an export"),
    ] = "listed",
) -> schemas.TakePage:
    with known_place(after):
        page = desk.store.takes(limit, after, q, starred, deleted, job, versions == "all")
    return schemas.TakePage(data=tuple(map(take_shape, page.items)), after=page.after)


@router.get("/v1/takes/{id}", operation_id="getTake", responses=refusals(404), summary="A take")
def take(desk: OnDesk, take_id: TakeId) -> schemas.Take:
    return take_shape(found_take(desk, take_id))


@router.patch(
    "/v1/takes/{id}",
    operation_id="changeTake",
    responses=refusals(404, json_body=True),
    summary="Rename or star a take",
)
def change(desk: OnDesk, take_id: TakeId, body: schemas.TakeChange) -> schemas.Take:
    if body.title is not None and not body.title.strip():
        raise Problem(422, "title is blank; leave it out to keep the old one", "invalid_value", "title")
    found_take(desk, take_id)
    return take_shape(_there(desk.store.change_take(take_id, body.title, body.starred), take_id))


@router.delete(
    "/v1/takes/{id}",
    operation_id="deleteTake",
    response_model=schemas.Take,
    responses={204: {"description": "It is gone for good."}, **refusals(404, 422)},
    summary="Put a take into the bin",
)
def delete(
    desk: OnDesk, take_id: TakeId, permanent: Annotated[bool, Query(description="for good, from the bin too")] = False
) -> Response | schemas.Take:
    """The answer is the take in the bin, from which POST …/restore brings it back."""
    found_take(desk, take_id)
    binned = _there(desk.store.delete_take(take_id), take_id)
    if not permanent:
        return take_shape(binned)
    desk.discard_binned(float("inf"), take_id)
    return Response(status_code=204)


@router.post(
    "/v1/takes/{id}/restore", operation_id="restoreTake", responses=refusals(404), summary="Take out of the bin"
)
def restore(desk: OnDesk, take_id: TakeId) -> schemas.Take:
    found_take(desk, take_id)
    return take_shape(_there(desk.store.restore_take(take_id), take_id))


@contextlib.contextmanager
def known_place(after: str | None) -> Iterator[None]:
    """A cursor that no page gave leads nowhere: Problem 404."""
    try:
        yield
    except RequestError as error:
        if after is None:
            raise
        raise Problem(404, str(error), "no_such_page", "after") from None


def found_take(desk: Desk, take_id: str) -> TakeRecord:
    """A take of the library or the bin. Raises Problem 404."""
    return _there(desk.store.take(take_id) if is_id(take_id, "take") else None, take_id)


def _there(take: TakeRecord | None, take_id: str) -> TakeRecord:
    if take is None:
        raise not_found("take", take_id)
    return take
