"""The studio's page: a bundle of static files beside this module, served as they are."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from noisician.service.web.problems import Problem, answer
from noisician.service.web.serving import matches

FOLDER = Path(__file__).parents[1] / "static"
_INDEX = "index.html"
_MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".md": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_SQUEEZED = frozenset({".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".md", ".txt"})
_WITHOUT = (
    "<!doctype html><html lang=en><title>noisician</title>"
    "<p>The service runs; the studio's page is not in this installation (studio/README.md builds it)."
)


@dataclass(frozen=True)
class _File:
    content: bytes
    squeezed: bytes | None
    media_type: str
    etag: str


class StudioPage:
    """ASGI application for whatever no route of the API answers to: the studio's files, else 404."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._kept: dict[Path, tuple[tuple[int, int], _File]] = {}

    def has(self, path: str) -> bool:
        """Whether a path is one of the studio's files."""
        return path == "/" or self._file_of(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await anyio.to_thread.run_sync(self._answer, scope)
        await response(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        path, headers = scope["path"], Headers(scope=scope)
        found = self._file_of(path)
        if found is None and path != "/":
            return answer(Problem(404, f"there is nothing at {path[:80]}", "not_found"))
        if scope["method"] not in ("GET", "HEAD"):
            return answer(
                Problem(
                    405, f"{scope['method']} is not possible here", "method_not_allowed", headers={"Allow": "GET, HEAD"}
                )
            )
        if found is None:
            return HTMLResponse(_WITHOUT)
        file = self._read(found)
        shared = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if matches(headers.get("if-none-match"), file.etag):
            return Response(status_code=304, headers=shared)
        if file.squeezed is not None and "gzip" in headers.get("accept-encoding", ""):
            return Response(file.squeezed, headers={**shared, "Content-Encoding": "gzip"}, media_type=file.media_type)
        return Response(file.content, headers=shared, media_type=file.media_type)

    def _file_of(self, path: str) -> Path | None:
        """Only what lies in the bundle, whatever the path says."""
        wanted = _INDEX if path == "/" else path.removeprefix("/")
        if not wanted or wanted.startswith(".") or Path(wanted).suffix not in _MEDIA_TYPES:
            return None
        for part in Path(wanted).parts:
            if part in ("..", "/", "\\") or part.startswith("."):
                return None
        found = self._folder / wanted
        try:
            return found if found.is_file() and found.resolve().is_relative_to(self._folder.resolve()) else None
        except (OSError, ValueError):
            return None

    def _read(self, path: Path) -> _File:
        stat = path.stat()
        version = (stat.st_mtime_ns, stat.st_size)
        kept = self._kept.get(path)
        if kept is not None and kept[0] == version:
            return kept[1]
        content = path.read_bytes()
        squeezed = gzip.compress(content, 9, mtime=0) if path.suffix in _SQUEEZED else None
        tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
        file = _File(content, squeezed, _MEDIA_TYPES[path.suffix], tag)
        self._kept[path] = (version, file)
        return file
