"""Sound files handed in, and settings read back from files noisician made."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request

from noisician.errors import FileError
from noisician.request import FILE_FIELDS
from noisician.service import schemas
from noisician.service.files import is_id
from noisician.service.library.inspection import AUDIO_FORMATS, check_upload
from noisician.service.library.shapes import upload_shape
from noisician.service.records import UploadRecord
from noisician.service.web.bodies import Received, check_values, receive_file
from noisician.service.web.desk import Desk, OnDesk
from noisician.service.web.problems import Problem, not_found
from noisician.service.web.routes.describing import UploadId, refusals

router = APIRouter(tags=["uploads"])

_FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                },
                "encoding": {"file": {"contentType": "application/octet-stream"}},
            }
        },
    }
}
_REFUSED = refusals(400, 408, 413, 415, 422, 507)


@router.post(
    "/v1/uploads",
    operation_id="upload",
    status_code=201,
    response_model=schemas.Upload,
    responses={
        201: {
            "description": "Its id serves as init_audio, reference_audio, morph_audio or melody, that of notes as "
            "notes, of a picture as picture.",
            "links": {
                "GetUpload": {"operationId": "getUpload", "parameters": {"id": "$response.body#/id"}},
                "DeleteUpload": {"operationId": "deleteUpload", "parameters": {"id": "$response.body#/id"}},
            },
        },
        **_REFUSED,
    },
    openapi_extra=_FILE_BODY,
    summary="Hand in a file of sound or notes, or a picture",
)
async def upload(request: Request, desk: OnDesk) -> schemas.Upload:
    """WAV, FLAC, OGG, MP3, MIDI, MusicXML, ABC, PNG or JPEG, told apart by their bytes. Of sound only headers are read;
    the worker decodes it."""
    if desk.free_bytes() < desk.settings.least_free_bytes:
        raise Problem(507, "the service's disk is almost full; delete takes or free some", "disk_full")
    received = await receive_file(request, desk.files, desk.settings.longest_upload_bytes)
    return upload_shape(await desk.export(_keep, desk, received))


@router.get("/v1/uploads/{id}", operation_id="getUpload", responses=refusals(404), summary="What was handed in")
def uploaded(desk: OnDesk, upload_id: UploadId) -> schemas.Upload:
    record = desk.store.upload(upload_id) if is_id(upload_id, "upload") else None
    if record is None:
        raise not_found("upload", upload_id)
    return upload_shape(record)


@router.delete(
    "/v1/uploads/{id}",
    operation_id="deleteUpload",
    status_code=204,
    responses=refusals(404),
    summary="Delete an upload",
)
def delete(desk: OnDesk, upload_id: UploadId) -> None:
    """Jobs that wait for their turn with it fail."""
    if not is_id(upload_id, "upload") or not desk.store.delete_upload(upload_id):
        raise not_found("upload", upload_id)
    desk.files.upload(upload_id).unlink(missing_ok=True)


@router.get(
    "/v1/uploads/{id}/analysis",
    operation_id="analyseUpload",
    response_model=schemas.Analysis,
    responses=refusals(404, 409),
    summary="What is heard in an uploaded recording",
)
async def analysis(desk: OnDesk, upload_id: UploadId) -> schemas.Analysis:
    """Tempo, metre, key, chords, sections, players with their notes, loudness and balance. It takes a few seconds."""
    record = desk.store.upload(upload_id) if is_id(upload_id, "upload") else None
    if record is None:
        raise not_found("upload", upload_id)
    return await anyio.to_thread.run_sync(_analysed, desk, record, limiter=desk.listening)


@router.post(
    "/v1/restore",
    operation_id="restoreSettings",
    response_model=schemas.Restored,
    responses=_REFUSED,
    openapi_extra=_FILE_BODY,
    summary="Read the settings out of a file",
)
async def restore(request: Request, desk: OnDesk) -> schemas.Restored:
    """From any file noisician made: a track, stem, MIDI file, picture, archive or recipe. Nothing of it is kept."""
    received = await receive_file(request, desk.files, desk.settings.longest_upload_bytes)
    return await anyio.to_thread.run_sync(_restored, desk, received, limiter=desk.restoring)


def _keep(desk: Desk, received: Received) -> UploadRecord:
    """Checks what arrived, gives it its place and makes room by deleting the oldest that nobody waits for."""
    upload_id = received.path.name
    try:
        sound = check_upload(received.path, desk.settings)
        record = UploadRecord(upload_id, received.name, sound.format, received.size_bytes, received.sha256, time.time())
        received.path.replace(desk.files.upload(upload_id))
        desk.store.add_upload(record)
    except BaseException:
        received.path.unlink(missing_ok=True)
        desk.files.upload(upload_id).unlink(missing_ok=True)
        raise
    for old in desk.store.uploads_beyond(desk.settings.uploads_kept):
        if desk.store.delete_upload(old):
            with contextlib.suppress(OSError):
                desk.files.upload(old).unlink(missing_ok=True)
    return record


def _analysed(desk: Desk, record: UploadRecord) -> schemas.Analysis:
    from noisician.api import analyse

    path = desk.files.upload(record.id)
    if record.format not in AUDIO_FORMATS:
        what = record.format.upper()
        raise Problem(409, f"{record.name} is {what} and no sound; there is nothing to hear", "file", "id")
    try:
        return schemas.Analysis.model_validate(analyse(path).to_dict())
    except FileError as error:
        raise Problem(409, _named(str(error), path, record.name), "file", "id") from None


def _restored(desk: Desk, received: Received) -> schemas.Restored:
    from noisician.api import read_recipe

    try:
        recipe = read_recipe(received.path)
        params = recipe.request.model_dump(mode="json", exclude_defaults=True, exclude={"seed", "takes"})
        check_values(params)
        recipe_id = recipe.id6
    except FileError as error:
        raise Problem(422, _named(str(error), received.path, received.name), "file", "file") from None
    except (ValueError, RecursionError):
        raise Problem(
            422, f"the recipe in {received.name} is nested too deeply; it is damaged", "file", "file"
        ) from None
    finally:
        received.path.unlink(missing_ok=True)
    lost = {name for name in FILE_FIELDS if not _is_here(desk, params.get(name))}
    take = desk.store.take_of_recipe(recipe_id, recipe.seed)
    return schemas.Restored(
        params={name: value for name, value in params.items() if name not in lost},
        seed=recipe.seed,
        recipe_id=recipe_id,
        title=take.take.title if take else (recipe.request.prompt.strip() or "surprise")[: schemas.TITLE_LIMIT_CHARS],
        model=recipe.request.model,
        take_id=None if take is None else take.id,
    )


def _is_here(desk: Desk, name: str | None) -> bool:
    """Whether a sound file of a recipe is one of this service's own, under its id."""
    if name is None:
        return False
    stem = Path(name).stem
    return (is_id(stem, "upload") and desk.store.upload(stem) is not None) or (
        is_id(stem, "take") and desk.store.take(stem) is not None
    )


def _named(message: str, path: Path, name: str) -> str:
    """A line about a file under the name its owner knows; where it lay is nobody's business."""
    return message.replace(str(path), name).replace(path.name, name)
