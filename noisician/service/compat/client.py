"""A small client of the HTTP API, for programs in Python.

import asyncio
from noisician.service.compat.client import Client

async def main() -> None:
    async with Client("http://127.0.0.1:8484") as service:
        job = await service.finished(await service.make("calm piano", duration_s=20, takes=2))
        for take in job.outputs:
            print(await service.save(take.id, ".", format="flac"))

asyncio.run(main())
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar
from urllib.parse import quote, unquote, urlencode

import anyio
import httpx
from pydantic import BaseModel, ValidationError

from noisician.errors import FileError, NoisicianError
from noisician.recipe import software_version
from noisician.service import schemas
from noisician.service.records import FINISHED
from noisician.service.settings import DEFAULT_PORT

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from noisician.edits import Edit
    from noisician.request.keywords import RequestOptions

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
#: How often a job is looked at, in seconds: soon at first, then less often.
_FIRST_LOOK_S, _LAST_LOOK_S = 0.1, 1.0
_NAME = re.compile(r"filename\*=utf-8''([^;]+)|filename=\"?([^\";]+)\"?", re.IGNORECASE)
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')

Answer = TypeVar("Answer", bound=BaseModel)


class ServiceError(NoisicianError):
    """The service refused, failed, or did not answer. ``status`` is that of HTTP, 0 where there was no answer."""

    def __init__(self, message: str, status: int = 0, code: str = "unreachable", param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


class Client:
    """The service at ``url``; ``key`` is its bearer key. Every method raises ServiceError.

    ``transport`` replaces the network, for a service in the same process.
    """

    def __init__(
        self, url: str = DEFAULT_URL, key: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        headers = {b"User-Agent": f"noisician/{software_version()}".encode()}
        if key:
            headers[b"Authorization"] = f"Bearer {key}".encode("utf-8", "replace")
        # The environment's proxies are for the web, not for a machine of one's own.
        self._http = httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=_TIMEOUT, transport=transport, trust_env=False
        )

    @classmethod
    def within(cls, app: Any, url: str, key: str | None) -> Self:
        """A client of the service whose ASGI application ``app`` is, without leaving the process."""
        return cls(url, key, httpx.ASGITransport(app, raise_app_exceptions=False))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def make(
        self,
        prompt: str = "",
        *,
        takes: int = 1,
        title: str | None = None,
        idempotency_key: str | None = None,
        **controls: Unpack[RequestOptions],
    ) -> schemas.Job:
        """Asks for music; the answer is a job in the queue.

        Asking again with the same ``idempotency_key`` gives the same job. Sound files in ``controls`` are ids of
        uploads or takes.
        """
        return await self.ask({**controls, "prompt": prompt, "takes": takes, "title": title}, idempotency_key)

    async def ask(self, body: Mapping[str, Any], idempotency_key: str | None = None) -> schemas.Job:
        """As :meth:`make` with the values of the HTTP API as they are, under any name it understands."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self._asked(schemas.Job, "POST", "/v1/music", json=_given(**body), headers=headers)

    async def job(self, job_id: str) -> schemas.Job:
        return await self._asked(schemas.Job, "GET", f"/v1/music/{_part(job_id)}")

    async def jobs(self, limit: int = 20, after: str | None = None, status: str | None = None) -> schemas.JobPage:
        """The jobs, newest first; ``after`` is the cursor of the page before."""
        params = _given(limit=limit, after=after, status=status)
        return await self._asked(schemas.JobPage, "GET", "/v1/music", params=params)

    async def finished(
        self, job: schemas.Job | str, timeout_s: float | None = None, heard: Callable[[schemas.Job], Any] | None = None
    ) -> schemas.Job:
        """The job when it is completed, failed or cancelled, or as it stands after ``timeout_s``.

        ``heard`` is called with every state seen on the way, and awaited where it can be.
        """
        job_id = job if isinstance(job, str) else job.id
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        pause_s = _FIRST_LOOK_S
        while True:
            state = await self.job(job_id)
            if heard is not None:
                answer = heard(state)
                if hasattr(answer, "__await__"):
                    await answer
            left_s = pause_s if end_s is None else end_s - time.monotonic()
            if state.status in FINISHED or left_s <= 0:
                return state
            await anyio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 1.5, _LAST_LOOK_S)

    async def cancel(self, job_id: str) -> schemas.Job:
        return await self._asked(schemas.Job, "POST", f"/v1/music/{_part(job_id)}/cancel")

    async def vary(self, take_id: str, takes: int = 1, **changes: Unpack[RequestOptions]) -> schemas.Job:
        """Makes a take again with something changed; without changes, with a new seed."""
        body = {"changes": changes, "takes": takes}
        return await self._asked(schemas.Job, "POST", f"/v1/takes/{_part(take_id)}/vary", json=body)

    async def edit(
        self,
        take_id: str,
        edits: Sequence[Edit | Mapping[str, Any]],
        *,
        title: str | None = None,
        idempotency_key: str | None = None,
    ) -> schemas.Job:
        """Makes a new version of a take; ``edits`` are values of :mod:`noisician.edits`, or mappings with their name
        under ``op``, done in order. With a ``title`` the version stands in the library's list."""
        body = _given(edits=_edit_values(edits), title=title)
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self._asked(schemas.Job, "POST", f"/v1/takes/{_part(take_id)}/edit", json=body, headers=headers)

    async def outlook(self, take_id: str, edits: Sequence[Edit | Mapping[str, Any]]) -> schemas.Outlook:
        """What :meth:`edit` would do, without doing it."""
        body = {"edits": _edit_values(edits), "dry_run": True}
        return await self._asked(schemas.Outlook, "POST", f"/v1/takes/{_part(take_id)}/edit", json=body)

    async def versions(self, take_id: str) -> schemas.Versions:
        """All versions of a take's piece, oldest first."""
        return await self._asked(schemas.Versions, "GET", f"/v1/takes/{_part(take_id)}/versions")

    async def take(self, take_id: str) -> schemas.Take:
        return await self._asked(schemas.Take, "GET", f"/v1/takes/{_part(take_id)}")

    async def takes(
        self,
        words: str = "",
        *,
        starred: bool | None = None,
        limit: int = 20,
        after: str | None = None,
        versions: Literal["listed", "all"] = "listed",
    ) -> schemas.TakePage:
        """The library, newest first; every one of the ``words`` must occur in a take's title, prompt or style.

        ``versions`` "all" shows those too that have no name of their own, no star, and were not exported.
        """
        params = _given(q=words or None, starred=starred, limit=limit, after=after, versions=versions)
        return await self._asked(schemas.TakePage, "GET", "/v1/takes", params=params)

    async def explain(self, prompt: str = "", **controls: Unpack[RequestOptions]) -> schemas.Understood:
        """What words and options are taken to mean, without making anything."""
        return await self.understood({**controls, "prompt": prompt})

    async def understood(self, body: Mapping[str, Any]) -> schemas.Understood:
        """As :meth:`explain` with the values of the HTTP API as they are, under any name it understands."""
        return await self._asked(schemas.Understood, "POST", "/v1/explain", json=_given(**body))

    async def upload(self, path: str | Path) -> schemas.Upload:
        """Hands in a sound file; its id serves as ``init_audio`` and the like. Raises FileError too."""
        path = Path(path)
        try:
            with path.open("rb") as file:
                return await self.upload_file(path.name, file)
        except OSError as error:
            raise FileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from None

    async def upload_file(self, name: str, file: BinaryIO) -> schemas.Upload:
        """As :meth:`upload` from an open file."""
        return await self._asked(schemas.Upload, "POST", "/v1/uploads", files={"file": (name, file)})

    async def analysis(self, upload_id: str) -> schemas.Analysis:
        """What is heard in an uploaded recording."""
        return await self._asked(schemas.Analysis, "GET", f"/v1/uploads/{_part(upload_id)}/analysis")

    async def styles(self) -> schemas.Styles:
        return await self._asked(schemas.Styles, "GET", "/v1/styles")

    async def models(self) -> schemas.ModelList:
        return await self._asked(schemas.ModelList, "GET", "/v1/models")

    async def about(self) -> schemas.About:
        return await self._asked(schemas.About, "GET", "/v1/about")

    async def health(self) -> schemas.Health:
        return await self._asked(schemas.Health, "GET", "/health")

    def link(self, take_id: str, **wanted: str | int | None) -> str:
        """Where a take can be had: ``format``, ``part``, ``loudness`` and ``bit_depth`` as docs/service.md says."""
        query = urlencode(_given(**wanted))
        return f"{self.url}/v1/takes/{_part(take_id)}/content" + (f"?{query}" if query else "")

    async def save(self, take_id: str, folder: str | Path, **wanted: str | int | None) -> Path:
        """Writes a take into ``folder`` under the readable name the service gives it, beside what is there already.

        ``wanted`` as for :meth:`link`. Raises FileError where nothing can be written.
        """
        folder = Path(folder)
        request = self._http.build_request("GET", self.link(take_id, **wanted))
        try:
            answer = await self._http.send(request, stream=True)
            try:
                await _refused(answer)
                return await _written(answer, folder)
            finally:
                await answer.aclose()
        except httpx.HTTPError as failed:
            raise self._unreachable(failed) from None
        except OSError as error:
            raise FileError(f"{folder}: cannot be written to ({(error.strerror or str(error)).lower()})") from None

    async def _asked(self, shape: type[Answer], method: str, path: str, **options: Any) -> Answer:
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.HTTPError as failed:
            raise self._unreachable(failed) from None
        await _refused(answer)
        try:
            return shape.model_validate_json(answer.content)
        except ValidationError:
            raise ServiceError(
                f"{self.url} gave an answer to {method} {path} that noisician {software_version()} does not know;"
                " another version, or another program, runs there",
                answer.status_code,
                "not_understood",
            ) from None

    def _unreachable(self, failed: httpx.HTTPError) -> ServiceError:
        reason = " ".join(str(failed).split())[:120] or type(failed).__name__
        return ServiceError(f"no noisician service answers at {self.url} ({reason}); noisician studio starts one")


async def _refused(answer: httpx.Response) -> None:
    """Raises ServiceError for an answer that is none, in the service's own words where it has some."""
    if answer.is_success:
        return
    await answer.aread()
    try:
        body = schemas.ErrorAnswer.model_validate_json(answer.content).error
    except ValidationError:
        raise ServiceError(
            f"{answer.request.method} {answer.request.url.path} was answered with status {answer.status_code}",
            answer.status_code,
            "http",
        ) from None
    raise ServiceError(body.message, answer.status_code, body.code, body.param)


async def _written(answer: httpx.Response, folder: Path) -> Path:
    """The body as a file of its own in ``folder``: whole or not at all, and never over another."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            async for block in answer.aiter_bytes():
                file.write(block)
        return _placed(Path(part), folder / named(answer.headers))
    finally:
        Path(part).unlink(missing_ok=True)


def _placed(part: Path, wanted: Path) -> Path:
    """Moves ``part`` to ``wanted``, or to the same name with a number where there is one already."""
    part.chmod(0o644)
    for number in range(1, 10_000):
        target = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}_{number}")
        try:
            with target.open("xb"):
                pass
        except FileExistsError:
            continue
        part.replace(target)
        return target
    raise FileError(f"{wanted}: there are 10 000 files of that name")


def named(headers: Mapping[str, str]) -> str:
    """The file name of a Content-Disposition, without any folder."""
    found = [(spelled, plain) for spelled, plain in _NAME.findall(headers.get("content-disposition", ""))]
    name = next((unquote(spelled) for spelled, _ in found if spelled), "") or next((plain for _, plain in found), "")
    return _UNSAFE.sub("_", PurePosixPath(name.replace("\\", "/")).name).strip(". ")[:200] or "noisician"


def _part(text: str) -> str:
    """A client's text as one part of a path."""
    return quote(text, safe="")


def _edit_values(edits: Sequence[Edit | Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [edit.model_dump(mode="json") if isinstance(edit, BaseModel) else dict(edit) for edit in edits]


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
