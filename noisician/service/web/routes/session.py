"""The studio's page shows the key once, and from then on a cookie, which players and event streams send unasked."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from noisician.service.schemas import Shape
from noisician.service.web.bodies import JsonRoute
from noisician.service.web.desk import OnDesk
from noisician.service.web.problems import Problem
from noisician.service.web.routes.describing import refusals
from noisician.service.web.security import COOKIE, SESSION_S

router = APIRouter(tags=["session"], route_class=JsonRoute)

_COOKIE_HEADER = {"Set-Cookie": {"schema": {"type": "string"}}}


class KeyBody(Shape):
    key: str = Field(max_length=500, description="the service's key")


@router.post(
    "/v1/session",
    operation_id="openSession",
    status_code=204,
    responses={204: {"description": "The cookie is set.", "headers": _COOKIE_HEADER}, **refusals(json_body=True)},
    summary="Exchange the key for a cookie",
)
async def open_session(request: Request, desk: OnDesk, body: KeyBody) -> Response:
    """The cookie holds no key; it is good for 30 days and until the key changes."""
    if not desk.keys.is_key(body.key):
        raise Problem(401, "that is not the key of this service", "wrong_key", "key", {"WWW-Authenticate": "Bearer"})
    response = Response(status_code=204)
    if desk.keys.required:
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, desk.keys.new_session(), SESSION_S, httponly=True, samesite="strict", secure=secure)
    return response


@router.delete(
    "/v1/session",
    operation_id="closeSession",
    status_code=204,
    responses={204: {"description": "The cookie is taken back.", "headers": _COOKIE_HEADER}, **refusals()},
    summary="Take the cookie back",
)
async def close_session() -> Response:
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
