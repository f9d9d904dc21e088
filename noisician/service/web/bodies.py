"""Reading what clients send, within limits of size and time, before anything is made of it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from noisician.service.files import Files, new_id
from noisician.service.settings import MEBIBYTE
from noisician.service.web.problems import Problem, unfit

#: How long a client may be silent, in seconds, in the middle of a body; and how long a body may take in all.
STALL_S = 20.0
JSON_BODY_S = 30.0
UPLOAD_S = 600.0
#: Room for the lines around the file of an upload.
_ENVELOPE_BYTES = 64 * 1024
_DEEPEST = 50
#: Values in a body. Each can be an error of its own, which takes a thousand times the room of its byte.
_MOST_VALUES = 5000
_FILE_FIELD = b"file"
_NAME_CHARS = 200


class JsonRoute(APIRoute):
    """A route whose JSON body is read within the limits, checked to be JSON that can be stored, and held against its
    shape as JSON means it: 0 is not false and "1" no number."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        shape = self.body_field.field_info.annotation

        async def guarded(request: Request) -> Response:
            body = await _read_json(request)
            if isinstance(shape, type) and issubclass(shape, BaseModel):
                _check_shape(shape, body)
            return await handle(request)

        return guarded


@dataclass
class Received:
    """A file as it came: where it lies for now, what it was called, its size and checksum."""

    path: Path
    name: str = ""
    size_bytes: int = 0
    sha256: str = ""


async def _read_json(request: Request) -> bytes:
    """The whole body, at most ``longest_body_bytes``, and leaves it where the framework looks for it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        shown = kind[:80] or "none"
        raise Problem(415, f"the body's Content-Type is {shown}; it must be application/json", "content_type")
    limit = request.app.state.desk.settings.longest_body_bytes
    with _within(JSON_BODY_S):
        body = b"".join([chunk async for chunk in chunks(request, limit)])
    json_of(body)
    request._body = body  # where Request.body() keeps what it has read
    return body


def _check_shape(shape: type[BaseModel], body: bytes) -> None:
    try:
        shape.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise unfit(error) from None


@contextlib.contextmanager
def _within(limit_s: float) -> Iterator[None]:
    try:
        with anyio.fail_after(limit_s):
            yield
    except TimeoutError:
        raise Problem(408, f"the body took longer than {limit_s:g} s to arrive", "too_slow") from None


async def chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in pieces. Raises Problem where it is, or is announced to be, longer than ``limit`` bytes, where it
    stalls and where it is cut off."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    received, stream = 0, request.stream()
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream, None), STALL_S)
        except asyncio.TimeoutError:
            raise Problem(408, f"the body stopped arriving for {STALL_S:g} s", "too_slow") from None
        except ClientDisconnect:
            raise Problem(400, "the body was cut off", "cut_off") from None
        if chunk is None:
            return
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> Problem:
    # Whatever else the client still sends on this connection is not read.
    return Problem(
        413, f"the body is longer than the limit of {limit} bytes", "too_large", headers={"Connection": "close"}
    )


def json_of(body: bytes) -> Any:
    """The value of a body. Raises Problem for what is no JSON, and for JSON that nothing can store or show."""
    try:
        value = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(400, f"the body is no JSON: {detail}", "not_json") from None
    check_values(value)
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def check_values(value: Any) -> None:
    """Refuses numbers, text and depths of a JSON value that cannot be stored or shown, and floods. Raises Problem."""
    waiting, seen = [(value, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if depth > _DEEPEST:
            raise Problem(422, f"the body is nested more than {_DEEPEST} deep", "invalid_value")
        if seen + len(waiting) > _MOST_VALUES:
            raise Problem(422, f"the body holds more than {_MOST_VALUES} values", "invalid_value")
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, list):
            waiting += [(entry, depth + 1) for entry in value]
        elif isinstance(value, dict):
            for name in value:
                _check_text(name)
            waiting += [(entry, depth + 1) for entry in value.values()]
        elif isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise Problem(422, "the body holds a number beyond what a computer's numbers reach", "invalid_value")


def _check_text(text: str) -> None:
    """Databases hold no NUL, and half of a surrogate pair is no character."""
    if "\x00" in text:
        raise Problem(422, "the body's text holds a NUL character, which cannot be stored", "invalid_value")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Problem(
            422, "the body's text holds half of a surrogate pair, which is no character", "invalid_value"
        ) from None


async def receive_file(request: Request, files: Files, limit_bytes: int) -> Received:
    """The part ``file`` of a multipart body, streamed into the folder ``tmp``; the caller moves or deletes it.

    Raises Problem for a body that is no such thing, too long, too slow or cut off; nothing stays behind then.
    """
    part = _FilePart(_boundary(request), limit_bytes)
    received = Received(files.tmp / new_id("upload"))
    try:
        handle = await anyio.to_thread.run_sync(_open, received.path)
        try:
            with _within(UPLOAD_S):
                async for chunk in chunks(request, limit_bytes + _ENVELOPE_BYTES):
                    part.feed(chunk)
                    if len(part.waiting) >= MEBIBYTE:
                        await anyio.to_thread.run_sync(part.flush, handle)
            await anyio.to_thread.run_sync(part.flush, handle)
        finally:
            await anyio.to_thread.run_sync(handle.close)
        part.check_complete()
    except BaseException:
        received.path.unlink(missing_ok=True)
        raise
    received.name, received.size_bytes, received.sha256 = part.name, part.size_bytes, part.digest.hexdigest()
    return received


def _open(path: Path) -> BinaryIO:
    return path.open("xb")


def _boundary(request: Request) -> bytes:
    from python_multipart.multipart import parse_options_header

    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind.lower() != b"multipart/form-data":
        shown = kind.decode("latin-1")[:80] or "none"
        raise Problem(415, f"the body's Content-Type is {shown}; it must be multipart/form-data", "content_type")
    if not 0 < len(boundary) <= 70:
        raise Problem(400, "the multipart body's boundary must have 1 to 70 characters", "bad_multipart")
    return boundary


@dataclass
class _Header:
    """One header of a part while it arrives in pieces."""

    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)


class _FilePart:
    """Picks the bytes of the part ``file`` out of a multipart body as it arrives; other parts are passed over."""

    def __init__(self, boundary: bytes, limit_bytes: int) -> None:
        from python_multipart.multipart import MultipartParser

        self.name, self.size_bytes, self.digest, self.waiting = "", 0, hashlib.sha256(), bytearray()
        self._limit_bytes, self._header, self._disposition = limit_bytes, _Header(), b""
        self._is_file = self._found = self._complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Problem(400, f"the multipart body is damaged: {error}", "bad_multipart") from None

    def flush(self, handle: BinaryIO) -> None:
        """Writes and forgets what has arrived."""
        self.digest.update(self.waiting)
        handle.write(self.waiting)
        self.waiting = bytearray()

    def check_complete(self) -> None:
        if not self._complete:
            raise Problem(400, "the multipart body ends before its last boundary: it was cut off", "cut_off")
        if not self._found:
            raise Problem(422, "the multipart body has no part called file that holds a file", "invalid_value", "file")

    def _begin_part(self) -> None:
        self._is_file, self._disposition = False, b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header.name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header.value += data[start:end]

    def _end_header(self) -> None:
        if bytes(self._header.name).lower() == b"content-disposition":
            self._disposition = bytes(self._header.value)
        self._header = _Header()

    def _end_headers(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != _FILE_FIELD or b"filename" not in options:
            return
        if self._found:
            raise Problem(
                422, "the multipart body holds more than one file; send one at a time", "invalid_value", "file"
            )
        self._is_file = self._found = True
        self.name = _plain_name(options[b"filename"].decode("utf-8", "replace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            return
        self.size_bytes += end - start
        if self.size_bytes > self._limit_bytes:
            raise _too_large(self._limit_bytes)
        self.waiting += data[start:end]

    def _end(self) -> None:
        self._complete = True


def _plain_name(name: str) -> str:
    """A client's name for a file without folders and control characters; for display alone."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:_NAME_CHARS] or "unnamed"
