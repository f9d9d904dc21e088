"""What one kind of open checkpoint has to provide; everything else is common to all of them.

A :class:`Family` makes one stretch of audio, at most as long as the checkpoint was trained for.
:class:`noisician.models.checkpoints.model.CheckpointModel` turns that into a ``MusicModel``: it checks the request,
extends the stretch to any length, masters the result and writes the recipe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from noisician.models.protocol import Capabilities
from noisician.request import Preset

#: Called after every sampling step with the share done (0 … 1) of this call; raises Cancelled to stop.
OnStep = Callable[[float], None]


@dataclass(frozen=True)
class Song:
    """What is asked of the music itself; None leaves it to the checkpoint."""

    lyrics: str | None = None
    language: str | None = None
    tempo_bpm: float | None = None
    key: str | None = None
    mode: str | None = None
    time_signature: str | None = None


@dataclass(frozen=True)
class Job:
    """One stretch to make.

    ``init`` (and ``reference``, ``morph_init``) are float32 ``[frames, channels]`` at the family's sample rate and
    channels; ``init`` is ``duration_s`` long. With ``repaint`` the (start_s, end_s) stretches of ``init`` are made anew
    and the rest is kept; without, ``init`` is varied at ``strength`` (0 keeps it … 1 keeps nothing). ``morph`` 0 … 1
    is a place between prompt and ``morph_prompt`` or ``init`` and ``morph_init``; (a, b) travels from a to b.
    ``steps`` and ``guidance_scale`` None: the checkpoint's own.
    """

    prompt: str
    duration_s: float
    seed: int
    negative_prompt: str | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    preset: Preset = "reference"
    song: Song = Song()
    init: np.ndarray | None = None
    strength: float | None = None
    repaint: tuple[tuple[float, float], ...] = ()
    reference: np.ndarray | None = None
    morph_prompt: str | None = None
    morph_init: np.ndarray | None = None
    morph: tuple[float, float] = (0.0, 1.0)


class Family(Protocol):
    """A loaded checkpoint of one kind."""

    @property
    def capabilities(self) -> Capabilities:
        """``duration_range_s`` is that of a single call."""
        ...

    @property
    def channels(self) -> int: ...

    def sample(self, job: Job, on_step: OnStep) -> np.ndarray:
        """Raw samples float32 ``[frames, channels]`` at the family's rate, exactly ``duration_s`` long, unmastered.

        With the preset "reference" and nothing but text these are bit for bit those of the plain diffusers call with
        ``torch.Generator("cpu").manual_seed(seed)``. Raises RequestError for what this checkpoint cannot do and lets
        what ``on_step`` raises pass.
        """
        ...
