"""A model that composes guiding one that paints: the first's sketch is what the second starts from.

The sketch has the exact tempo, key and form, the painter its sound; ``strength`` says how far it may go.
The result keeps the sketch's score, so that tags, markers and MIDI are those of the music.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from noisician.edits import Edit, Regenerate, Region, Vary
from noisician.errors import FileError, RequestError
from noisician.models.protocol import (
    NO_INPUTS,
    AudioInput,
    Capabilities,
    CheckedRequest,
    EditOutlook,
    MusicModel,
    Others,
    Run,
    no_others,
)
from noisician.models.support import check_duration, followed
from noisician.music import Music
from noisician.piece import score_of
from noisician.prompt import Controls
from noisician.recipe import Recipe, without_folders
from noisician.request import OPTIONS, Feature, Request

#: What of a request is the painter's affair alone.
_PAINTERS = tuple(
    name
    for name, option in OPTIONS.items()
    if option.panel in ("Songs", "Checkpoints")
    or name in ("model", "steps", "guidance_scale", "init_audio", "strength", "reference_audio")
)
#: What the sketch brings along whatever the painter can do. Its stems are not those of the result.
_SKETCHED: frozenset[Feature] = frozenset({"text", "score", "tempo", "key", "time_signature"})
_SKETCH_SHARE = 0.3


class GuidedModel(MusicModel):
    """Two models as one."""

    def __init__(self, sketcher: MusicModel, painter: MusicModel) -> None:
        self._sketcher, self._painter = sketcher, painter

    @property
    def capabilities(self) -> Capabilities:
        painter = self._painter.capabilities
        features = painter.features | _SKETCHED if "init_audio" in painter.features else painter.features
        return replace(painter, features=features)

    def generate(self, asked: CheckedRequest, run: Run = Run()) -> Music:
        """Sketches, then paints. Raises what either raises."""
        request, painter = asked.request, self._painter.capabilities
        if request.duration_s is not None:  # before the sketch is made
            check_duration(request.duration_s, painter)
        sketched = CheckedRequest(_sketch_request(request), asked.controls, self._sketcher.capabilities)
        sketch = self._sketcher.generate(sketched, _sketching(run))
        wish = _paint_request(request, sketch, painter)
        painted = self._painter.generate(CheckedRequest(wish, _figures(wish), painter), _painting(run, sketch))
        return replace(painted, recipe=_recipe(request, sketch, painted), score=sketch.score)

    def replay(self, recipe: Recipe, run: Run = Run()) -> Music:
        """Both again. Raises FileError for a recipe without a sketch."""
        sketch, rest = self._opened(recipe, run)
        painted = self._painter.replay(rest, _painting(run, sketch))
        return replace(painted, recipe=recipe, score=sketch.score)

    def edit(self, recipe: Recipe, edits: Sequence[Edit], run: Run = Run(), others: Others = no_others) -> Music:
        """The painter's sound edited; tempo, form and score stay those of the sketch.

        Raises RequestError for edits of anything but the sound, and what the painter raises.
        """
        edits = _of_sound(edits, recipe)
        self._painter.outlook(_painters(recipe), edits)  # refuses before the sketch is made
        sketch, rest = self._opened(recipe, run)
        painted = self._painter.edit(rest, edits, _painting(run, sketch))
        settings = {**painted.recipe.settings, "sketch": recipe.settings["sketch"]}
        edited = recipe.model_copy(update={"settings": settings, "lineage": painted.recipe.lineage})
        return replace(painted, recipe=edited, score=sketch.score)

    def outlook(self, recipe: Recipe, edits: Sequence[Edit], others: Others = no_others) -> EditOutlook:
        """The painter's; errors as :meth:`edit`."""
        return self._painter.outlook(_painters(recipe), _of_sound(edits, recipe))

    def _opened(self, recipe: Recipe, run: Run) -> tuple[Music, Recipe]:
        """The sketch made again, and the painter's own recipe. Raises FileError for a recipe without a sketch."""
        rest, sketched = _painters(recipe), recipe.settings["sketch"]
        plain = recipe.model_copy(update={"request": _sketch_request(recipe.request), "settings": sketched})
        sketch = self._sketcher.replay(plain, _sketching(run))
        wish = _paint_request(recipe.request, sketch, self._painter.capabilities)
        controls = _figures(wish).model_dump(mode="json")
        return sketch, rest.model_copy(update={"request": wish, "controls": controls})


def _painters(recipe: Recipe) -> Recipe:
    """What of a recipe is the painter's. Raises FileError for one without a sketch."""
    settings = dict(recipe.settings)
    if not isinstance(settings.pop("sketch", None), dict):
        raise FileError("the recipe holds no sketch; it was cut or edited")
    return recipe.model_copy(update={"settings": settings})


def _of_sound(edits: Sequence[Edit], recipe: Recipe) -> tuple[Edit, ...]:
    """The edits with bars told in seconds of the sketch. Raises RequestError for those that would leave its form."""
    score = score_of(recipe)
    if score is None:
        raise FileError("the recipe holds no sketch; it was cut or edited")

    def placed(region: Region) -> dict[str, object]:
        late = next((bars for bars in region.bars if not bars[0] <= bars[1] <= score.bars), None)
        if late is not None:
            raise RequestError(f"bars {late[0]}-{late[1]}: the piece has {score.bars} bars")
        in_seconds = ((score.bar_start_s(first - 1), score.bar_start_s(last)) for first, last in region.bars)
        return {"bars": (), "seconds": (*in_seconds, *region.seconds)}

    found: list[Edit] = []
    for edit in edits:
        if isinstance(edit, Regenerate):
            also = tuple(region.model_copy(update=placed(region)) for region in edit.also)
            found.append(edit.model_copy(update={**placed(edit), "also": also}))
        elif isinstance(edit, Vary):
            found.append(edit.model_copy(update=placed(edit)))
        else:
            raise RequestError(
                f"a guided piece cannot {edit.words()}: it keeps its sketch, and can regenerate or vary the sound of it"
            )
    return tuple(found)


def _sketch_request(request: Request) -> Request:
    default = Request()
    return request.model_copy(update={name: getattr(default, name) for name in _PAINTERS})


def _paint_request(request: Request, sketch: Music, capabilities: Capabilities) -> Request:
    """The same request with the sketch's figures, less what the sketch has settled and the painter cannot follow."""
    figures: dict[str, object] = {"bars": None, "duration_s": sketch.duration_s}
    if sketch.score is not None:
        figures |= {name: getattr(sketch.score, name) for name in ("tempo_bpm", "key", "mode", "time_signature")}
    return followed(request.model_copy(update=figures), capabilities)


def _figures(wish: Request) -> Controls:
    """What the painter's request means: the sketch has left nothing to be read from its words."""
    names = ("duration_s", "tempo_bpm", "key", "mode", "time_signature", "loop")
    return Controls(**{name: getattr(wish, name) for name in names})


def _sketching(run: Run) -> Run:
    """The first of both models needs no sound files, and nobody keeps its stems."""
    return replace(run.part(0, _SKETCH_SHARE), keep_stems=False, inputs=NO_INPUTS)


def _painting(run: Run, sketch: Music) -> Run:
    """The second starts from what the first made."""
    start = AudioInput(sketch.audio, sketch.sample_rate_hz, "the sketch")
    return replace(run.part(_SKETCH_SHARE, 1), keep_stems=False, inputs=replace(run.inputs, init_audio=start))


def _recipe(request: Request, sketch: Music, painted: Music) -> Recipe:
    return painted.recipe.model_copy(
        update={
            "request": without_folders(request),
            "controls": sketch.recipe.controls,
            "version": sketch.recipe.version,
            "piece": sketch.recipe.piece,
            "score": sketch.recipe.score,
            "models": {**sketch.recipe.models, **painted.recipe.models},
            "settings": {**painted.recipe.settings, "sketch": sketch.recipe.settings},
        }
    )
