"""From a checked request to a job in the queue: limits, sound files, seed, and what changing a take means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from noisician.edits import Edit
from noisician.errors import RequestError
from noisician.request import AUDIO_FIELDS, BEATS_PER_BAR, EMBEDDED, FILE_FIELDS, OPTIONS, Request
from noisician.service import schemas
from noisician.service.files import is_id
from noisician.service.library.inspection import NOTES_FORMATS, PICTURE_FORMATS
from noisician.service.library.shapes import take_shape
from noisician.service.records import JobRecord, NewJob, Operation, TakeRecord
from noisician.service.settings import Settings
from noisician.service.store import QueueFull, Store
from noisician.service.web.problems import Problem, not_found
from noisician.service.web.understanding import OtherNames, changed

if TYPE_CHECKING:
    from noisician.models.protocol import CheckedRequest
    from noisician.prompt import Controls

#: A length in bars is taken for this slow where the tempo is left to the planner, so that a limit in seconds holds.
_SLOW_BPM = 60.0
_LOOP_BARS = (8, 4, 2, 1)
#: When nothing is known of how long the work takes, a client comes back after this, in seconds.
_RETRY_S = 10
_RETRY_RANGE_S = (1, 600)


@dataclass(frozen=True)
class Order:
    """What somebody wants made. ``asked`` is the body as it was understood, by which the same is known again."""

    request: Request
    asked: Mapping[str, Any]
    operation: Operation = "make"
    parent_take: str | None = None
    title: str | None = None
    edits: tuple[Edit, ...] = ()


def place(order: Order, settings: Settings, store: Store, idempotency_key: str | None = None) -> tuple[JobRecord, bool]:
    """Puts a checked order into the queue: (job, whether it is new). Blocking.

    A checked request has a seed, so every answer names it and a job begun twice makes the same.
    Raises RequestError, WeightsError and Problem for what cannot be made, IdempotencyConflict, and Problem for a queue
    that is full.
    """
    if order.edits:  # of a piece that is there: nothing is read from words
        check_admitted(order.request, settings, store)
        request = order.request
    else:
        request = check(order.request, settings, store).request
    job = NewJob(
        params=request.model_dump(mode="json", exclude_defaults=True),
        model=request.model,
        takes=request.takes,
        operation=order.operation,
        device=request.device,
        parent_take=order.parent_take,
        title=order.title,
        edits=tuple(edit.model_dump(mode="json", exclude_defaults=True) | {"op": edit.op} for edit in order.edits),
        idempotency_key=idempotency_key,
        digest=_digest(order),
    )
    try:
        return store.enqueue(job, settings.queue_limit)
    except QueueFull as full:
        raise Problem(
            429,
            f"{full.waiting} jobs wait already, the limit is {settings.queue_limit}; try again later",
            "queue_full",
            headers={"Retry-After": str(retry_after_s(store))},
        ) from None


def check(request: Request, settings: Settings, store: Store) -> CheckedRequest:
    """Refuses what the service may not or cannot make, before it waits in the queue.

    Raises RequestError and WeightsError as :func:`noisician.api.checked`, and Problem for what only a service limits.
    """
    from noisician.api import controls_of

    check_admitted(request, settings, store)
    return check_music(request, controls_of(request), settings)


def check_admitted(request: Request, settings: Settings, store: Store) -> None:
    """Refuses what is beyond this service, whatever the words mean. Raises Problem."""
    _check_model(request)
    _check_device(request, settings)
    if request.takes > settings.takes_limit:
        raise Problem(422, f"takes {request.takes} is over the limit of {settings.takes_limit}", "over_limit", "takes")
    _check_sounds(request, store)


def check_music(request: Request, controls: Controls, settings: Settings) -> CheckedRequest:
    """Refuses music that the model cannot make, or that is longer than this service makes; ``controls`` are what the
    words mean. Raises as :func:`check`."""
    from noisician import api

    asked = api.checked(request, controls=controls)
    _check_installed(request)
    length_s = _length_s(controls)
    if length_s is not None and length_s > settings.duration_limit_s:
        raise Problem(
            422,
            f"length {length_s:g} s is over this service's limit of {settings.duration_limit_s:g} s",
            "over_limit",
            "bars" if request.bars is not None else "duration_s",
        )
    return asked


def changed_take(take: TakeRecord, body: schemas.ChangeBody, other_names: OtherNames) -> Order:
    """A variation: the take's request with other values; with none, another seed."""
    base = request_of(take)
    different = {name: value for name, value in body.changes.items() if name not in ("takes", "title")}
    request = changed(base, body.changes, other_names)
    if not different:
        request = request.model_copy(update={"seed": None})
    if "takes" not in body.changes:
        request = request.model_copy(update={"takes": body.takes})
    return Order(request, body.model_dump(mode="json"), "vary", take.id, body.title)


def looped_take(take: TakeRecord, body: schemas.LoopBody) -> Order:
    """The take as a loop of whole bars: its request and its seed, so that it stays close to what it was."""
    bars = body.bars or loop_bars(take)
    changes = {"loop": True, "bars": bars, "duration_s": None, "takes": body.takes}
    return Order(request_of(take).model_copy(update=changes), body.model_dump(mode="json"), "loop", take.id)


def repainted_take(take: TakeRecord, body: schemas.RepaintBody) -> Order:
    """Stretches of the take made anew and the rest kept."""
    for start_s, end_s in body.regions:
        if not 0 <= start_s < end_s:
            raise RequestError(f"region {start_s:g}-{end_s:g} s is no stretch of time; write [start_s, end_s]")
        if start_s >= take.take.duration_s:
            raise Problem(
                422,
                f"region {start_s:g}-{end_s:g} s begins after the end of the take at {take.take.duration_s:g} s",
                "invalid_request",
                "regions",
            )
    changes = {"repaint": body.regions, "duration_s": take.take.duration_s}
    return _from_sound(take, changes, body, "repaint")


def extended_take(take: TakeRecord, body: schemas.ExtendBody) -> Order:
    """The take, and music after its end that goes on with it."""
    end_s = take.take.duration_s
    changes = {"repaint": ((end_s, end_s + body.added_s),), "duration_s": end_s + body.added_s}
    return _from_sound(take, changes, body, "extend")


def _from_sound(
    take: TakeRecord, changes: dict[str, Any], body: schemas.RepaintBody | schemas.ExtendBody, operation: Operation
) -> Order:
    """An order that starts from the sound of a take; the seed is another, for the old one made what is there."""
    base = request_of(take)
    settled = {"init_audio": take.id, "strength": None, "bars": None, "guide": False, "seed": None, "takes": body.takes}
    words = {} if body.prompt is None else {"prompt": body.prompt}
    request = base.model_copy(update={**settled, **changes, **words})
    return Order(request, body.model_dump(mode="json"), operation, take.id)


def request_of(take: TakeRecord) -> Request:
    """The request a take was made from, with its own seed and for one take. Raises Problem for a damaged row."""
    from pydantic import ValidationError

    params = take.take.facts.get("params")
    try:
        if take.damage is not None or not isinstance(params, dict):
            raise ValueError
        return Request.model_validate({**params, "seed": take.take.seed, "takes": 1})
    except (ValidationError, ValueError):
        raise Problem(
            409, f"what take {take.id} was made from is damaged; nothing can be made from it", "damaged"
        ) from None


def retry_after_s(store: Store) -> int:
    """When the next place in a full queue falls free: when what runs now is done, in whole seconds."""
    running = store.jobs(limit=10, status="in_progress").items
    left = [job.eta_s for job in running if job.eta_s is not None]
    low, high = _RETRY_RANGE_S
    return max(low, min(high, round(min(left)))) if left else _RETRY_S


def _digest(order: Order) -> str:
    text = json.dumps([order.operation, order.parent_take, order.asked], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_model(request: Request) -> None:
    """A name, never a folder or a hub id: those would let clients reach into the server or make it download."""
    from noisician.models.checkpoints import catalogue

    if request.model != EMBEDDED and request.model not in catalogue():
        raise Problem(
            422,
            f"model {request.model[:80]!r} is not known here; GET /v1/models lists those that are",
            "unknown_model",
            "model",
        )


def _check_installed(request: Request) -> None:
    """The command line says this when it is asked for music; here somebody would wait for it."""
    from noisician.models import registry

    if request.model == EMBEDDED:
        return
    advice = registry.DEFAULT.named(request.model).advice
    if advice is not None:
        raise Problem(422, f"model {request.model} is not on this machine; {advice}", "missing_model", "model")


def _check_device(request: Request, settings: Settings) -> None:
    if request.device is None or "auto" in settings.devices or request.device in settings.devices:
        return
    raise Problem(
        422,
        f"device {request.device[:80]!r} has no worker here; there are {', '.join(settings.devices)}",
        "unknown_device",
        "device",
    )


#: What messages call what a field takes.
_KIND_NAMES = {"sound": "a sound file", "notes": "a file of notes", "picture": "a picture"}


def _kind_of(format_: str) -> str:
    """How fields are written that take uploads of a format."""
    return "notes" if format_ in NOTES_FORMATS else "picture" if format_ in PICTURE_FORMATS else "sound"


def _check_sounds(request: Request, store: Store) -> None:
    for field in FILE_FIELDS:
        name = getattr(request, field)
        if name is None:
            continue
        is_sound = field in AUDIO_FIELDS
        wanted = OPTIONS[field].writing
        upload = store.upload(name) if is_id(name, "upload") else None
        if upload is not None and _kind_of(upload.format) != wanted:
            what = upload.format.upper()
            message = f"{field} {upload.name[:80]!r} is {what}; it takes {_KIND_NAMES[wanted]}"
            raise Problem(422, message, "file", field)
        if upload is None and not (is_sound and is_id(name, "take") and store.take(name)):
            raise Problem(
                422,
                f"{field} {name[:80]!r} is the id of no upload{' and no take' * is_sound}; POST /v1/uploads first",
                "unknown_sound",
                field,
            )


def _length_s(controls: Controls) -> float | None:
    """How long a take is asked to be, in words or options; None where that is left to the model."""
    if controls.duration_s is not None:
        return controls.duration_s
    if controls.bars is None:
        return None
    beats = controls.bars * BEATS_PER_BAR[controls.time_signature or "4/4"]
    return beats * 60 / (controls.tempo_bpm or _SLOW_BPM)


def bar_s(take: TakeRecord) -> float:
    """The length of a bar in seconds; 0 where the take has no bars."""
    sections, bars = take_shape(take).sections, bars_of(take)
    return (sections[-1].end_s - sections[0].start_s) / bars if bars else 0.0


def bars_of(take: TakeRecord) -> int:
    """How many bars the take has as far as that is known."""
    return sum(section.bars for section in take_shape(take).sections)


def loop_bars(take: TakeRecord) -> int:
    """The longest usual length of a loop that the take is long enough for."""
    return next((length for length in _LOOP_BARS if length <= bars_of(take)), _LOOP_BARS[0])


def take_of(store: Store, id_: str, number: int = 1) -> TakeRecord:
    """The take of that id, or the finished take ``number`` of the job of that id. Raises Problem 404."""
    if is_id(id_, "take"):
        take = store.take(id_)
        if take is None:
            raise not_found("take", id_)
        return take
    if not is_id(id_, "job") or store.job(id_) is None:
        raise not_found("job or take", id_)
    for take in store.takes_of(id_):
        if take.take.number == number:
            return take
    raise Problem(404, f"job {id_} has no take {number} yet", "no_such_take", "take")
