"""The library's front door: a handful of functions over the models, each loaded when it is first asked for music.

Words and options go in as they come from a person; what comes back is a :class:`~noisician.music.Music`. Nothing here
imports a network before music is asked for, and nothing asks which model it holds: capabilities decide.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from os import PathLike, fsdecode, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar, cast

from pydantic import ValidationError

from noisician.errors import RequestError
from noisician.models import registry
from noisician.recipe import Recipe
from noisician.request import EMBEDDED, LISTS, OPTIONS, SEEDS, Request
from noisician.request.fields import in_fields
from noisician.request.keywords import RequestOptions
from noisician.request.model import in_one_line

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from noisician.analysis.recording import Hearing
    from noisician.edits import Edit, SetNotes
    from noisician.models.protocol import CheckedRequest, EditOutlook, OnProgress, Others, Run, ShouldCancel
    from noisician.music import Music
    from noisician.prompt import Controls

    class _How(TypedDict, total=False):
        keep_stems: bool
        on_progress: OnProgress | None
        cancel: ShouldCancel | None


P = ParamSpec("P")
R = TypeVar("R")
#: The fields that may be given as paths.
_PATHS = tuple(name for name, option in OPTIONS.items() if option.writing in ("sound", "notes", "picture", "place"))
_TONIC_ALONE = re.compile(r"\s*[A-Ga-g]\s*(#|♯|♭|b|[- ]?sharp|[- ]?flat)?\s*", re.IGNORECASE)
#: What there is a list of, each in a file of ``noisician/styles``.
STYLE_KINDS = ("genres", "moods", "instruments", "textures", "voices")


def _in_words_of_programs(function: Callable[P, R]) -> Callable[P, R]:
    """What is refused speaks of fields, as whoever calls from a program does, and not of the command line's options."""

    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except RequestError as refused:
            raise RequestError(in_fields(str(refused))) from None

    return told


@_in_words_of_programs
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
        RequestError: an option is unknown, out of range, contradicts another or is beyond the model.
        FileError: audio to start from cannot be read.
        WeightsError: a model file is missing or damaged.
    """
    request = _single(request_of(prompt, controls))
    return generate(request, keep_stems=keep_stems, on_progress=on_progress, cancel=cancel)


@_in_words_of_programs
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
    requests = takes_of(checked(request_of(prompt, {**controls, "takes": takes})))
    return (generate(one, keep_stems=keep_stems, on_progress=on_progress, cancel=cancel) for one in requests)


def generate(
    request: Request | CheckedRequest,
    *,
    base: Recipe | None = None,
    beside: Path | None = None,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Music:
    """The track of a ready :class:`Request`, or of one that was checked already. Errors as :func:`make`.

    With ``base`` it comes from that recipe: what the request leaves as it was stays, and the lineage says so.

    Sound files that it names are looked for in the folder ``beside`` too.
    """
    from dataclasses import replace

    from noisician.models.inputs import read_inputs
    from noisician.models.protocol import CheckedRequest, Run, ignore_progress, never

    if not isinstance(request, Request | CheckedRequest):
        raise RequestError(f"{request!r:.80} is no Request; noisician.make takes words and options")
    _check_callbacks(on_progress, cancel)
    asked = checked(request) if isinstance(request, Request) else request
    run = Run(on_progress or ignore_progress, cancel or never, keep_stems, read_inputs(asked.request, beside))
    models = registry.DEFAULT
    with models.one_at_a_time:
        model = models.model_of(asked.request)
        if base is None:
            return model.generate(asked, run)
        music = model.rework(base, asked, run)
    return replace(music, recipe=music.recipe.model_copy(update={"lineage": lineage_of(base)}))


@_in_words_of_programs
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
    is drawn. ``source`` is a recipe or any file that holds one. To change the piece itself, :func:`edit`. Errors as
    :func:`make` and :func:`read_recipe`.
    """
    recipe = _recipe_of(source)
    bring_instruments(recipe)
    changes = _given(controls if prompt is None else {**controls, "prompt": prompt})
    request = changed(recipe.request, changes) if changes else recipe.request.model_copy(update={"seed": None})
    if "takes" in changes:
        _single(request)
    return generate(
        request,
        base=recipe,
        beside=folder_of(source),
        keep_stems=keep_stems,
        on_progress=on_progress,
        cancel=cancel,
    )


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
    recipe = _recipe_of(source)
    _warn_of_other_weights(recipe)
    beside = folder_of(source)
    return replay(recipe, beside=beside, keep_stems=keep_stems, on_progress=on_progress, cancel=cancel)


def replay(
    recipe: Recipe,
    *,
    beside: Path | None = None,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Music:
    """The samples of a recipe, without a word about its weights. Errors as :func:`make`.

    The sound files it was made from, if any, are looked for in the current folder and in ``beside``.
    """
    run = _run_for(recipe, beside, keep_stems, on_progress, cancel)
    models = registry.DEFAULT
    with models.one_at_a_time:
        return models.model_of(recipe.request).replay(recipe, run)


def edit(
    source: str | PathLike[str] | Recipe,
    *edits: Edit | Mapping[str, Any],
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Music:
    """The track with something changed; whatever the edits do not name keeps its samples.

    ``source`` is a recipe or any file that holds one, and stays as it is. ``edits`` are values of
    :mod:`noisician.edits` or mappings with their name under ``op``, done in order; :class:`UseFrom` names files. The
    lineage grows by one step that tells in words what was done. Where :func:`vary` changes the request and makes anew
    what follows from it, this changes the piece that came of it. A checkpoint's music takes what it can do itself:
    stretches made anew or varied, more music, a loop.

    Raises:
        RequestError: no edit, one that the piece cannot take, or one beyond the model.
        FileError: the source, another version or a sound file cannot be read.
    """
    recipe = _recipe_of(source)
    _warn_of_other_weights(recipe)
    beside = folder_of(source)
    values, others = _with_sources(edits, beside)
    run = _run_for(recipe, beside, keep_stems, on_progress, cancel)
    models = registry.DEFAULT
    with models.one_at_a_time:
        return models.model_of(recipe.request).edit(recipe, values, run, others)


def outlook(source: str | PathLike[str] | Recipe, *edits: Edit | Mapping[str, Any]) -> EditOutlook:
    """What :func:`edit` would paint and what would be heard of it, without painting. Errors as there."""
    recipe = _recipe_of(source)
    values, others = _with_sources(edits, folder_of(source))
    models = registry.DEFAULT
    with models.one_at_a_time:
        return models.model_of(recipe.request).outlook(recipe, values, others)


def extend(
    source: str | PathLike[str] | Recipe,
    *,
    bars: int | None = None,
    seconds: float | None = None,
    before: bool = False,
    seed: int | None = None,
    **how: Unpack[_How],
) -> Music:
    """The track with so much more music after its end, or before its beginning: :func:`edit` with :class:`Extend`."""
    where = "before" if before else "after"
    return edit(source, {"op": "extend", "where": where, "by_bars": bars, "by_seconds": seconds, "seed": seed}, **how)


def loop(source: str | PathLike[str] | Recipe, *, bars: tuple[int, int] | None = None, **how: Unpack[_How]) -> Music:
    """Some bars of a track, or all, as a seamless loop: :func:`edit` with :class:`Loop`."""
    return edit(source, {"op": "loop", "bars": bars}, **how)


def repaint(
    source: str | PathLike[str] | Recipe,
    *seconds: tuple[float, float],
    text: str = "",
    seed: int | None = None,
    **how: Unpack[_How],
) -> Music:
    """The track with stretches of seconds written anew, by everybody: :func:`edit` with :class:`Regenerate`."""
    if not seconds:
        raise RequestError("no stretch to repaint; name one as (start, end) in seconds")
    return edit(source, {"op": "regenerate", "seconds": seconds, "text": text, "seed": seed}, **how)


def edits_from_midi(source: str | PathLike[str] | Recipe, midi: str | PathLike[str]) -> tuple[SetNotes, ...]:
    """The edits that make a piece play what its MIDI file plays, changed in another program; () for an unchanged one.

    Tracks may be renamed, reordered or left out. Raises RequestError for a file of another piece and for a piece
    without notes, FileError for what is no MIDI file.
    """
    from noisician.edits import set_notes
    from noisician.piece import score_of
    from noisician.score.changes import note_changes
    from noisician.score.midi import midi_ticks_per_quarter, read_midi

    recipe = _recipe_of(source)
    score = score_of(recipe)
    if score is None:
        raise RequestError(f"{recipe.request.model} writes no score, so there are no notes to change")
    try:
        changes = note_changes(score, read_midi(midi), midi_ticks_per_quarter(midi))
    except RequestError as refused:
        raise RequestError(f"{fspath(midi)}: {refused}") from None
    return tuple(set_notes(change) for change in changes)


def intensities(
    source: str | PathLike[str] | Recipe,
    *,
    keep_stems: bool = False,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> dict[str, Music]:
    """The piece calm, tense and full: as many samples each, aligned, with one mix, for a game to cross-fade.

    Full is the piece; in the others those who drive it most are muted (:mod:`noisician.piece.intensities` says who).
    Errors as :func:`edit`.
    """
    from noisician.edits import SetStrip
    from noisician.piece import piece_of
    from noisician.piece.intensities import INTENSITIES, resting

    recipe, beside = _recipe_of(source), folder_of(source)
    piece = piece_of(recipe)
    if piece is None:
        raise RequestError(f"{recipe.request.model} has no players to take away")

    def following(number: int) -> dict[str, Any]:
        hear = _share_of(on_progress, number, len(INTENSITIES))
        return {"keep_stems": keep_stems, "on_progress": hear, "cancel": cancel}

    if piece.mix is None:
        # The edit that changes nothing decides the numbers of a mix that kept none.
        full = edit(recipe, SetStrip(player=piece.plan.players[0].id), **following(0))
        piece = piece_of(full.recipe)
        assert piece is not None
    else:
        full = replay(recipe, beside=beside, **following(0))
    made = {"full": full}
    for number, (name, muted) in enumerate(resting(piece).items()):
        if name not in made:
            strips = [SetStrip(player=key, muted=True) for key in muted]
            made[name] = edit(full.recipe, *strips, **following(number + 1)) if strips else full
    return {name: made[name] for name in INTENSITIES}


@_in_words_of_programs
def explain(prompt: str = "", **controls: Unpack[RequestOptions]) -> Controls:
    """What the words, options and files are taken to mean, each value with its reason. Raises RequestError and
    FileError."""
    return explained(request_of(prompt, controls))[0]


def explained(request: Request) -> tuple[Controls, Hearing | None]:
    """What a request means, its recordings heard, and what the music would start from. Raises as :func:`explain`."""
    from noisician.models.embedded.listening import listened
    from noisician.models.inputs import read_inputs

    controls = controls_of(request)
    if request.model != EMBEDDED:
        return controls, None
    told = listened(request, controls, read_inputs(request))
    return told.controls, told.heard


def analyse(
    path: str | PathLike[str],
    *,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Hearing:
    """What is heard in a sound file: tempo, metre, key, chords, sections, players with their notes, loudness, balance.

    Any format that libsndfile reads, 2 seconds to 15 minutes. ``.score`` is a :class:`Score`, ``.to_dict()`` plain
    values. Raises FileError for a file that cannot be read or holds nothing to hear, :class:`Cancelled`.
    """
    from noisician.models.inputs import heard_input, read_audio_input
    from noisician.models.protocol import Stages, ignore_progress, never

    _check_callbacks(on_progress, cancel)
    stages = Stages({"listening": 1.0}, on_progress or ignore_progress, cancel or never)
    return heard_input(read_audio_input(str(_path_of(path))), stages.reporter("listening"))


def read_recipe(path: str | PathLike[str]) -> Recipe:
    """The recipe inside a track, a stem, a MIDI file, a picture, a stems folder or archive, or a sidecar.

    Raises FileError for a file that is missing, damaged, or not from noisician.
    """
    from noisician.export import read_recipe as read

    return read(_path_of(path))


def request_of(prompt: str, controls: Mapping[str, Any]) -> Request:
    """A request from loose values. A lone string serves where several are expected. Raises RequestError."""
    return changed(Request(), {**controls, "prompt": prompt})


def changed(base: Request, changes: Mapping[str, Any]) -> Request:
    """``base`` with other values; None leaves a field as it is. Raises RequestError.

    A new length replaces the old one whichever way it was said, and so does a key that names its mode.
    """
    values = _given(changes)
    for name in LISTS:
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
    for name in _PATHS:
        if name in values:
            values[name] = str(_path_of(values[name], name))
    kept = base.model_dump()
    if {"duration_s", "bars"} & values.keys():
        kept |= {"duration_s": None, "bars": None}
    if "key" in values and not _TONIC_ALONE.fullmatch(str(values["key"])):
        kept["mode"] = None
    try:
        return Request.model_validate(kept | values)
    except ValidationError as error:
        raise RequestError(in_one_line(error)) from None


def takes_of(asked: CheckedRequest) -> list[CheckedRequest]:
    """One request a take, with seeds that follow each other."""
    from dataclasses import replace

    seeds = ((asked.seed + take) % SEEDS for take in range(asked.request.takes))
    return [replace(asked, request=asked.request.model_copy(update={"seed": seed, "takes": 1})) for seed in seeds]


def folder_of(source: str | PathLike[str] | Recipe) -> Path | None:
    """Where a recipe came from, and its sound files may lie; None for one in memory."""
    if isinstance(source, Recipe):
        return None
    path = _path_of(source)
    return path if path.is_dir() else path.parent


def lineage_of(recipe: Recipe) -> tuple[dict[str, Any], ...]:
    """The lineage of what is made from a recipe by varying it."""
    return (*recipe.lineage, {"id": recipe.id6, "operation": "vary"})


def other_weights(recipe: Recipe) -> tuple[str, ...]:
    """The models and own instruments whose weights and recordings here are not those a recipe was made with."""
    from noisician.models.embedded.carried import other_recordings
    from noisician.weights import manifest

    installed = {name: str(entry["sha256"]) for name, entry in manifest().items()}
    if recipe.models.keys() - installed.keys():
        from noisician.models.checkpoints import installed_weights

        installed |= installed_weights(recipe.request.model)
    other = tuple(name for name, sha in recipe.models.items() if not installed.get(name, "").startswith(sha))
    return (*other, *other_recordings(recipe))


def controls_of(request: Request) -> Controls:
    """What a request's words mean to the model it is for: everything to one that composes, else the exact figures.

    Raises RequestError.
    """
    from noisician.models.support import meaning

    return meaning(request, registry.DEFAULT.capabilities_of(request))


def checked(
    request: Request, outputs: Mapping[str, bool] | None = None, controls: Controls | None = None
) -> CheckedRequest:
    """The request as its model takes it, with its meaning and a seed; refuses, before any work, what cannot be made.

    ``outputs`` says of ``"--stems"`` and ``"--midi"`` whether they are wanted, ``controls`` what the words mean where
    that is known. Raises RequestError naming the models that can, and WeightsError for a model that is none.
    """
    from noisician.models import support

    models = registry.DEFAULT
    capabilities = models.capabilities_of(request)
    asked = support.checked(request, capabilities, models.models_with, controls)
    check_outputs(request, outputs or {})
    return asked


def check_outputs(request: Request, outputs: Mapping[str, bool]) -> None:
    """Raises RequestError for outputs, as in :func:`checked`, that the music of a request does not have."""
    from noisician.models import support

    models = registry.DEFAULT
    support.check_outputs(outputs, models.capabilities_of(request), models.models_with)
    support.check_singing(outputs, request)


def style_rows(kind: str) -> list[dict[str, Any]]:
    """The entries of one of STYLE_KINDS in the order of their file, as JSON values: at least id and description."""
    from noisician.score.harmony import note_name
    from noisician.styles import instruments, table
    from noisician.vocals.voices import voices

    if kind == "genres":
        return [
            {
                "id": id_,
                "tempo_bpm": "{}–{}".format(entry["tempo_bpm"][0], entry["tempo_bpm"][2]),
                "description": entry["description"],
            }
            for id_, entry in table("genres").items()
        ]
    if kind == "moods":
        return [{"id": id_, "description": entry["description"]} for id_, entry in table("moods").items()]
    if kind == "voices":
        return [
            {
                "id": id_,
                "kind": voice.kind,
                "range": "{}–{}".format(*(note_name(pitch) for pitch in voice.range)),
                "description": voice.description,
            }
            for id_, voice in voices().items()
        ]
    return [
        {
            "id": id_,
            "family": instrument.family,
            "roles": " ".join(instrument.roles),
            "description": instrument.description,
        }
        for id_, instrument in instruments().items()
        if (instrument.family == "texture") == (kind == "textures")
    ]


def bring_instruments(recipe: Recipe) -> None:
    """Knows the user's own instruments that a recipe carries, before its request is read once more.

    Raises FileError for one that is neither carried nor installed here.
    """
    if recipe.instruments:
        from noisician.models.embedded.carried import bring

        bring(recipe)


def _path_of(value: object, name: str = "") -> Path:
    """A path as people give it. Raises RequestError for what is none."""
    try:
        return Path(fsdecode(cast("str", value)))
    except TypeError:
        if name:
            raise RequestError(f"{name} {value!r:.80} is no path; name a file or a folder") from None
        raise RequestError(f"{value!r:.80} is no path and no recipe; name a file that noisician made") from None


def _single(request: Request) -> Request:
    """Raises RequestError where several takes are asked of a function that gives one track."""
    if request.takes != 1:
        raise RequestError(f"takes {request.takes}: this gives one track; noisician.make_takes gives several")
    return request


def _check_callbacks(on_progress: object, cancel: object) -> None:
    for name, value in (("on_progress", on_progress), ("cancel", cancel)):
        if value is not None and not callable(value):
            raise RequestError(f"{name} {value!r:.80} cannot be called; give a function, or leave it out")


def _recipe_of(source: str | PathLike[str] | Recipe) -> Recipe:
    return source if isinstance(source, Recipe) else read_recipe(source)


def _warn_of_other_weights(recipe: Recipe) -> None:
    other = other_weights(recipe)
    if other:
        warnings.warn(f"made with other weights of {', '.join(other)}; it will sound different", stacklevel=3)


def _run_for(
    recipe: Recipe,
    beside: Path | None,
    keep_stems: bool,
    on_progress: OnProgress | None,
    cancel: ShouldCancel | None,
) -> Run:
    """How the music of a recipe is made again, with the sound files it was made from."""
    from noisician.models.inputs import inputs_of
    from noisician.models.protocol import Run, ignore_progress, never

    _check_callbacks(on_progress, cancel)
    return Run(on_progress or ignore_progress, cancel or never, keep_stems, inputs_of(recipe, beside))


def _with_sources(edits: Sequence[Edit | Mapping[str, Any]], beside: Path | None) -> tuple[tuple[Edit, ...], Others]:
    """The edits with other versions named by file name and id, for a recipe holds no folders; and their recipes."""
    from noisician.edits import UseFrom, edits_from
    from noisician.models.protocol import no_others

    recipes: dict[str, Recipe] = {}

    def named(value: Edit) -> Edit:
        if not isinstance(value, UseFrom):
            return value
        path = _path_of(value.source)
        if not path.exists() and beside is not None and (beside / path).exists():
            path = beside / path
        recipe = read_recipe(path)
        name = f"{path.name} ({recipe.id6})"
        recipes[name] = recipe
        return value.model_copy(update={"source": name})

    values = tuple(named(value) for value in edits_from(edits))
    return values, lambda name: recipes[name] if name in recipes else no_others(name)


def _share_of(on_progress: OnProgress | None, number: int, count: int) -> OnProgress | None:
    """Progress of one of several tracks within that of all."""
    from dataclasses import replace

    if on_progress is None:
        return None
    return lambda progress: on_progress(replace(progress, share=(number + progress.share) / count))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
