"""What an edit's job needs besides: who edits, and what each take of it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from noisician.edits import Edit
from noisician.models import registry
from noisician.models.protocol import Others, Run
from noisician.music import Music
from noisician.recipe import Recipe
from noisician.request import SEEDS


class Editor(Protocol):
    """What applies edits to the music of a recipe; :func:`edit_music` unless told otherwise."""

    def __call__(self, recipe: Recipe, edits: Sequence[Edit], run: Run, others: Others) -> Music: ...


def edit_music(recipe: Recipe, edits: Sequence[Edit], run: Run, others: Others) -> Music:
    """The music of a recipe with edits applied, as its model does it; errors as there.

    It does not wait for its turn at the models: a worker has one thread at work at a time, and where an edit interrupts
    a job, it is that job which holds the turn and stands still.
    """
    return registry.DEFAULT.model_of(recipe.request).edit(recipe, edits, run, others)


def edits_of_take(edits: Sequence[Edit], number: int) -> tuple[Edit, ...]:
    """The edits of take ``number`` (from 1) of a job: seeds that are given follow each other, as those of requests."""
    return tuple(_with_next_seed(edit, number - 1) for edit in edits)


def _with_next_seed(edit: Edit, further: int) -> Edit:
    seed = getattr(edit, "seed", None)
    return edit if seed is None or not further else edit.model_copy(update={"seed": (seed + further) % SEEDS})
