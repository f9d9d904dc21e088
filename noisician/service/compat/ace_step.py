"""The REST calls of ACE-Step 1.5's API server (its docs/en/API.md), so that its front ends can drive this service.

The whole set lies under ``/ace-step``, and what is not taken by this service's own API also at the root. Each call is
turned into one of that API's, with the caller's own key: limits, checks and errors are the same. ACE-Step's clients
show their key as bearer, as the bare ``Authorization`` or, in JSON and URL-encoded bodies, as ``ai_token``; that is
why PATHS pass the service's gate without one.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import anyio.to_thread
import numpy as np
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from noisician.errors import NoisicianError
from noisician.recipe import software_version
from noisician.request import EMBEDDED
from noisician.service import schemas
from noisician.service.compat import ace_step_tasks as tasks
from noisician.service.compat.ace_step_tasks import Refusal
from noisician.service.compat.client import Client, ServiceError
from noisician.service.web.bodies import chunks, json_of
from noisician.service.web.desk import Desk
from noisician.service.web.problems import Problem

PREFIX = "/ace-step"
#: What the root has room for beside this service's own API.
_AT_ROOT = (
    "/release_task",
    "/query_result",
    "/format_input",
    "/create_random_sample",
    "/v1/create_sample",
    "/v1/model_inventory",
    "/v1/init",
    "/v1/stats",
    "/v1/audio",
)
#: Calls of ACE-Step-DAW, which pass the service's own gate.
_GATED = (f"{PREFIX}/v1/midi/", f"{PREFIX}/v1/chords/")
_SOUND_FIELDS = ("src_audio", "reference_audio")
_MEASURED_JOBS = 20
_MOST_TASKS = 100
_MOST_FIELDS = 200
#: What a multipart body ends with is at most so long.
_LONGEST_END = 80


def checks_its_own_key(path: str) -> bool:
    """Whether a path of the service belongs to these calls, which show their key in their own ways."""
    theirs = path == PREFIX or path.startswith(f"{PREFIX}/")
    return path in _AT_ROOT or (theirs and not path.startswith(_GATED))


def install(app: FastAPI) -> None:
    """Adds the calls to the service ``app``."""
    calls = _Calls(app)
    for prefix, paths in ((PREFIX, (*_AT_ROOT, "/health", "/v1/models")), ("", _AT_ROOT)):
        router = APIRouter(prefix=prefix, include_in_schema=False)
        for path in paths:
            if path == "/v1/audio":
                app.router.routes.append(Route(prefix + path, _Audio(app), include_in_schema=False))
                continue
            call, methods = calls.table[path]
            router.add_api_route(path, _enveloped(call), methods=methods, response_model=None)
        app.include_router(router)
    rest = APIRouter(prefix=PREFIX, include_in_schema=False)
    rest.add_api_route("/{rest:path}", _enveloped(_nothing_like_it), methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    app.include_router(rest)


Call = Callable[[Request], Any]


def _enveloped(call: Call) -> Call:
    """The answer in ACE-Step's envelope; an error also under ``detail``, where its clients look first."""

    async def wrapped(request: Request) -> Response:
        try:
            return JSONResponse(_envelope(await call(request)))
        except Refusal as error:
            return _refused(error.status, str(error))
        except ServiceError as error:
            return _refused(error.status or 503, str(error))
        except Problem as error:
            return _refused(error.status, str(error), error.headers)
        except NoisicianError as error:
            return _refused(422, str(error))

    return wrapped


def _envelope(data: Any, code: int = 200, error: str | None = None) -> dict[str, Any]:
    return {"data": data, "code": code, "error": error, "timestamp": round(time.time() * 1000), "extra": None}


def _refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    more, message = dict(headers or {}), tasks.in_their_words(message)
    if status == 429:
        more.setdefault("Retry-After", "10")
    return JSONResponse({**_envelope(None, status, message), "detail": message}, status, more)


async def _nothing_like_it(request: Request) -> Any:
    raise Refusal(
        f"{request.url.path[:200]} is no call of this service: noisician has no LoRA, no training and no language model"
        " behind ACE-Step's API",
        501,
    )


class _Calls:
    """One method a call; each returns the data of the envelope."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.table: dict[str, tuple[Call, list[str]]] = {
            "/release_task": (self.release_task, ["POST"]),
            "/query_result": (self.query_result, ["POST"]),
            "/format_input": (self.format_input, ["POST"]),
            "/create_random_sample": (self.create_random_sample, ["POST"]),
            "/v1/create_sample": (self.create_sample, ["POST"]),
            "/v1/model_inventory": (self.models, ["GET"]),
            "/v1/models": (self.models, ["GET"]),
            "/v1/init": (self.init, ["POST"]),
            "/v1/stats": (self.stats, ["GET"]),
            "/health": (self.health, ["GET"]),
        }

    @property
    def _desk(self) -> Desk:
        return self._app.state.desk

    def _service(self, request: Request, values: Mapping[str, Any]) -> Client:
        return Client.within(self._app, str(request.base_url), _key(request, values))

    async def release_task(self, request: Request) -> Any:
        async with self._service(request, {}) as service:
            if _is_multipart(request):
                await service.jobs(limit=1)  # Files are read only from those who may.
        raw = await self._read(request)
        values = tasks.gathered(raw)
        async with self._service(request, raw) as service:
            wanted = tasks.audio_format(values)
            body = tasks.music_body({**values, **await _sounds(service, values)}, (await service.models()).data)
            job = await service.ask(body)
        return {
            "task_id": tasks.task_id(job.id, wanted),
            "status": "queued",
            "queue_position": 1 + (job.queue_position or 0),
        }

    async def query_result(self, request: Request) -> Any:
        raw = await self._read(request)
        listed = raw.get("task_id_list", [])
        if isinstance(listed, str):
            try:
                listed = json.loads(listed or "[]")
            except ValueError:
                listed = [listed]
        if not isinstance(listed, list):
            raise Refusal("task_id_list is no list of task ids")
        if len(listed) > _MOST_TASKS:
            raise Refusal(f"task_id_list names {len(listed)} tasks; {_MOST_TASKS} can be asked for at once")
        async with self._service(request, raw) as service:
            if not listed:
                await service.jobs(limit=1)
            return [await _polled(service, str(task)) for task in listed]

    async def format_input(self, request: Request) -> Any:
        raw = await self._read(request)
        return await self._understood(request, raw, tasks.gathered(raw))

    async def create_sample(self, request: Request) -> Any:
        raw = await self._read(request)
        return await self._understood(request, raw, {**tasks.gathered(raw), "prompt": raw.get("query")})

    async def _understood(self, request: Request, raw: Mapping[str, Any], values: dict[str, Any]) -> Any:
        body = tasks.music_body({**values, "task_type": "text2music", "model": None}, ())
        async with self._service(request, raw) as service:
            understood = await service.understood({name: value for name, value in body.items() if name != "takes"})
        if understood.problem is not None:
            raise Refusal(understood.problem.message, 422)
        lyrics = body.get("lyrics", "[Instrumental]" if values.get("instrumental") else "")
        return tasks.form_values(understood, body["prompt"], lyrics, body.get("language"))

    async def create_random_sample(self, request: Request) -> Any:
        await self._read(request)
        return tasks.random_sample(np.random.default_rng())

    async def models(self, request: Request) -> Any:
        async with self._service(request, {}) as service:
            here = [model for model in (await service.models()).data if model.available]
        return _inventory(here)

    async def init(self, request: Request) -> Any:
        raw = await self._read(request)
        values = tasks.gathered(raw)
        async with self._service(request, raw) as service:
            here = [model for model in (await service.models()).data if model.available]
        name = values.get("model")
        if name is not None and not any(name == model.name for model in here):
            raise Refusal(f"model {str(name)[:80]!r} is not here; there are {', '.join(model.name for model in here)}")
        said = "models are loaded when they are first asked for music; there is no language model to load"
        return {"message": said, "loaded_model": name or EMBEDDED, **_inventory(here)}

    async def stats(self, request: Request) -> Any:
        async with self._service(request, {}) as service:
            done = (await service.jobs(limit=_MEASURED_JOBS, status="completed")).data
        counts = await anyio.to_thread.run_sync(self._desk.store.counts)
        spans = [job.completed_at - job.started_at for job in done if job.completed_at and job.started_at]
        queued = counts.get("queued", 0)
        return {
            "jobs": {
                "total": sum(counts.values()),
                "queued": queued,
                "running": counts.get("in_progress", 0),
                "succeeded": counts.get("completed", 0),
                "failed": counts.get("failed", 0) + counts.get("cancelled", 0),
            },
            "queue_size": queued,
            "queue_maxsize": self._desk.settings.queue_limit,
            "avg_job_seconds": round(sum(spans) / len(spans), 2) if spans else 0.0,
        }

    async def health(self, request: Request) -> Any:
        async with self._service(request, {}) as service:
            health = await service.health()
        return {
            "status": "ok" if health.status == "ok" else health.status,
            "service": "noisician, understanding ACE-Step's API",
            "version": software_version(),
            "models_initialized": health.status == "ok",
            "llm_initialized": False,
            "loaded_model": EMBEDDED,
            "loaded_lm_model": None,
        }

    async def _read(self, request: Request) -> dict[str, Any]:
        """The values of a JSON, URL-encoded or multipart body, of which the last may hold files. Raises Refusal."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if _is_multipart(request):
            return await _form(request, self._desk.settings.longest_upload_bytes * len(_SOUND_FIELDS))
        body = b"".join([chunk async for chunk in chunks(request, self._desk.settings.longest_body_bytes)])
        if kind == "application/x-www-form-urlencoded" or (not kind and b"=" in body and body[:1] not in (b"{", b"[")):
            return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise Refusal(f"Content-Type {kind[:80]} is not understood; send JSON or a form", 415)
        values = json_of(body or b"{}")
        if not isinstance(values, dict):
            raise Refusal("the body must be a JSON object")
        return values


class _Audio:
    """``/v1/audio?path=…``: the service's own content of the take, ranges and all, by the token that stands for it."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if request.method not in ("GET", "HEAD"):
            await _refused(405, "audio is fetched with GET")(scope, receive, send)
            return
        sound = tasks.sound_of(request.query_params.get("path", ""))
        if sound is None:
            await _refused(404, "path is none of those that query_result gives")(scope, receive, send)
            return
        take_id, audio_format = sound
        path = f"/v1/takes/{take_id}/content"
        query = urlencode({"format": audio_format, "inline": "true"}).encode()
        headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
        key = _key(request, {})
        if key is not None:
            headers.append((b"authorization", f"Bearer {key}".encode("utf-8", "replace")))
        inner = {**scope, "path": path, "raw_path": path.encode(), "query_string": query, "headers": headers}
        for name in ("route", "endpoint", "path_params", "router", "app"):
            inner.pop(name, None)
        await self._app(inner, receive, send)


def _key(request: Request, values: Mapping[str, Any]) -> str | None:
    """The key as ACE-Step's clients show it."""
    token = values.get("ai_token")
    if isinstance(token, str) and token:
        return token
    given = request.headers.get("authorization", "")
    scheme, _, key = given.partition(" ")
    return (key.strip() if scheme.lower() == "bearer" else given.strip()) or None


def _is_multipart(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def _form(request: Request, limit_bytes: int) -> dict[str, Any]:
    """The parts of a multipart body; files lie outside memory. Raises Refusal for one that is damaged or cut off."""
    last = b""

    async def stream() -> AsyncGenerator[bytes, None]:
        nonlocal last
        async for chunk in chunks(request, limit_bytes):
            last = (last + chunk)[-_LONGEST_END:]
            yield chunk

    limits = {"max_files": len(_SOUND_FIELDS), "max_fields": _MOST_FIELDS}
    try:
        form: FormData = await MultiPartParser(request.headers, stream(), **limits).parse()
    except MultiPartException as error:
        raise Refusal(f"the multipart body is damaged: {error.message}") from None
    if not last.rstrip().endswith(b"--"):
        raise Refusal("the multipart body ends before its last boundary: it was cut off")
    return dict(form.items())


async def _sounds(service: Client, values: Mapping[str, Any]) -> dict[str, str | None]:
    """The ids of the sounds that come along, as files or as what stands for a sound of ours."""
    found: dict[str, str | None] = {}
    for name in _SOUND_FIELDS:
        file, path = values.get(name), values.get(f"{name}_path")
        if isinstance(file, UploadFile):
            is_used = name != "src_audio" or values.get("task_type", "text2music") != "text2music"
            found[name] = (await service.upload_file(file.filename or name, file.file)).id if is_used else None
            await file.close()
        elif path is not None:
            found[name] = tasks.sound_id(str(path), f"{name}_path")
        elif file is not None:
            found[name] = tasks.sound_id(str(file), name)
    return found


async def _polled(service: Client, task: str) -> dict[str, Any]:
    known = tasks.job_of(task)
    if known is None:
        return tasks.result_entry(task, None, "")
    try:
        job: schemas.Job | None = await service.job(known[0])
    except ServiceError as error:
        if error.status != 404:
            raise
        job = None
    return tasks.result_entry(task, job, known[1])


def _inventory(here: list[schemas.ModelInfo]) -> dict[str, Any]:
    """The models as their clients list them. One that is here is loaded as far as a client can tell."""
    return {
        "models": [
            {
                "name": model.name,
                "is_default": model.name == EMBEDDED,
                "is_loaded": True,
                "supported_task_types": [
                    kind
                    for kind, needed in (
                        ("text2music", "text"),
                        ("cover", "init_audio"),
                        ("repaint", "repaint"),
                    )
                    if needed in model.features
                ],
            }
            for model in here
        ],
        "default_model": EMBEDDED,
        "lm_models": [],
        "loaded_lm_model": None,
        "llm_initialized": False,
    }
