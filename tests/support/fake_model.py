"""A model that makes two seconds of nothing much at once, and the types of the fixtures that all test files share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from noisician.edits import Edit, in_words
from noisician.models.embedded.model import CAPABILITIES
from noisician.models.protocol import Capabilities, CheckedRequest, MusicModel, Others, Progress, Run, no_others
from noisician.models.support import checked
from noisician.music import Music
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.score import Note, Score, Section, Track

SECONDS = 2.0


@dataclass
class FakeModel(MusicModel):
    """A MusicModel whose track is a tone: it keeps the protocol and what it was asked, and needs no weights."""

    requests: list[Request] = field(default_factory=list)
    replayed: list[Recipe] = field(default_factory=list)
    edited: list[tuple[Edit, ...]] = field(default_factory=list)
    interrupt: bool = False

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def generate(self, asked: CheckedRequest, run: Run = Run()) -> Music:
        self.requests.append(asked.request)
        recipe = Recipe(
            request=asked.request,
            seed=asked.seed,
            controls=asked.controls.model_dump(mode="json"),
            score=_score().to_dict(),
        )
        return self._music(recipe, run)

    def replay(self, recipe: Recipe, run: Run = Run()) -> Music:
        self.replayed.append(recipe)
        return self._music(recipe, run)

    def edit(self, recipe: Recipe, edits: Sequence[Edit], run: Run = Run(), others: Others = no_others) -> Music:
        self.edited.append(tuple(edits))
        step = {"id": recipe.id6, "operation": "edit", "words": in_words(edits)}
        return self._music(recipe.model_copy(update={"lineage": (*recipe.lineage, step)}), run)

    def _music(self, recipe: Recipe, run: Run) -> Music:
        run.on_progress(Progress("composing", 0.0))
        if self.interrupt:
            raise KeyboardInterrupt
        run.on_progress(Progress("mixing", 1.0))
        tone = 0.1 * np.sin(np.arange(round(44100 * SECONDS)) * (recipe.seed % 1000 + 100) / 4000)
        audio = np.stack([tone, tone], axis=1).astype(np.float32)
        return Music(audio, recipe, _score(), {"lead-flute": audio / 2} if run.keep_stems else {})


def generated(model: MusicModel, request: Request, run: Run = Run()) -> Music:
    """What a model makes of a request that nobody has checked."""
    return model.generate(checked(request, model.capabilities), run)


def _score() -> Score:
    track = Track("lead", "flute", (Note(60, 0.0, 1.0, 80),))
    return Score(120.0, "C", "major", "4/4", 1, (Section("verse", "A", 0, 1, 0.5),), (track,))


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


RunCommand = Callable[..., Outcome]
TinyFolder = Callable[[str], Path]
