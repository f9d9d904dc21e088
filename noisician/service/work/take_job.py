"""One take of a job: from what was asked, over the model, to files in the library and a row to be written."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from noisician import api
from noisician.edits import Edit, edits_from, in_words
from noisician.errors import Cancelled, FileError, RequestError
from noisician.models import registry
from noisician.models.inputs import read_inputs
from noisician.models.protocol import CheckedRequest, OnProgress, Others, Progress, Run, ShouldCancel, no_others
from noisician.music import Music
from noisician.recipe import Recipe
from noisician.request import FILE_FIELDS, SEEDS, Request
from noisician.service.failures import DiskFull
from noisician.service.files import Files, is_id
from noisician.service.library.inspection import check_upload
from noisician.service.library.shapes import facts_of
from noisician.service.library.stored_take import other_takes
from noisician.service.library.take_files import write_take
from noisician.service.records import JobRecord, NewTake, TakeRecord, UploadRecord
from noisician.service.schemas import TITLE_LIMIT_CHARS
from noisician.service.work.editing import Editor, edit_music, edits_of_take

if TYPE_CHECKING:
    from noisician.service.settings import Settings

#: What making the samples is of all the work of a take; the rest is writing them.
MAKING_SHARE = 0.92
SAVING = "saving"


class Maker(Protocol):
    """What turns a request into music; :func:`noisician.api.generate` unless told otherwise."""

    def __call__(
        self,
        request: Request | CheckedRequest,
        *,
        base: Recipe | None = None,
        beside: Path | None = None,
        keep_stems: bool = True,
        on_progress: OnProgress | None = None,
        cancel: ShouldCancel | None = None,
    ) -> Music: ...


class Names(Protocol):
    """What the store knows of the sound files a job names."""

    def upload(self, upload_id: str) -> UploadRecord | None: ...

    def take(self, take_id: str) -> TakeRecord | None: ...


@dataclass(frozen=True)
class Source:
    """A sound file a job starts from. ``name`` is what its owner calls it."""

    field: str
    path: Path
    name: str
    uploaded: bool


@dataclass(frozen=True)
class Task:
    """A job ready to be made: a request for each take, in order, and what it is made from; or the edits of each."""

    job: JobRecord
    requests: tuple[CheckedRequest, ...]
    sources: tuple[Source, ...] = ()
    parent: Recipe | None = None
    parent_folder: Path | None = None
    edits: tuple[Edit, ...] = ()
    others: Others = no_others


@dataclass(frozen=True)
class Watch:
    """Who is told of the progress of a take, and who may stop it."""

    on_progress: OnProgress
    cancel: ShouldCancel


def sources_of(job: JobRecord, files: Files, names: Names) -> tuple[Source, ...]:
    """The sound files a job names, by the ids of uploads and takes. Raises FileError for one that is gone."""
    return tuple(_source(field, job.params[field], files, names) for field in FILE_FIELDS if job.params.get(field))


def task_of(job: JobRecord, sources: tuple[Source, ...], files: Files, device: str = "auto") -> Task:
    """What is to be made for a job by the worker of ``device``.

    Raises RequestError, FileError and WeightsError for what cannot be made.
    """
    request = request_of(job, sources)
    if device != "auto" and request.device is None and "device" in registry.DEFAULT.capabilities_of(request).features:
        request = request.model_copy(update={"device": device})
    parent = _recipe_of(job.parent_take, files)
    folder = files.take(job.parent_take) if job.parent_take and parent else None
    asked = api.checked(request)
    if not job.edits:
        return Task(job, tuple(api.takes_of(asked)), sources, parent, folder)
    if parent is None:
        raise FileError(f"take {job.parent_take}, which was to be edited, is not here any more; it was deleted")
    return Task(job, (asked,) * job.takes, sources, parent, folder, edits_from(job.edits), other_takes(files))


def request_of(job: JobRecord, sources: tuple[Source, ...] = ()) -> Request:
    """The request of a job, with paths in place of ids. Raises RequestError for impossible values.

    A job without a seed always gets the same one, so that its takes go on where another attempt left them.
    """
    paths = {source.field: str(source.path) for source in sources}
    seed = int(job.id[-8:], 16) if is_id(job.id, "job") else job.seq % SEEDS
    given = {name: value for name, value in job.params.items() if value is not None}
    return api.changed(Request(), {"seed": seed, **given, "model": job.model, "takes": job.takes, **paths})


def check_sources(sources: tuple[Source, ...], settings: Settings) -> None:
    """Looks at the headers of uploads before anything decodes them. Raises FileError naming the file."""
    for source in sources:
        if source.uploaded:
            try:
                check_upload(source.path, settings)
            except FileError as error:
                raise FileError(f"{source.path}: {error}") from None


def check_room(files: Files, least_free_bytes: int) -> None:
    """Raises DiskFull when the data folder's disk has too little left to start."""
    free = shutil.disk_usage(files.root).free
    if free < least_free_bytes:
        raise DiskFull(
            f"only {free / 1e6:.0f} MB are free on the disk of the data folder, {least_free_bytes / 1e6:.0f} MB"
            " must be before a piece is begun"
        )


def make_take(
    task: Task, number: int, make: Maker, files: Files, take_id: str, watch: Watch, edit: Editor = edit_music
) -> NewTake:
    """Makes take ``number`` (from 1) and writes its files, as the take ``take_id`` among ``files``.

    Raises what the model raises, FileError for files that cannot be written, and Cancelled; part of it may then be
    there.
    """
    began_s = time.monotonic()
    request = task.requests[number - 1]
    making = _part(watch, 0.0, MAKING_SHARE)
    edits = edits_of_take(task.edits, number)
    music = _edited(task, request, edits, edit, making) if edits else _made(task, request, make, making)
    if watch.cancel():
        raise Cancelled("stopped before its files were written")
    title = (task.job.title or music.metadata.title)[:TITLE_LIMIT_CHARS]
    measured = write_take(files, take_id, music, title, _saving(watch), task.parent_folder)
    metadata = music.metadata
    params = _params(task, music)
    facts = facts_of(music, {**params, "seed": music.seed})
    return NewTake(
        id=take_id,
        number=number,
        title=title,
        seed=music.seed,
        model=task.job.model,
        licence=request.capabilities.licence,
        recipe_id=music.recipe.id6,
        duration_s=music.duration_s,
        made_in_s=time.monotonic() - began_s,
        loudness_lufs=measured.loudness_lufs,
        true_peak_dbtp=measured.true_peak_dbtp,
        tempo_bpm=metadata.tempo_bpm,
        key=metadata.key,
        mode=metadata.mode,
        time_signature=metadata.time_signature,
        facts={**facts, "edits": in_words(edits)} if edits else facts,
    )


def _params(task: Task, music: Music) -> dict[str, Any]:
    """The request of a take for display. An edit may have changed it; sound files are ids only in the job's own."""
    asked = task.job.params
    if task.edits:
        sounds = {name: asked[name] for name in FILE_FIELDS if name in asked}
        asked = {**music.recipe.request.model_dump(mode="json", exclude_defaults=True), **sounds}
    return {name: value for name, value in asked.items() if name != "takes"}


def _edited(task: Task, request: CheckedRequest, edits: tuple[Edit, ...], edit: Editor, watch: Watch) -> Music:
    assert task.parent is not None
    run = Run(watch.on_progress, watch.cancel, keep_stems=True, inputs=read_inputs(request.request), excerpt=True)
    return edit(task.parent, edits, run, task.others)


def _made(task: Task, request: CheckedRequest, make: Maker, watch: Watch) -> Music:
    """A variation keeps what its change leaves alone; whatever comes from another take says so in its lineage."""
    operation, parent = task.job.operation, task.parent
    varied = operation == "vary" and parent is not None
    music = make(
        request,
        base=parent if varied else None,
        beside=task.parent_folder if varied else None,
        keep_stems=True,
        on_progress=watch.on_progress,
        cancel=watch.cancel,
    )
    if parent is None or varied:
        return music
    lineage = (*parent.lineage, {"id": parent.id6, "operation": operation})
    return replace(music, recipe=music.recipe.model_copy(update={"lineage": lineage}))


def _part(watch: Watch, start: float, end: float) -> Watch:
    def hear(progress: Progress) -> None:
        watch.on_progress(replace(progress, share=start + (end - start) * progress.share))

    return replace(watch, on_progress=hear)


def _saving(watch: Watch) -> Callable[[float], None]:
    part = _part(watch, MAKING_SHARE, 1.0)

    def report(share: float) -> None:
        if part.cancel():
            raise Cancelled(f"stopped while {SAVING}")
        part.on_progress(Progress(SAVING, share))

    return report


def _source(field: str, name: object, files: Files, names: Names) -> Source:
    text = str(name)
    if is_id(text, "upload"):
        upload = names.upload(text)
        if upload is not None and files.upload(text).is_file():
            return Source(field, files.upload(text), upload.name, uploaded=True)
    elif is_id(text, "take"):
        take = names.take(text)
        if take is not None and files.track(text).is_file():
            return Source(field, files.track(text), take.take.title or text, uploaded=False)
    else:
        raise RequestError(f"{field} {text[:80]!r} is no id of an upload or a take; hand the file in first")
    raise FileError(f"{field} {text} is not here any more; it was deleted")


def _recipe_of(take_id: str | None, files: Files) -> Recipe | None:
    """The recipe of the take a job comes from; None where it has left the library since."""
    if take_id is None or not files.recipe(take_id).is_file():
        return None
    return api.read_recipe(files.recipe(take_id))
