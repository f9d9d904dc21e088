"""A maker for tests of the service: tones of a fifth of a second, made in steps of a hundredth. Needs no weights.

Words of the prompt, and those of an edit, say how it goes: ``early`` hands over a twentieth of a second of an edit from
the tenth on before it begins to work, ``slow`` takes 60 steps instead of 10, ``endless`` does not
end by itself, ``noise`` makes a megabyte that does not compress, ``fault`` and ``memory`` raise, ``read`` opens its
sound files.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from noisician.edits import Edit, UseFrom, in_words
from noisician.models.inputs import read_inputs
from noisician.models.protocol import (
    CheckedRequest,
    Excerpt,
    OnProgress,
    Others,
    Progress,
    Run,
    ShouldCancel,
    ignore_progress,
    never,
)
from noisician.music import Music
from noisician.piece import Setting, piece_of_score, to_dict
from noisician.recipe import Recipe
from noisician.renderer import RenderSettings
from noisician.request import SEEDS, Request
from noisician.score import Note, Score, Section, Track

RATE_HZ = 44100
STEP_S = 0.01


def make(
    asked: Request | CheckedRequest,
    *,
    base: Recipe | None = None,
    beside: Path | None = None,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Music:
    request = asked if isinstance(asked, Request) else asked.request
    words = request.prompt.split()
    if "read" in words:
        read_inputs(request)
    _work(words, Run(on_progress or ignore_progress, cancel or never))
    return _music(request, "noise" in words)


def edit(recipe: Recipe, edits: Sequence[Edit], run: Run, others: Others) -> Music:
    """The tone of another seed, with the edits in its recipe."""
    for one in edits:
        if isinstance(one, UseFrom):
            others(one.source)
    words = " ".join(getattr(one, "text", "") for one in edits).split()
    music = _music(recipe.request.model_copy(update={"seed": (recipe.seed + 1) % SEEDS}), False)
    if "early" in words and run.excerpt:
        excerpt = Excerpt(music.audio[RATE_HZ // 10 : RATE_HZ * 3 // 20], 0.1, RATE_HZ)
        run.on_progress(Progress("rendering", 0.0, excerpt=excerpt))
    _work(words, run)
    step = {"id": recipe.id6, "operation": "edit", "words": in_words(edits)}
    settings = {"edited": [one.model_dump(mode="json") for one in edits]}
    return replace(music, recipe=recipe.model_copy(update={"settings": settings, "lineage": (*recipe.lineage, step)}))


def _work(words: Sequence[str], run: Run) -> None:
    report = run.stages({"rendering": 1.0}).reporter("rendering")
    if "fault" in words:
        raise ZeroDivisionError("something\nunforeseen")
    if "memory" in words:
        raise MemoryError
    steps = 10**9 if "endless" in words else 60 if "slow" in words else 10
    for step in range(steps):
        time.sleep(STEP_S)
        report((step + 1) / steps)


def _music(request: Request, noise: bool) -> Music:
    seed = request.seed or 0
    if noise:
        audio = np.random.default_rng(seed).uniform(-1, 1, (200_000, 2)).astype(np.float32)
    else:
        tone = 0.1 * np.sin(np.arange(RATE_HZ // 5) * (seed % 1000 + 100) / 4000)
        audio = np.stack([tone, tone], axis=1).astype(np.float32)
    track = Track("lead", "flute", (Note(60, 0.0, 1.0, 80),))
    score = Score(120.0, "C", "major", "4/4", 1, (Section("verse", "A", 0, 1, 0.5),), (track,))
    piece = piece_of_score(score, Setting(len(audio) / RATE_HZ, {}, {}, swing=(0.0, 2)), seed, RenderSettings())
    recipe = Recipe(request=request, seed=seed, piece=to_dict(piece))
    return Music(audio, recipe, piece.score, {"lead-flute": audio / 2})
