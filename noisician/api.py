"""The library's front door: a handful of functions over one model, which is loaded once a process.

Words and options go in as they come from a person; what comes back is a :class:`~noisician.music.Music`. Nothing here
imports a network before music is asked for.
"""

from __future__ import annotations

import difflib
import re
import secrets
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from os import PathLike
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import ValidationError

from noisician.errors import RequestError
from noisician.recipe import Recipe
from noisician.request import Request

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from noisician.embedded import EmbeddedModel
    from noisician.music import Music, OnProgress, ShouldCancel
    from noisician.prompt import Controls

_SEEDS = 2**32
_TUPLES = ("genres", "moods", "instruments", "without")
#: What people type for a field of Request, beside what the spelling is close to.
_ALSO_CALLED = {
    "bpm": "tempo_bpm",
    "tempo": "tempo_bpm",
    "length": "duration_s",
    "duration": "duration_s",
    "seconds": "duration_s",
    "meter": "time_signature",
    "metre": "time_signature",
    "genre": "genres",
    "mood": "moods",
    "guidance": "guidance_scale",
    "exclude": "without",
}
_TONIC_ALONE = re.compile(r"\s*[A-Ga-g]\s*(#|♯|♭|b|[- ]?sharp|[- ]?flat)?\s*", re.IGNORECASE)
#: The model is not for two threads at once.
_ONE_AT_A_TIME = threading.Lock()


class RequestOptions(TypedDict, total=False):
    """The keyword arguments of :func:`make` and its kin: the fields of :class:`Request` besides the prompt.

    Left out or None means "choose for me". An option wins over the prompt's words.
    """

    duration_s: float | None
    bars: int | None
    tempo_bpm: float | None
    key: str | None
    mode: str | None
    time_signature: str | None
    genres: str | Sequence[str] | None
    moods: str | Sequence[str] | None
    instruments: str | Sequence[str] | None
    without: str | Sequence[str] | None
    seed: int | None
    steps: int | None
    guidance_scale: float | None
    loop: bool | None
    model: str | None


def make(
    prompt: str = "",
    *,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
    **controls: Unpack[RequestOptions],
) -> Music:
    """A finished track from words; without any, a surprise.

    ``keep_stems`` False saves the memory of the stems. ``on_progress`` hears a :class:`Progress` after each step;
    when ``cancel`` returns true, :class:`Cancelled` is raised within one step. The model stays loaded, so the second
    track of a process comes sooner. One track is made at a time, whatever the number of threads.

    Raises:
        RequestError: an option is unknown, out of range or contradicts another.
        WeightsError: a model file is missing or damaged.
    """
    return generate(request_of(prompt, controls), keep_stems=keep_stems, on_progress=on_progress, cancel=cancel)


def make_takes(
    prompt: str = "",
    *,
    takes: int,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
    **controls: Unpack[RequestOptions],
) -> Iterator[Music]:
    """Several tracks of one request, each made when the iterator is asked for it.

    Take *n* has the seed ``seed + n`` (from 0), so each can be made alone later. Errors as :func:`make`, at once.
    """
    requests = takes_of(request_of(prompt, {**controls, "takes": takes}))
    return (generate(one, keep_stems=keep_stems, on_progress=on_progress, cancel=cancel) for one in requests)


def generate(
    request: Request,
    *,
    lineage: Sequence[Mapping[str, Any]] = (),
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Music:
    """The track of a ready :class:`Request`. ``lineage`` goes into its recipe. Errors as :func:`make`."""
    from dataclasses import replace

    from noisician.music import ignore_progress, never

    with _ONE_AT_A_TIME:
        music = _model(request.model).generate(request, on_progress or ignore_progress, cancel or never, keep_stems)
    if not lineage:
        return music
    return replace(music, recipe=music.recipe.model_copy(update={"lineage": tuple(dict(step) for step in lineage)}))


def vary(
    source: str | PathLike[str] | Recipe,
    *,
    prompt: str | None = None,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
    **controls: Unpack[RequestOptions],
) -> Music:
    """A new track on the request of an old one, with what is named here changed.

    The old seed stays, so that what is not named stays close to what it was; where nothing is named, a new seed
    is drawn. ``source`` is a recipe or any file that holds one. Errors as :func:`make` and :func:`read_recipe`.
    """
    recipe = source if isinstance(source, Recipe) else read_recipe(source)
    changes = _given(controls if prompt is None else {**controls, "prompt": prompt})
    request = changed(recipe.request, changes or {"seed": secrets.randbelow(_SEEDS)})
    return generate(request, lineage=lineage_of(recipe), keep_stems=keep_stems, on_progress=on_progress, cancel=cancel)


def open(
    source: str | PathLike[str] | Recipe,
    *,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Music:
    """The track again, with its stems and its score, from its recipe or from any file that holds one.

    It is made anew, sample for sample, rather than read: files may hold fewer bits, and most hold no stems. With
    other weights than the recipe's the notes are the same and the sound is not; a UserWarning says so. To look at a
    file without making it, :func:`read_recipe`. Errors as :func:`read_recipe` and :func:`make`.
    """
    recipe = source if isinstance(source, Recipe) else read_recipe(source)
    other = other_weights(recipe)
    if other:
        warnings.warn(f"made with other weights of {', '.join(other)}; it will sound different", stacklevel=2)
    return replay(recipe, keep_stems=keep_stems, on_progress=on_progress, cancel=cancel)


def replay(
    recipe: Recipe,
    *,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Music:
    """The samples of a recipe, without a word about its weights. Errors as :func:`make`."""
    from noisician.music import ignore_progress, never

    with _ONE_AT_A_TIME:
        return _model(recipe.request.model).replay(recipe, on_progress or ignore_progress, cancel or never, keep_stems)


def explain(prompt: str = "", **controls: Unpack[RequestOptions]) -> Controls:
    """What the words and options are taken to mean, each value with its reason. Raises RequestError."""
    from noisician.prompt import understand

    return understand(request_of(prompt, controls))


def read_recipe(path: str | PathLike[str]) -> Recipe:
    """The recipe inside a track, a stem, a MIDI file, a picture, a stems folder or archive, or a sidecar.

    Raises FileError for a file that is missing, damaged, or not from noisician.
    """
    from noisician.export import read_recipe as read

    return read(path)


def request_of(prompt: str, controls: Mapping[str, Any]) -> Request:
    """A request from loose values. A lone string serves where several are expected. Raises RequestError."""
    return changed(Request(), {**controls, "prompt": prompt})


def changed(base: Request, changes: Mapping[str, Any]) -> Request:
    """``base`` with other values; None leaves a field as it is. Raises RequestError.

    A new length replaces the old one whichever way it was said, and so does a key that names its mode.
    """
    values = _given(changes)
    for name in values:
        if name not in Request.model_fields:
            raise RequestError(f"{name!r} is no option of a request{_hint(name)}")
    for name in _TUPLES:
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
    kept = base.model_dump()
    if {"duration_s", "bars"} & values.keys():
        kept |= {"duration_s": None, "bars": None}
    if "key" in values and not _TONIC_ALONE.fullmatch(str(values["key"])):
        kept["mode"] = None
    try:
        return Request.model_validate(kept | values)
    except ValidationError as error:
        raise RequestError(_one_line(error)) from None


def takes_of(request: Request) -> list[Request]:
    """One request a take, with seeds that follow each other. Raises RequestError for what cannot be made."""
    from noisician.prompt import understand

    understand(request)
    first = secrets.randbelow(_SEEDS) if request.seed is None else request.seed
    return [request.model_copy(update={"seed": (first + take) % _SEEDS, "takes": 1}) for take in range(request.takes)]


def lineage_of(recipe: Recipe) -> tuple[dict[str, Any], ...]:
    """The lineage of what is made from a recipe by varying it."""
    return (*recipe.lineage, {"id": recipe.id6, "operation": "vary"})


def other_weights(recipe: Recipe) -> tuple[str, ...]:
    """The models whose installed weights are not those a recipe was made with."""
    from noisician.weights import manifest

    installed = {name: str(entry["sha256"]) for name, entry in manifest().items()}
    return tuple(name for name, sha in recipe.models.items() if not installed.get(name, "").startswith(sha))


@cache
def _embedded() -> EmbeddedModel:
    from noisician.embedded import EmbeddedModel

    return EmbeddedModel()


def _model(name: str) -> EmbeddedModel:
    if name != "embedded":
        raise RequestError(f"model {name!r} is not known; there is one, embedded")
    return _embedded()


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name, Request.model_fields, n=1)
    meant = _ALSO_CALLED.get(name) or (close[0] if close else None)
    return f"; did you mean {meant}?" if meant else f"; there are {', '.join(Request.model_fields)}"


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    given = repr(first.get("input"))[:80]
    return f"{name} {given} does not fit: {' '.join(first['msg'].split())}"
