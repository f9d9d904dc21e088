"""ASGI middleware around everything: an id for every request, the access log, HEAD, and errors nobody foresaw."""

from __future__ import annotations

import logging
import re
import secrets
import time
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from noisician.service.web.problems import answer, problem_of
from noisician.service.web.serving import HEAD_FLAG

REQUEST_ID = "X-Request-Id"
_GIVEN_ID = re.compile(r"[\w.-]{1,64}")

_access = logging.getLogger("noisician.access")
_log = logging.getLogger(__name__)


class Watch:
    """Notes method, path, status and time of every request: never its query, its body or its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        status, begun_s = 0, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            _log.exception("request %s failed", request_id)
            if status:
                raise
            await answer(problem_of(error))(scope, receive, noted)
        finally:
            path = quote(scope["path"][:200], safe="/:@")
            taken_ms = 1000 * (time.perf_counter() - begun_s)
            _access.info("%s %s %s %d %.0f ms", request_id, scope["method"], path, status, taken_ms)


class Heads:
    """Answers HEAD as GET without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET", HEAD_FLAG: True}, receive, bodiless)
