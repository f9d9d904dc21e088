"""From what went wrong to what a client reads: one shape for every error, whoever found it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from noisician.errors import FileError, NoisicianError, WeightsError
from noisician.request import OPTIONS
from noisician.request.fields import FLAG, field_of, in_fields
from noisician.service.failures import failure_of
from noisician.service.schemas import ErrorAnswer, ErrorBody
from noisician.service.store import IdempotencyConflict, QueueFull, StoreError

ErrorType = Literal["invalid_request", "authentication", "not_found", "conflict", "rate_limit", "server"]

_TYPES: Mapping[int, ErrorType] = {
    401: "authentication",
    403: "authentication",
    404: "not_found",
    409: "conflict",
    429: "rate_limit",
}
_CODES: Mapping[int, str] = {404: "not_found", 405: "method_not_allowed"}
#: Where a message does not name an option, the words with which it names the field at fault: of two with one noun, as
#: length is that of seconds and of bars, the first.
_NAMES: Mapping[str, str] = {
    **{word: name for name, option in OPTIONS.items() for word in (name.replace("_", " "), *option.also)},
    **{option.noun: name for name, option in reversed([*OPTIONS.items()]) if option.noun},
}
_NAMED = re.compile(rf"^({'|'.join(sorted(_NAMES, key=len, reverse=True))})\b")
_SHOWN_CHARS = 80
_NOT_JSON = "json_invalid"

_log = logging.getLogger(__name__)


class Problem(Exception):
    """A request that is answered with an error. ``status`` is HTTP's; ``code`` names the error for programs."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = ErrorBody(message=" ".join(message.split()), type=_type_of(status), param=param, code=code)
        self.headers = dict(headers or {})


def answer(problem: Problem) -> Response:
    """The HTTP answer of a problem."""
    content = ErrorAnswer(error=problem.body).model_dump(mode="json")
    return JSONResponse(content, problem.status, problem.headers)


def not_found(kind: str, id_: str) -> Problem:
    """Nothing of that ``kind`` has this id."""
    return Problem(404, f"there is no {kind} {id_[:_SHOWN_CHARS]!r}; it may have been deleted", "not_found")


def problem_of(error: Exception) -> Problem:
    """The problem behind anything raised; what nobody foresaw is a 500 that says no more than that."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, QueueFull):
        return Problem(429, str(error), "queue_full", headers={"Retry-After": "10"})
    if isinstance(error, IdempotencyConflict):
        return Problem(409, str(error), "idempotency_conflict")
    if isinstance(error, StoreError):
        return Problem(
            503, "the database cannot be used now; the service's log says why", "storage", headers={"Retry-After": "5"}
        )
    if failure_of(error).code == "disk_full":
        return Problem(507, "no space left on the service's disk; delete takes or free some", "disk_full")
    if isinstance(error, NoisicianError):
        return _refusal(error)
    if isinstance(error, RequestValidationError):
        return _invalid(error.errors())
    if isinstance(error, HTTPException):
        return _framework(error)
    return Problem(500, "something went wrong that nobody foresaw; the service's log says more", "internal")


def unfit(error: ValidationError) -> Problem:
    """What a client sent does not have the documented shape. (Where our own values have not, that is no client's.)"""
    return _invalid(error.errors())


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Answers every error of the framework and of ``routes`` in the one shape."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if isinstance(error, StoreError):  # which names places of this machine
            _log.warning("%s", error)
        if problem.status == 405:
            problem.headers.update(_allowed(routes, request))
        return answer(problem)

    for kind in (Problem, NoisicianError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)


def _allowed(routes: Sequence[BaseRoute], request: Request) -> dict[str, str]:
    """The methods of a path, of all its routes: the framework names those of one alone."""
    methods: set[str] = set()
    for route in routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    methods |= {"HEAD"} if "GET" in methods else set()
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def _refusal(error: NoisicianError) -> Problem:
    """What cannot be made or used. Options of the command line are named as the fields they are here."""
    text = str(error)
    option = FLAG.search(text)
    named = _NAMED.search(text)
    param = field_of(option[0]) if option else _NAMES[named[1]] if named else None
    code = (
        "file" if isinstance(error, FileError) else "weights" if isinstance(error, WeightsError) else "invalid_request"
    )
    return Problem(422, in_fields(text), code, param)


def _invalid(errors: Any) -> Problem:
    """The first thing that does not fit the documented shape."""
    first = errors[0]
    if first["type"] == _NOT_JSON:
        detail = first.get("ctx", {}).get("error", "")
        return Problem(400, f"the body is no JSON: {detail}", "not_json")
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    name = ".".join(place) or None
    given = "" if first["type"] == "missing" else f" {_shown(first.get('input'))}"
    return Problem(422, f"{name or 'the body'}{given} does not fit: {first['msg']}", "invalid_value", name)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _framework(error: HTTPException) -> Problem:
    code = _CODES.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
    detail = "this method is not possible here" if error.status_code == 405 else str(error.detail)
    return Problem(error.status_code, detail, code, headers=error.headers)


def _type_of(status: int) -> ErrorType:
    return _TYPES.get(status, "server" if status >= 500 else "invalid_request")
