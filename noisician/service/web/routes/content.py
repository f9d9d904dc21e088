"""What a take can be had as: files in every format with ranges, peaks, score, words, picture and recipe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from noisician.errors import FileError
from noisician.service import schemas
from noisician.service.failures import failure_of
from noisician.service.library.content import SLICES_LIMIT, Wanted
from noisician.service.library.shapes import take_shape
from noisician.service.records import TakeRecord
from noisician.service.web import orders
from noisician.service.web.desk import Desk, OnDesk
from noisician.service.web.problems import Problem, not_found
from noisician.service.web.routes.describing import (
    Format,
    JobOrTakeId,
    Loudness,
    TakeId,
    TakeNumber,
    binary,
    refusals,
)
from noisician.service.web.routes.takes import found_take
from noisician.service.web.serving import FileAnswer

router = APIRouter(tags=["content"])
R = TypeVar("R")

_BIT_DEPTHS = (16, 24, 32)
_MEDIA = (
    "audio/wav",
    "audio/flac",
    "audio/mpeg",
    "audio/ogg",
    "application/zip",
    "audio/midi",
    "application/vnd.recordare.musicxml+xml",
    "text/vnd.abc",
    "application/json",
    "text/plain",
)
_FILE_HEADERS: dict[str, Any] = {
    "ETag": {"required": True, "schema": {"type": "string"}},
    "Accept-Ranges": {"required": True, "schema": {"type": "string"}},
    "Content-Disposition": {"required": True, "schema": {"type": "string"}},
}
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {**binary(*_MEDIA, description="The file."), "headers": _FILE_HEADERS},
    206: {
        **binary(*_MEDIA, description="The part of the file that Range asked for."),
        "headers": {**_FILE_HEADERS, "Content-Range": {"required": True, "schema": {"type": "string"}}},
    },
    304: {"description": "It is the file of If-None-Match."},
    **refusals(404, 416, 422, 507),
}
Part = Annotated[
    str, Query(max_length=80, pattern=r"^[\w-]+$", description="track, karaoke (without the voice), or a stem's name")
]


@dataclass(frozen=True)
class _Wish:
    wanted: Wanted
    inline: bool


async def _wish(
    format: Annotated[Format, Query(description="of the file")] = "wav",
    part: Part = "track",
    loudness: Annotated[Loudness, Query(description="of track and karaoke; stems keep their level")] = "streaming",
    bit_depth: Annotated[
        int, Query(description="of WAV and FLAC; 32 is float, WAV alone", json_schema_extra={"enum": list(_BIT_DEPTHS)})
    ] = 24,
    inline: Annotated[bool, Query(description="to be played, not saved")] = False,
    lead_sheet: Annotated[
        bool, Query(description="of MusicXML and ABC: the tune, its words and the chords alone")
    ] = False,
) -> _Wish:
    if bit_depth not in _BIT_DEPTHS:
        raise Problem(422, f"bit_depth {bit_depth} is none of 16, 24 and 32", "invalid_value", "bit_depth")
    return _Wish(Wanted(format, part, loudness, bit_depth, lead_sheet), inline)


_Wanted = Annotated[_Wish, Depends(_wish)]


@router.get(
    "/v1/takes/{id}/content",
    operation_id="takeContent",
    response_class=Response,
    responses=_CONTENT,
    summary="A take as a file",
)
async def content(desk: OnDesk, take_id: TakeId, wish: _Wanted) -> Response:
    """With tags and the recipe inside. Made when it is first asked for; ranges and entity tags are understood."""
    take = await anyio.to_thread.run_sync(found_take, desk, take_id)
    return await _answer(desk, take, wish)


@router.get(
    "/v1/music/{id}/content",
    operation_id="jobContent",
    response_class=Response,
    responses=_CONTENT,
    summary="A take of a job as a file",
)
async def content_of_job(desk: OnDesk, id_: JobOrTakeId, wish: _Wanted, take: TakeNumber = 1) -> Response:
    """As GET /v1/takes/{id}/content."""
    found = await anyio.to_thread.run_sync(orders.take_of, desk.store, id_, take)
    return await _answer(desk, found, wish)


@router.get("/v1/takes/{id}/score", operation_id="takeScore", responses=refusals(404), summary="The notes in seconds")
async def score(desk: OnDesk, take_id: TakeId) -> schemas.ScoreView:
    take = await anyio.to_thread.run_sync(found_take, desk, take_id)
    return await _had(desk, desk.shelf.score, take)


@router.get(
    "/v1/takes/{id}/peaks",
    operation_id="takePeaks",
    responses=refusals(404, 422),
    summary="What a waveform is drawn from",
)
async def peaks(
    desk: OnDesk, take_id: TakeId, slices: Annotated[int, Query(ge=1, le=SLICES_LIMIT)] = 800, part: Part = "track"
) -> schemas.Peaks:
    take = await anyio.to_thread.run_sync(found_take, desk, take_id)
    _check_part(take, part)
    return await _had(desk, desk.shelf.peaks, take, part, slices)


@router.get(
    "/v1/takes/{id}/lyrics",
    operation_id="takeLyrics",
    response_class=Response,
    responses={
        200: {
            "description": "The sung words with their times in seconds.",
            "content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}},
        },
        **refusals(404),
    },
    summary="The sung words in seconds",
)
async def lyrics(desk: OnDesk, take_id: TakeId) -> Response:
    take = await anyio.to_thread.run_sync(found_take, desk, take_id)
    return Response(await _had(desk, desk.shelf.lyrics, take), media_type="application/json")


@router.get(
    "/v1/takes/{id}/spectrogram",
    operation_id="takeSpectrogram",
    response_class=Response,
    responses={
        200: {**binary("image/png", description="The picture.")},
        304: {"description": "Unchanged."},
        **refusals(404),
    },
    summary="A picture of the take",
)
def spectrogram(desk: OnDesk, take_id: TakeId) -> Response:
    found_take(desk, take_id)
    return _stored(desk.files.picture(take_id), "image/png", "spectrogram.png", "picture of take", take_id)


@router.get(
    "/v1/takes/{id}/recipe",
    operation_id="takeRecipe",
    response_class=Response,
    responses={
        200: {
            "description": "Everything that makes the same samples again (docs/recipes.md).",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        304: {"description": "Unchanged."},
        **refusals(404),
    },
    summary="The recipe of a take",
)
def recipe(desk: OnDesk, take_id: TakeId) -> Response:
    found_take(desk, take_id)
    return _stored(desk.files.recipe(take_id), "application/json", "recipe.json", "recipe of take", take_id)


async def _answer(desk: Desk, take: TakeRecord, wish: _Wish) -> Response:
    wanted = wish.wanted
    _check_part(take, wanted.part)
    if wish.inline and wanted == Wanted("flac", wanted.part):
        # What is there already is played at once, whatever is being made for others.
        with _missing():
            made = await anyio.to_thread.run_sync(desk.shelf.original, take, wanted.part)
    else:
        made = await _had(desk, desk.shelf.export, take, wanted)
    if not wish.inline and not take.kept:
        await anyio.to_thread.run_sync(desk.store.keep_take, take.id)
    return FileAnswer(made.path, made.media_type, made.file_name, wish.inline)


async def _had(desk: Desk, work: Callable[..., R], *values: Any) -> R:
    """What the shelf has of a take. Raises Problem 404 for what this take has not got."""
    with _missing():
        return await desk.export(work, *values)


@contextlib.contextmanager
def _missing() -> Iterator[None]:
    try:
        yield
    except FileError as error:
        failure = failure_of(error)
        if failure.code == "disk_full":
            raise Problem(507, failure.message, failure.code) from None
        raise Problem(404, str(error), "not_available") from None


def _check_part(take: TakeRecord, part: str) -> None:
    stems = take_shape(take).stems
    if part not in ("track", "karaoke", *stems):
        raise Problem(
            404, f"take {take.id} has no part {part!r}; GET /v1/takes/{take.id} lists its stems", "no_part", "part"
        )


def _stored(path: Path, media_type: str, name: str, kind: str, take_id: str) -> Response:
    if not path.is_file():
        raise not_found(kind, take_id)
    return FileAnswer(path, media_type, name, inline=True)
