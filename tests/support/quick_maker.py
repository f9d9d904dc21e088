"""A maker for tests of the service: tones of a fifth of a second, made in steps of a hundredth. Needs no weights.

Words of the prompt say how it goes: ``slow`` takes 60 steps instead of 10, ``endless`` does not end by itself,
``noise`` makes a megabyte that does not compress, ``fault`` and ``memory`` raise, ``read`` opens its sound files.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from noisician.models.inputs import read_inputs
from noisician.models.protocol import CheckedRequest, OnProgress, ShouldCancel, Stages, ignore_progress, never
from noisician.music import Music
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.score import Note, Score, Section, Track

RATE_HZ = 44100
STEP_S = 0.01


def make(
    asked: CheckedRequest,
    *,
    base: Recipe | None = None,
    beside: Path | None = None,
    keep_stems: bool = True,
    on_progress: OnProgress | None = None,
    cancel: ShouldCancel | None = None,
) -> Music:
    request = asked.request
    stages = Stages({"rendering": 1.0}, on_progress or ignore_progress, cancel or never)
    report = stages.reporter("painting")
    words = request.prompt.split()
    if "fault" in words:
        raise ZeroDivisionError("something\nunforeseen")
    if "memory" in words:
        raise MemoryError
    if "read" in words:
        read_inputs(request)
    steps = 10**9 if "endless" in words else 60 if "slow" in words else 10
    for step in range(steps):
        time.sleep(STEP_S)
        report((step + 1) / steps)
    return _music(request, "noise" in words)


def _music(request: Request, noise: bool) -> Music:
    seed = request.seed or 0
    if noise:
        audio = np.random.default_rng(seed).uniform(-1, 1, (200_000, 2)).astype(np.float32)
    else:
        tone = 0.1 * np.sin(np.arange(RATE_HZ // 5) * (seed % 1000 + 100) / 4000)
        audio = np.stack([tone, tone], axis=1).astype(np.float32)
    track = Track("lead", "flute", (Note(60, 0.0, 1.0, 80),))
    score = Score(120.0, "C", "major", "4/4", 1, (Section("verse", "A", 0, 1, 0.5),), (track,))
    return Music(audio, Recipe(request=request, seed=seed, score=score.to_dict()), score, {"lead-flute": audio / 2})
