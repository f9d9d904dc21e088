"""From audio to the noise it would have come from, and what lies between two such noises.

A model of the v-objective sees ``x = cos φ · x₀ + sin φ · ε`` at the noise angle φ (0 is data, π/2 is noise) and
answers ``v = cos φ · ε − sin φ · x₀``, which is the slope of the probability-flow equation, ``dx/dφ = v``. Following it
upwards turns audio into noise, following it downwards turns that noise back into the audio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch

#: (x, φ) → v.
Velocity = Callable[[torch.Tensor, float], torch.Tensor]

_PARALLEL_RAD = 1e-4


def follow(
    velocity: Velocity, x: torch.Tensor, angles_rad: Sequence[float], on_step: Callable[[int], None]
) -> torch.Tensor:
    """``x`` carried from the first to the last of ``angles_rad``, which rise or fall; one evaluation for each step.

    Were x₀ and ε constant, x would turn on a circle: x'' = −x. What the model really does is x'' = −x + r, with r
    taken from how far the last two slopes miss that circle; over a step h the exact answer for a constant r is
    ``cos h · x + sin h · v + (1 − cos h) · r``. Second order, and free of the poles that forms in x₀ or in ε have at
    one end. ``on_step`` gets the number of steps done.
    """
    before: tuple[torch.Tensor, torch.Tensor, float] | None = None
    for done, (start, end) in enumerate(pairwise(angles_rad), start=1):
        step = end - start
        slope = velocity(x, start)
        moved = math.cos(step) * x + math.sin(step) * slope
        if before is not None:
            last_x, last_slope, last_step = before
            on_circle = math.cos(last_step) * last_slope - math.sin(last_step) * last_x
            moved = moved + (1.0 - math.cos(step)) / math.sin(last_step) * (slope - on_circle)
        before, x = (x, slope, step), moved
        on_step(done)
    return x


def between(first: torch.Tensor, second: torch.Tensor, place: np.ndarray) -> torch.Tensor:
    """Spherical interpolation of two noises ``[channels, frames]`` at ``place`` ``[frames]``, 0 first … 1 second.

    The angle is that between the whole tensors, so that every frame keeps the variance a model expects, wherever
    on the way it is.
    """
    cosine = torch.dot(first.flatten(), second.flatten()) / (first.norm() * second.norm()).clamp(min=1e-12)
    angle = math.acos(min(1.0, max(-1.0, float(cosine))))
    if min(angle, math.pi - angle) < _PARALLEL_RAD:
        weights = np.stack([1.0 - place, place])
    else:
        weights = np.sin(np.stack([1.0 - place, place]) * angle) / math.sin(angle)
    to_first, to_second = torch.from_numpy(weights).to(first)
    return to_first * first + to_second * second
