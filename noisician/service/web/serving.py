"""Files as answers: ranges, entity tags and readable names (RFC 9110, RFC 6266)."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from noisician.service.web.problems import Problem, answer

#: Set in the scope of a HEAD request, which is answered as a GET without its body.
HEAD_FLAG = "noisician.head"
_CHUNK_BYTES = 256 * 1024
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
_NOT_ASCII = re.compile(r'[^ -~]|["\\%]')
_DIGITS = 18


class FileAnswer(Response):
    """A file, whole or the one range that is asked for; several ranges are answered with the whole, as they may be.

    The file is opened before anything is sent, so that it can be deleted meanwhile.
    """

    def __init__(self, path: Path, media_type: str, name: str, inline: bool = False) -> None:
        super().__init__(media_type=media_type)
        self.path, self.media_type, self.name, self.inline = path, media_type, name, inline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            file = await anyio.to_thread.run_sync(_open, self.path)
        except FileNotFoundError:
            problem = Problem(404, "the file of this take is gone; make the take again", "file_gone")
            await answer(problem)(scope, receive, send)
            return
        try:
            await self._send(file, scope, receive, send)
        finally:
            await anyio.to_thread.run_sync(file.close)

    async def _send(self, file: BinaryIO, scope: Scope, receive: Receive, send: Send) -> None:
        stat = os.fstat(file.fileno())  # pyright: ignore[reportArgumentType]
        tag, wanted = etag_of(stat), Headers(scope=scope)
        shared = {
            "etag": tag,
            "accept-ranges": "bytes",
            "cache-control": "private, no-cache",
            "content-disposition": disposition(self.name, self.inline),
        }
        if matches(wanted.get("if-none-match"), tag):
            await Response(status_code=304, headers=shared)(scope, receive, send)
            return
        in_force = wanted.get("if-range") in (None, tag)
        try:
            span = span_of(wanted.get("range"), stat.st_size) if in_force else None
        except ValueError:
            problem = Problem(
                416,
                f"the range begins behind the end of the file's {stat.st_size} bytes",
                "range",
                headers={"Content-Range": f"bytes */{stat.st_size}"},
            )
            await answer(problem)(scope, receive, send)
            return
        start, stop = span or (0, stat.st_size)
        headers = {**shared, "content-type": self.media_type, "content-length": str(stop - start)}
        if span is not None:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{stat.st_size}"
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 206 if span else 200, "headers": raw})
        if scope.get(HEAD_FLAG):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await _send_span(file, start, stop, send)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


async def _send_span(file: BinaryIO, start: int, stop: int, send: Send) -> None:
    await anyio.to_thread.run_sync(file.seek, start)
    left = stop - start
    while left > 0:
        chunk = await anyio.to_thread.run_sync(file.read, min(_CHUNK_BYTES, left))
        if not chunk:
            break
        left -= len(chunk)
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def etag_of(stat: os.stat_result) -> str:
    """Strong: files are never changed in place, only replaced."""
    text = f"{stat.st_mtime_ns}-{stat.st_size}-{stat.st_ino}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Whether a client has the file with this tag already."""
    if if_none_match is None:
        return False
    held = [entry.strip().removeprefix("W/") for entry in if_none_match.split(",")]
    return "*" in held or tag in held


def span_of(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes [start, stop) that a Range asks for; None for all: no Range, several, or one that makes no sense.

    Raises ValueError for one behind the end.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or max(len(found[1]), len(found[2])) > _DIGITS:
        return None
    if not found[1]:
        if not found[2]:
            return None
        if int(found[2]) == 0 or size == 0:
            raise ValueError("an empty range")
        return max(0, size - int(found[2])), size
    start, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if found[2] and last < start:
        return None
    if start >= size:
        raise ValueError("behind the end")
    return start, min(last, size - 1) + 1


def disposition(name: str, inline: bool) -> str:
    """A Content-Disposition that old and new clients read a name from."""
    plain = _NOT_ASCII.sub("_", name)
    kind = "inline" if inline else "attachment"
    spelled = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{spelled}'
