"""Edits of takes: held against the take's own piece before they wait, or only told what they would do."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from noisician.edits import Edit, Extend, Loop, Regenerate, SetSections
from noisician.models import registry
from noisician.request import SEEDS
from noisician.service import schemas
from noisician.service.files import Files
from noisician.service.library.stored_take import StoredTake, other_takes
from noisician.service.records import TakeRecord
from noisician.service.settings import Settings
from noisician.service.web import orders
from noisician.service.web.orders import Order
from noisician.service.web.problems import Problem


def edited_take(take: TakeRecord, body: schemas.EditBody, settings: Settings, files: Files) -> Order:
    """An order of edits that the take can bear. Raises RequestError, FileError and Problem for others."""
    request = orders.request_of(take)
    check_edits(take, body.edits, settings, files)
    title = body.title or take.take.title
    return Order(request, body.model_dump(mode="json"), "edit", take.id, title, body.edits)


def outlook_of_take(take: TakeRecord, body: schemas.EditBody, settings: Settings, files: Files) -> schemas.Outlook:
    """What the edits would do; the piece is written, nothing is rendered. Raises as :func:`edited_take`."""
    recipe = StoredTake(files, take).recipe
    check_edits(take, body.edits, settings, files)
    models = registry.DEFAULT
    with models.one_at_a_time:
        outlook = models.model_of(recipe.request).outlook(recipe, body.edits, other_takes(files))
    return schemas.Outlook(
        words=outlook.words,
        rendered_s=dict(outlook.painted_s),
        heard_s=outlook.heard_s,
        remarks=outlook.remarks,
        piece=dict(outlook.piece),
    )


def check_edits(take: TakeRecord, edits: Sequence[Edit], settings: Settings, files: Files) -> None:
    """Raises RequestError for edits that the take cannot bear, FileError for a take whose files are gone or damaged,
    Problem for music that would be longer than this service makes."""
    recipe = StoredTake(files, take).recipe
    registry.DEFAULT.model_of(recipe.request).check_edits(recipe, edits, other_takes(files))
    length_s = take.take.duration_s + sum(_added_s(edit, take) for edit in edits)
    if length_s > settings.duration_limit_s:
        raise Problem(
            422,
            f"length {length_s:g} s is over this service's limit of {settings.duration_limit_s:g} s",
            "over_limit",
            "edits",
        )


def writes_pieces(take: TakeRecord) -> bool:
    """Whether the model of a take changes what it made by edits, rather than by what stands in a request."""
    request = orders.request_of(take)
    features = registry.DEFAULT.capabilities_of(request).features
    return not request.guide and "score" in features and "repaint" not in features


def by_edits(order: Order, take: TakeRecord, edits: tuple[Edit, ...], takes: int) -> Order:
    """The same order, done by edits of the take that is there."""
    request = orders.request_of(take).model_copy(update={"takes": takes})
    return replace(order, request=request, edits=edits, title=order.title or take.take.title)


def loop_edits(take: TakeRecord, body: schemas.LoopBody) -> tuple[Edit, ...]:
    """The first bars of the take as a loop; none where it has not as many, or several loops are wanted: one take has
    only one."""
    bars = body.bars or orders.loop_bars(take)
    if body.takes > 1 or bars > orders.bars_of(take) or not writes_pieces(take):
        return ()
    return (Loop(bars=(1, bars)),)


def repaint_edits(body: schemas.RepaintBody) -> tuple[Edit, ...]:
    """The bars that some stretches touch, written anew for everybody."""
    return (Regenerate(seconds=body.regions, text=body.prompt or "", seed=secrets.randbelow(SEEDS)),)


def extend_edits(body: schemas.ExtendBody) -> tuple[Edit, ...]:
    """More music after the end. Raises Problem for words: what is added goes on with the form."""
    if body.prompt is not None:
        message = "prompt: what is added goes on with the piece; extend it, then regenerate the new bars in those words"
        raise Problem(422, message, "invalid_request", "prompt")
    return (Extend(by_seconds=body.added_s, seed=secrets.randbelow(SEEDS)),)


def _added_s(edit: Edit, take: TakeRecord) -> float:
    """How much longer an edit says that the music becomes, in seconds."""
    if isinstance(edit, Extend) and edit.by_seconds is not None:
        return edit.by_seconds
    bars = edit.by_bars if isinstance(edit, Extend) else None
    if isinstance(edit, SetSections) and edit.action == "insert":
        bars = edit.bars
    return 0.0 if bars is None else bars * orders.bar_s(take)
