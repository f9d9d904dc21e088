"""A model that composes guiding one that paints: the first's sketch is what the second starts from.

The sketch has the exact tempo, key and form, the painter its sound; ``strength`` says how far it may go.
The result keeps the sketch's score, so that tags, markers and MIDI are those of the music.
"""

from __future__ import annotations

from dataclasses import replace

from noisician.errors import FileError
from noisician.models.protocol import AudioInput, Capabilities, CheckedRequest, Feature, MusicModel, OnProgress, Run
from noisician.models.support import check_duration, followed
from noisician.music import Music
from noisician.prompt import Controls
from noisician.recipe import Recipe, without_folders
from noisician.request import Request

#: What of a request is the painter's affair alone.
_PAINTERS = (
    "model", "preset", "device", "dtype", "negative_prompt", "lyrics", "language", "vocals", "voice",
    "strength", "repaint", "reference_audio", "morph_prompt", "morph_audio", "morph", "steps",
    "guidance_scale", "guide",
)  # fmt: skip
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
        settings = dict(recipe.settings)
        sketched = settings.pop("sketch", None)
        if not isinstance(sketched, dict):
            raise FileError("the recipe holds no sketch; it was cut or edited")
        plain = recipe.model_copy(update={"request": _sketch_request(recipe.request), "settings": sketched})
        sketch = self._sketcher.replay(plain, _sketching(run))
        wish = _paint_request(recipe.request, sketch, self._painter.capabilities)
        controls = _figures(wish).model_dump(mode="json")
        rest = recipe.model_copy(update={"settings": settings, "request": wish, "controls": controls})
        painted = self._painter.replay(rest, _painting(run, sketch))
        return replace(painted, recipe=recipe, score=sketch.score)


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
    return Run(_part(run.on_progress, 0, _SKETCH_SHARE), run.cancel)


def _painting(run: Run, sketch: Music) -> Run:
    """The second starts from what the first made."""
    start = AudioInput(sketch.audio, sketch.sample_rate_hz, "the sketch")
    return Run(_part(run.on_progress, _SKETCH_SHARE, 1), run.cancel, inputs=replace(run.inputs, init_audio=start))


def _part(on_progress: OnProgress, start: float, end: float) -> OnProgress:
    """Progress of one model within that of both."""
    return lambda progress: on_progress(replace(progress, share=start + (end - start) * progress.share))


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
